using System.Globalization;
using System.Text;
using Pharos.Core;

namespace Pharos.Templates.Formatting;

/// <summary>Go's time layouts: a layout shows how 2 January 2006, 15:04:05 at −07:00 (MST) would be written.</summary>
public static class GoTimeLayout
{
    private static readonly string[] Months =
        ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

    private static readonly string[] Days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

    private enum Piece
    {
        None,
        LongMonth,
        ShortMonth,
        NumberMonth,
        ZeroMonth,
        LongWeekDay,
        ShortWeekDay,
        Day,
        UnderDay,
        ZeroDay,
        UnderYearDay,
        ZeroYearDay,
        Hour,
        Hour12,
        ZeroHour12,
        Minute,
        ZeroMinute,
        Second,
        ZeroSecond,
        LongYear,
        Year,
        UpperPm,
        LowerPm,
        ZoneName,
        IsoZone,
        IsoSecondsZone,
        IsoShortZone,
        IsoColonZone,
        IsoColonSecondsZone,
        Zone,
        SecondsZone,
        ShortZone,
        ColonZone,
        ColonSecondsZone,
        FractionZeros,
        FractionNines,
    }

    public static string Format(GoTime time, string layout)
    {
        var (local, offset, zoneName) = time.Face();
        var text = new StringBuilder();
        int at = 0;
        while (at < layout.Length)
        {
            var (start, end, piece) = NextPiece(layout, at);
            text.Append(layout, at, start - at);
            if (piece == Piece.None) break;
            Append(text, piece, layout.AsSpan(start, end - start), local, time.Nanosecond, offset, zoneName);
            at = end;
        }
        return text.ToString();
    }

