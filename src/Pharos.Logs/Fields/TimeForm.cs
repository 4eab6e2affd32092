using System.Globalization;
using System.Text;

namespace Pharos.Logs.Fields;

/// <summary>
/// How times of one column are written: <c>2026-03-01T12:00:00.000Z</c> or <c>01/Mar/2026:12:00:00</c>, with other bytes between date, time and
/// fraction, and an end of up to eight bytes that all share. A time is a number of units of its last digit since 1970, as if it were UTC.
/// </summary>
internal sealed class TimeForm
{
    private const int EndMax = 8;

    private readonly byte slash;
    private readonly byte between;
    private readonly byte point;
    private readonly bool named;
    private readonly byte[] end;
    private readonly byte[] second;
    private long secondOf = long.MinValue;
    private long dayOf = long.MinValue;

    private TimeForm(bool named, byte slash, byte between, byte point, ReadOnlySpan<byte> end)
    {
        this.named = named;
        this.slash = slash;
        this.between = between;
        this.point = point;
        this.end = end.ToArray();
        second = [.. Enumerable.Repeat((byte)':', DateLength(named) + 9)];
    }

    private static ReadOnlySpan<byte> Months => "JanFebMarAprMayJunJulAugSepOctNovDec"u8;

    /// <summary>The form on disk: names of months or not, the bytes within the date, before the time and before the fraction, the end.</summary>
    public byte[] Encoded => [named ? (byte)1 : (byte)0, slash, between, point, .. end];

    /// <exception cref="InvalidDataException">The bytes are none.</exception>
    public static TimeForm Decode(ReadOnlySpan<byte> encoded) => encoded.Length is >= 4 and <= 4 + EndMax
        ? new TimeForm(encoded[0] != 0, encoded[1], encoded[2], encoded[3], encoded[4..])
        : throw new InvalidDataException("a column has an impossible form of times");

    /// <summary>Reads a time in this form.</summary>
    /// <param name="form">Null: any form is taken, and set.</param>
    /// <param name="scale">Digits of a second.</param>
    public static bool TryRead(ReadOnlySpan<byte> text, ref TimeForm? form, out long units, out int scale)
    {
        units = 0;
        scale = 0;
        if (text.Length is < 19 or > 31 + EndMax) return false;
        bool named = text[2] == '/';
        int date = DateLength(named), year, month, day;
        byte slash = text[named ? 2 : 4];
        if (named)
        {
            month = MonthOf(text[3..6]);
            if (text[6] != slash || !Digits(text[..2], out day) || !Digits(text[7..11], out year)) return false;
        }
        else if (slash is not ((byte)'-' or (byte)'/') || text[7] != slash || !Digits(text[..4], out year) || !Digits(text[5..7], out month) || !Digits(text[8..10], out day))
        {
            return false;
        }
        byte between = text[date];
        var time = text[(date + 1)..];
        if (time.Length < 8 || between is not ((byte)'T' or (byte)' ' or (byte)':' or (byte)'_') || time[2] != ':' || time[5] != ':'
            || !Digits(time[..2], out int hour) || !Digits(time[3..5], out int minute) || !Digits(time[6..8], out int seconds)) return false;
        if (year is < 1970 or > 2200 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month) || hour > 23 || minute > 59 || seconds > 59) return false;
        byte point = 0;
        int at = 8, fraction = 0;
        if (time.Length > 9 && time[8] is (byte)'.' or (byte)',' && IsDigit(time[9]))
        {
            point = time[8];
            for (at = 9; at < time.Length && IsDigit(time[at]); at++)
            {
                if (++scale > 9) return false;
                fraction = (fraction * 10) + (time[at] - '0');
            }
        }
        else if (time.Length > 8 && IsDigit(time[8]))
        {
            return false;
        }
        var rest = time[at..];
        if (rest.Length > EndMax) return false;
        if (form is null || (form.point == 0 && point != 0 && form.Fits(named, slash, between, rest))) form = new TimeForm(named, slash, between, point, rest);
        else if (!form.Fits(named, slash, between, rest) || (point != 0 && point != form.point)) return false;
        long days = (new DateTime(year, month, day, 0, 0, 0, DateTimeKind.Utc).Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerDay;
        units = (((days * 86400) + (hour * 3600) + (minute * 60) + seconds) * ValueText.PowerOfTen(scale)) + fraction;
        return true;
    }