    /// <summary>Reads a time; fields that the layout does not have are zero, the zone is UTC unless the text or <paramref name="zone"/> says otherwise.</summary>
    /// <exception cref="TemplateFunctionException">The text does not fit the layout.</exception>
    public static GoTime Parse(string layout, string text, GoZone? zone = null)
    {
        int year = 1, month = 1, day = 1, hour = 0, minute = 0, second = 0, nanosecond = 0, yearDay = -1;
        bool pm = false, pmSet = false;
        int? offset = null;
        string zoneName = "";
        int at = 0, from = 0;
        if (!layout.Contains("06", StringComparison.Ordinal) && !layout.Contains("2006", StringComparison.Ordinal)) year = 0;
        while (true)
        {
            var (start, end, piece) = NextPiece(layout, from);
            string literal = layout[from..start];
            if (!SkipLiteral(text, ref at, literal)) throw Fail(text[at..], literal);
            if (piece == Piece.None)
            {
                if (at < text.Length) throw new TemplateFunctionException($"parsing time {GoString.Quote(text)}: extra text: {GoString.Quote(text[at..])}");
                break;
            }
            string element = layout[start..end];
            from = end;
            string rest = text[at..];
            bool ok = piece switch
            {
                Piece.LongYear => Digits(text, ref at, 4, 4, out year),
                Piece.Year => ShortYear(text, ref at, out year),
                Piece.LongMonth => Name(text, ref at, Months, 0, out month),
                Piece.ShortMonth => Name(text, ref at, Months, 3, out month),
                Piece.NumberMonth => Digits(text, ref at, 1, 2, out month),
                Piece.ZeroMonth => Digits(text, ref at, 2, 2, out month),
                Piece.LongWeekDay => Name(text, ref at, Days, 0, out _),
                Piece.ShortWeekDay => Name(text, ref at, Days, 3, out _),
                Piece.Day => Digits(text, ref at, 1, 2, out day),
                Piece.UnderDay => Padded(text, ref at, 2, out day),
                Piece.ZeroDay => Digits(text, ref at, 2, 2, out day),
                Piece.UnderYearDay => Padded(text, ref at, 3, out yearDay),
                Piece.ZeroYearDay => Digits(text, ref at, 3, 3, out yearDay),
                Piece.Hour => Digits(text, ref at, 2, 2, out hour),
                Piece.Hour12 => Digits(text, ref at, 1, 2, out hour),
                Piece.ZeroHour12 => Digits(text, ref at, 2, 2, out hour),
                Piece.Minute => Digits(text, ref at, 1, 2, out minute),
                Piece.ZeroMinute => Digits(text, ref at, 2, 2, out minute),
                Piece.Second => Digits(text, ref at, 1, 2, out second) && SecondFraction(layout, end, text, ref at, ref nanosecond),
                Piece.ZeroSecond => Digits(text, ref at, 2, 2, out second) && SecondFraction(layout, end, text, ref at, ref nanosecond),
                Piece.UpperPm => Half(text, ref at, "AM", "PM", out pm, out pmSet),
                Piece.LowerPm => Half(text, ref at, "am", "pm", out pm, out pmSet),
                Piece.FractionZeros => Fraction(text, ref at, element.Length - 1, out nanosecond),
                Piece.FractionNines => OptionalFraction(text, ref at, ref nanosecond),
                Piece.ZoneName => Abbreviation(text, ref at, out zoneName),
                _ => Offset(piece, text, ref at, ref offset),
            };
            if (!ok) throw Fail(rest, element);
        }
        if (pmSet)
        {
            if (pm && hour < 12) hour += 12;
            else if (!pm && hour == 12) hour = 0;
        }
        if (month is < 1 or > 12) throw OutOfRange("month");
        if (hour > 23) throw OutOfRange("hour");
        if (minute > 59) throw OutOfRange("minute");
        if (second > 59) throw OutOfRange("second");
        if (yearDay > 0)
        {
            var date = new DateTime(Math.Max(year, 1), 1, 1).AddDays(yearDay - 1);
            (month, day) = (date.Month, date.Day);
        }
        if (day < 1 || day > DateTime.DaysInMonth(year == 0 ? 4 : year, month)) throw OutOfRange("day");
        // Year 0 (no year in the layout) lies outside of .NET's calendar: 366 days before year 1.
        long seconds = year == 0
            ? (long)(new DateTime(4, month, day, hour, minute, second) - new DateTime(4, 1, 1)).TotalSeconds - (366L * 86400) - 62135596800
            : (long)(new DateTime(year, month, day, hour, minute, second) - DateTime.UnixEpoch).TotalSeconds;
        if (offset is { } known)
            return GoTime.FromUnix(seconds - known, nanosecond, known == 0 ? null : GoZone.Fixed(zoneName, known));
        if (zoneName.Length > 0 && zoneName != "UTC")
            return GoTime.FromUnix(seconds, nanosecond, GoZone.Fixed(zoneName, 0));
        if (zone is null || year == 0) return GoTime.FromUnix(seconds, nanosecond);
        // The offset that holds at that local time: guess by UTC, then correct once.
        int guess = zone.At(DateTimeOffset.FromUnixTimeSeconds(seconds)).OffsetSeconds;
        int settled = zone.At(DateTimeOffset.FromUnixTimeSeconds(seconds - guess)).OffsetSeconds;
        return GoTime.FromUnix(seconds - settled, nanosecond, zone);

        TemplateFunctionException Fail(string rest, string element) =>
            new($"parsing time {GoString.Quote(text)} as {GoString.Quote(layout)}: cannot parse {GoString.Quote(rest)} as {GoString.Quote(element)}");

        TemplateFunctionException OutOfRange(string what) => new($"parsing time {GoString.Quote(text)}: {what} out of range");
    }

    private static void Append(
        StringBuilder text, Piece piece, ReadOnlySpan<char> element, DateTime local, int nanosecond, int offset, string zoneName)
    {
        int hour12 = local.Hour % 12 == 0 ? 12 : local.Hour % 12;
        switch (piece)
        {
            case Piece.LongMonth: text.Append(Months[local.Month - 1]); break;
            case Piece.ShortMonth: text.Append(Months[local.Month - 1].AsSpan(0, 3)); break;
            case Piece.NumberMonth: text.Append(local.Month); break;
            case Piece.ZeroMonth: Pad(text, local.Month, 2, '0'); break;
            case Piece.LongWeekDay: text.Append(Days[(int)local.DayOfWeek]); break;
            case Piece.ShortWeekDay: text.Append(Days[(int)local.DayOfWeek].AsSpan(0, 3)); break;
            case Piece.Day: text.Append(local.Day); break;
            case Piece.UnderDay: Pad(text, local.Day, 2, ' '); break;
            case Piece.ZeroDay: Pad(text, local.Day, 2, '0'); break;
            case Piece.UnderYearDay: Pad(text, local.DayOfYear, 3, ' '); break;
            case Piece.ZeroYearDay: Pad(text, local.DayOfYear, 3, '0'); break;
            case Piece.Hour: Pad(text, local.Hour, 2, '0'); break;
            case Piece.Hour12: text.Append(hour12); break;
            case Piece.ZeroHour12: Pad(text, hour12, 2, '0'); break;
            case Piece.Minute: text.Append(local.Minute); break;
            case Piece.ZeroMinute: Pad(text, local.Minute, 2, '0'); break;
            case Piece.Second: text.Append(local.Second); break;
            case Piece.ZeroSecond: Pad(text, local.Second, 2, '0'); break;
            case Piece.LongYear: Pad(text, local.Year, 4, '0'); break;
            case Piece.Year: Pad(text, local.Year % 100, 2, '0'); break;
            case Piece.UpperPm: text.Append(local.Hour >= 12 ? "PM" : "AM"); break;
            case Piece.LowerPm: text.Append(local.Hour >= 12 ? "pm" : "am"); break;
            case Piece.ZoneName: text.Append(zoneName); break;
            case Piece.FractionZeros or Piece.FractionNines:
                string digits = nanosecond.ToString("D9", CultureInfo.InvariantCulture)[..Math.Min(9, element.Length - 1)];
                if (piece == Piece.FractionNines) digits = digits.TrimEnd('0');
                if (digits.Length > 0) text.Append(element[0]).Append(digits);
                break;
            default: AppendOffset(text, piece, offset); break;
        }
    }

    private static void AppendOffset(StringBuilder text, Piece piece, int offset)
    {
        bool iso = piece is Piece.IsoZone or Piece.IsoSecondsZone or Piece.IsoShortZone or Piece.IsoColonZone or Piece.IsoColonSecondsZone;
        if (iso && offset == 0)
        {
            text.Append('Z');
            return;
        }
        text.Append(offset < 0 ? '-' : '+');
        offset = Math.Abs(offset);
        Pad(text, offset / 3600, 2, '0');
        if (piece is Piece.IsoShortZone or Piece.ShortZone) return;
        bool colon = piece is Piece.IsoColonZone or Piece.IsoColonSecondsZone or Piece.ColonZone or Piece.ColonSecondsZone;
        if (colon) text.Append(':');
        Pad(text, offset / 60 % 60, 2, '0');
        if (piece is not (Piece.IsoSecondsZone or Piece.IsoColonSecondsZone or Piece.SecondsZone or Piece.ColonSecondsZone)) return;
        if (colon) text.Append(':');
        Pad(text, offset % 60, 2, '0');
    }

    private static void Pad(StringBuilder text, int number, int width, char with)
    {
        string digits = number.ToString(CultureInfo.InvariantCulture);
        text.Append(with, Math.Max(0, width - digits.Length)).Append(digits);
    }