    /// <summary>All bytes that can be in a time of this form.</summary>
    public byte[] Alphabet => [.. "0123456789:"u8, slash, between, point, .. end, .. named ? Months : default];

    /// <summary>Writes a time; returns its length.</summary>
    /// <exception cref="InvalidDataException">There is no room for it.</exception>
    public int Write(long units, int scale, Span<byte> into)
    {
        long seconds = Math.DivRem(units, ValueText.PowerOfTen(scale), out long fraction);
        if (seconds != secondOf)
        {
            // Lines of one second mostly follow each other.
            WriteSecond(seconds);
            secondOf = seconds;
        }
        int at = second.Length;
        int length = at + (scale == 0 ? 0 : 1 + scale) + end.Length;
        if (into.Length < length) throw new InvalidDataException("values are longer than the lines of their block");
        second.CopyTo(into);
        if (scale > 0)
        {
            into[at++] = point;
            for (int i = at + scale - 1; i >= at; i--)
            {
                fraction = Math.DivRem(fraction, 10, out long digit);
                into[i] = (byte)('0' + digit);
            }
            at += scale;
        }
        end.CopyTo(into[at..]);
        return length;
    }

    /// <summary>0: no month has this name.</summary>
    private static int MonthOf(ReadOnlySpan<byte> name)
    {
        for (int month = 1; month <= 12; month++)
        {
            if (name.SequenceEqual(Months.Slice(3 * (month - 1), 3))) return month;
        }
        return 0;
    }

    private static int DateLength(bool named) => named ? 11 : 10;

    private static bool IsDigit(byte b) => (uint)(b - '0') <= 9;

    private static bool Digits(ReadOnlySpan<byte> text, out int value)
    {
        value = 0;
        foreach (byte b in text)
        {
            if (!IsDigit(b)) return false;
            value = (value * 10) + (b - '0');
        }
        return true;
    }

    private bool Fits(bool named, byte slash, byte between, ReadOnlySpan<byte> end) =>
        named == this.named && slash == this.slash && between == this.between && end.SequenceEqual(this.end);

    private void WriteSecond(long seconds)
    {
        // A damaged number must not become an error that nobody expects.
        if (seconds is < 0 or > 253_402_300_799) throw new InvalidDataException("a column has an impossible time");
        var (day, rest) = Math.DivRem(seconds, 86400);
        int time = DateLength(named) + 1;
        WriteTwo(rest / 3600, second.AsSpan(time));
        WriteTwo(rest / 60 % 60, second.AsSpan(time + 3));
        WriteTwo(rest % 60, second.AsSpan(time + 6));
        if (day == dayOf) return;
        dayOf = day;
        var at = DateTime.UnixEpoch.AddDays(day);
        string text = named
            ? string.Create(CultureInfo.InvariantCulture, $"{at.Day:d2}{(char)slash}{Encoding.Latin1.GetString(Months.Slice(3 * (at.Month - 1), 3))}{(char)slash}{at.Year:d4}{(char)between}")
            : string.Create(CultureInfo.InvariantCulture, $"{at.Year:d4}{(char)slash}{at.Month:d2}{(char)slash}{at.Day:d2}{(char)between}");
        Encoding.Latin1.GetBytes(text, second);
    }

    private static void WriteTwo(long number, Span<byte> into)
    {
        into[0] = (byte)('0' + (number / 10));
        into[1] = (byte)('0' + (number % 10));
    }
}