    private static (int Start, int End, Piece Piece) NextPiece(string layout, int from)
    {
        for (int i = from; i < layout.Length; i++)
        {
            var rest = layout.AsSpan(i);
            (int length, var piece) = rest[0] switch
            {
                'J' when rest.StartsWith("January") => (7, Piece.LongMonth),
                'J' when rest.StartsWith("Jan") && !LowerAt(rest, 3) => (3, Piece.ShortMonth),
                'M' when rest.StartsWith("Monday") => (6, Piece.LongWeekDay),
                'M' when rest.StartsWith("Mon") && !LowerAt(rest, 3) => (3, Piece.ShortWeekDay),
                'M' when rest.StartsWith("MST") => (3, Piece.ZoneName),
                '0' when rest.Length > 1 && rest[1] is >= '1' and <= '6' => (2, rest[1] switch
                {
                    '1' => Piece.ZeroMonth, '2' => Piece.ZeroDay, '3' => Piece.ZeroHour12, '4' => Piece.ZeroMinute, '5' => Piece.ZeroSecond, _ => Piece.Year,
                }),
                '0' when rest.StartsWith("002") => (3, Piece.ZeroYearDay),
                '1' when rest.StartsWith("15") => (2, Piece.Hour),
                '1' => (1, Piece.NumberMonth),
                '2' when rest.StartsWith("2006") => (4, Piece.LongYear),
                '2' => (1, Piece.Day),
                '_' when rest.StartsWith("_2006") => (0, Piece.None),
                '_' when rest.StartsWith("__2") => (3, Piece.UnderYearDay),
                '_' when rest.StartsWith("_2") => (2, Piece.UnderDay),
                '3' => (1, Piece.Hour12),
                '4' => (1, Piece.Minute),
                '5' => (1, Piece.Second),
                'P' when rest.StartsWith("PM") => (2, Piece.UpperPm),
                'p' when rest.StartsWith("pm") => (2, Piece.LowerPm),
                '-' when rest.StartsWith("-07:00:00") => (9, Piece.ColonSecondsZone),
                '-' when rest.StartsWith("-070000") => (7, Piece.SecondsZone),
                '-' when rest.StartsWith("-07:00") => (6, Piece.ColonZone),
                '-' when rest.StartsWith("-0700") => (5, Piece.Zone),
                '-' when rest.StartsWith("-07") => (3, Piece.ShortZone),
                'Z' when rest.StartsWith("Z07:00:00") => (9, Piece.IsoColonSecondsZone),
                'Z' when rest.StartsWith("Z070000") => (7, Piece.IsoSecondsZone),
                'Z' when rest.StartsWith("Z07:00") => (6, Piece.IsoColonZone),
                'Z' when rest.StartsWith("Z0700") => (5, Piece.IsoZone),
                'Z' when rest.StartsWith("Z07") => (3, Piece.IsoShortZone),
                '.' or ',' when rest.Length > 1 && rest[1] is '0' or '9' => FractionPiece(rest),
                _ => (0, Piece.None),
            };
            if (length > 0) return (i, i + length, piece);
        }
        return (layout.Length, layout.Length, Piece.None);
    }

    private static (int Length, Piece Piece) FractionPiece(ReadOnlySpan<char> rest)
    {
        if (rest.Length < 2 || rest[0] is not ('.' or ',') || rest[1] is not ('0' or '9')) return (0, Piece.None);
        int end = 1;
        while (end < rest.Length && rest[end] == rest[1]) end++;
        if (end < rest.Length && char.IsAsciiDigit(rest[end])) return (0, Piece.None);
        return (end, rest[1] == '0' ? Piece.FractionZeros : Piece.FractionNines);
    }

    private static bool LowerAt(ReadOnlySpan<char> text, int at) => at < text.Length && char.IsAsciiLetterLower(text[at]);

    private static bool SkipLiteral(string text, ref int at, string literal)
    {
        foreach (char c in literal)
        {
            if (c == ' ')
            {
                if (at < text.Length && text[at] != ' ') return false;
                while (at < text.Length && text[at] == ' ') at++;
                continue;
            }
            if (at >= text.Length || text[at] != c) return false;
            at++;
        }
        return true;
    }

    private static bool Digits(string text, ref int at, int least, int most, out int number)
    {
        int count = 0;
        number = 0;
        while (count < most && at + count < text.Length && char.IsAsciiDigit(text[at + count]))
        {
            number = (number * 10) + text[at + count] - '0';
            count++;
        }
        if (count < least) return false;
        at += count;
        return true;
    }

    private static bool Padded(string text, ref int at, int width, out int number)
    {
        int most = width;
        while (most > 1 && at < text.Length && text[at] == ' ')
        {
            at++;
            most--;
        }
        return Digits(text, ref at, 1, most, out number);
    }

    private static bool ShortYear(string text, ref int at, out int year)
    {
        if (!Digits(text, ref at, 2, 2, out year)) return false;
        year += year >= 69 ? 1900 : 2000;
        return true;
    }

    private static bool Name(string text, ref int at, string[] names, int length, out int index)
    {
        for (int i = 0; i < names.Length; i++)
        {
            string name = length == 0 ? names[i] : names[i][..length];
            if (string.Compare(text, at, name, 0, name.Length, StringComparison.OrdinalIgnoreCase) != 0) continue;
            at += name.Length;
            index = i + 1;
            return true;
        }
        index = 0;
        return false;
    }

    private static bool Half(string text, ref int at, string am, string pm, out bool isPm, out bool set)
    {
        isPm = string.CompareOrdinal(text, at, pm, 0, 2) == 0;
        set = isPm || string.CompareOrdinal(text, at, am, 0, 2) == 0;
        if (set) at += 2;
        return set;
    }

    private static bool Fraction(string text, ref int at, int digits, out int nanosecond)
    {
        nanosecond = 0;
        if (at >= text.Length || text[at] is not ('.' or ',')) return false;
        int from = at + 1;
        if (from + digits > text.Length) return false;
        for (int i = 0; i < digits; i++)
        {
            if (!char.IsAsciiDigit(text[from + i])) return false;
        }
        nanosecond = Nanoseconds(text.AsSpan(from, digits));
        at = from + digits;
        return true;
    }

    private static bool OptionalFraction(string text, ref int at, ref int nanosecond)
    {
        if (at + 1 >= text.Length || text[at] is not ('.' or ',') || !char.IsAsciiDigit(text[at + 1])) return true;
        int end = at + 1;
        while (end < text.Length && char.IsAsciiDigit(text[end])) end++;
        nanosecond = Nanoseconds(text.AsSpan(at + 1, end - at - 1));
        at = end;
        return true;
    }

    /// <summary>A fraction after the seconds is taken even where the layout has none, as Go does.</summary>
    private static bool SecondFraction(string layout, int layoutEnd, string text, ref int at, ref int nanosecond)
    {
        if (at >= text.Length || text[at] is not ('.' or ',')) return true;
        if (layoutEnd < layout.Length && FractionPiece(layout.AsSpan(layoutEnd)).Length > 0) return true;
        return OptionalFraction(text, ref at, ref nanosecond);
    }

    private static int Nanoseconds(ReadOnlySpan<char> digits)
    {
        int value = 0;
        for (int i = 0; i < 9; i++) value = (value * 10) + (i < digits.Length ? digits[i] - '0' : 0);
        return value;
    }

    private static bool Abbreviation(string text, ref int at, out string name)
    {
        int end = at;
        while (end < text.Length && end - at < 5 && char.IsAsciiLetterUpper(text[end])) end++;
        name = text[at..end];
        if (end - at < 3) return false;
        at = end;
        return true;
    }

    private static bool Offset(Piece piece, string text, ref int at, ref int? offset)
    {
        bool iso = piece is Piece.IsoZone or Piece.IsoSecondsZone or Piece.IsoShortZone or Piece.IsoColonZone or Piece.IsoColonSecondsZone;
        if (iso && at < text.Length && text[at] == 'Z')
        {
            at++;
            offset = 0;
            return true;
        }
        if (at >= text.Length || text[at] is not ('+' or '-')) return false;
        int sign = text[at++] == '-' ? -1 : 1;
        bool colon = piece is Piece.IsoColonZone or Piece.IsoColonSecondsZone or Piece.ColonZone or Piece.ColonSecondsZone;
        int minutes = 0, seconds = 0;
        if (!Digits(text, ref at, 2, 2, out int hours)) return false;
        if (piece is not (Piece.IsoShortZone or Piece.ShortZone))
        {
            if (colon && !SkipLiteral(text, ref at, ":")) return false;
            if (!Digits(text, ref at, 2, 2, out minutes)) return false;
        }
        if (piece is Piece.IsoSecondsZone or Piece.IsoColonSecondsZone or Piece.SecondsZone or Piece.ColonSecondsZone)
        {
            if (colon && !SkipLiteral(text, ref at, ":")) return false;
            if (!Digits(text, ref at, 2, 2, out seconds)) return false;
        }
        offset = sign * ((hours * 3600) + (minutes * 60) + seconds);
        return true;
    }
}
