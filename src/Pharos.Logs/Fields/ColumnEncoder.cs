using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using Pharos.Core;
using Pharos.Logs.Streams;

namespace Pharos.Logs.Fields;

/// <summary>Writes the values of one field in the form that fits them, not packed yet. Layout: docs/formats/log-part.md.</summary>
internal sealed class ColumnEncoder
{
    private const int DistinctMax = 4096;

    /// <summary>Bytes of a value that are worth a note that they repeat.</summary>
    private const int RepeatMin = 24;

    private static readonly SearchValues<byte> HexDigits = SearchValues.Create("0123456789abcdef"u8);

    /// <summary>Numbers of values by their hash, 0 for none; twice as many places as values at least.</summary>
    private readonly int[] places = new int[2 * DistinctMax];
    private readonly (int At, int Length)[] values = new (int, int)[DistinctMax];
    private int valueCount;
    private int[] idOf = [];
    private long[] numbers = [];
    private byte[] scales = [];

    /// <summary>Least and greatest value of the last column that was decimal.</summary>
    public double Min { get; private set; }

    /// <inheritdoc cref="Min"/>
    public double Max { get; private set; }

    /// <summary>What the directory must know to write the last column's values: see <see cref="ColumnEntry.Form"/>.</summary>
    public byte[] Form { get; private set; } = [];

    /// <summary>The different values of the last column, where it became a dictionary.</summary>
    public ReadOnlySpan<(int At, int Length)> Values => values.AsSpan(0, valueCount);

    /// <param name="spans">For each line where the value is in the block's bytes; a length of -1: not there.</param>
    public ColumnKind Encode(ReadOnlySpan<byte> bytes, ReadOnlySpan<(int At, int Length)> spans, ReadOnlySpan<HeadEntry> entries, PooledBuffer output)
    {
        output.Clear();
        Min = Max = 0;
        Form = [];
        Sized.AtLeast(ref idOf, spans.Length);
        Sized.AtLeast(ref numbers, spans.Length);
        Sized.AtLeast(ref scales, spans.Length);
        // Times that follow those of the lines take no room at all; few different ones that do not, little in a dictionary.
        bool isTime = TryTime(bytes, spans, entries, out long spread);
        if (isTime && spread <= ushort.MaxValue)
        {
            WriteNumbers(output, spans);
            return ColumnKind.Time;
        }
        Form = [];
        if (TryDictionary(bytes, spans))
        {
            WriteDictionary(bytes, output, spans.Length);
            return valueCount < 256 ? ColumnKind.Dictionary : ColumnKind.LargeDictionary;
        }
        if (TryDecimal(bytes, spans, out var suffix))
        {
            Form = suffix.ToArray();
            WriteNumbers(output, spans);
            return ColumnKind.Decimal;
        }
        if (TryIp(bytes, spans))
        {
            WriteNumbers(output, spans);
            return ColumnKind.Ip;
        }
        if (isTime && TryTime(bytes, spans, entries, out _))
        {
            WriteNumbers(output, spans);
            return ColumnKind.Time;
        }
        if (TryHex(bytes, spans, output)) return ColumnKind.Hex;
        output.Clear();
        foreach (var (_, l) in spans) Varints.Write(output, (ulong)(l + 1));
        foreach (var (at, l) in spans) output.Append(l < 0 ? default : bytes.Slice(at, l));
        return ColumnKind.Text;
    }

    /// <summary>Notes for each line its longest value that a line before has too. The last column must have become a dictionary.</summary>
    public void NoteRepeats(ReadOnlySpan<(int At, int Length)> spans, Span<(int At, int Length)> repeats)
    {
        int known = 0;
        for (int row = 0; row < spans.Length; row++)
        {
            // Values are numbered as they come.
            if (idOf[row] > known) known = idOf[row];
            else if (spans[row].Length >= RepeatMin && spans[row].Length > repeats[row].Length) repeats[row] = spans[row];
        }
    }

    private bool TryDictionary(ReadOnlySpan<byte> bytes, ReadOnlySpan<(int At, int Length)> spans)
    {
        valueCount = 0;
        int most = Math.Min(DistinctMax, Math.Max(16, spans.Length / 4)), seen = 0, last = 0;
        var table = places.AsSpan(0, (int)BitOperations.RoundUpToPowerOf2((uint)(2 * most)));
        table.Clear();
        for (int row = 0; row < spans.Length; row++)
        {
            var (at, length) = spans[row];
            if (length < 0)
            {
                idOf[row] = 0;
                continue;
            }
            seen++;
            var value = bytes.Slice(at, length);
            if (last == 0 || !value.SequenceEqual(Slice(bytes, values[last - 1])))
            {
                int place = ByteKeys.Instance.GetHashCode(value) & (table.Length - 1);
                while ((last = table[place]) != 0 && !value.SequenceEqual(Slice(bytes, values[last - 1]))) place = (place + 1) & (table.Length - 1);
                if (last == 0)
                {
                    // Values that hardly repeat: no need to look at them all.
                    if (valueCount >= most || (seen >= 256 && valueCount > seen * 3 / 4)) return false;
                    values[valueCount++] = (at, length);
                    last = table[place] = valueCount;
                }
            }
            idOf[row] = last;
        }
        return true;
    }

    private void WriteDictionary(ReadOnlySpan<byte> bytes, PooledBuffer output, int rows)
    {
        Varints.Write(output, (ulong)valueCount);
        foreach (var value in values.AsSpan(0, valueCount))
        {
            Varints.Write(output, (ulong)value.Length);
            output.Append(Slice(bytes, value));
        }
        int width = valueCount < 256 ? 1 : 2;
        var room = output.GetSpan(rows * width);
        for (int row = 0; row < rows; row++)
        {
            if (width == 1) room[row] = (byte)idOf[row];
            else BinaryPrimitives.WriteUInt16LittleEndian(room[(2 * row)..], (ushort)idOf[row]);
        }
        output.Advance(rows * width);
    }

    private static ReadOnlySpan<byte> Slice(ReadOnlySpan<byte> bytes, (int At, int Length) span) => bytes.Slice(span.At, span.Length);

    private bool TryDecimal(ReadOnlySpan<byte> bytes, ReadOnlySpan<(int At, int Length)> spans, out ReadOnlySpan<byte> suffix)
    {
        suffix = default;
        bool first = true;
        double min = double.MaxValue, max = double.MinValue;
        for (int row = 0; row < spans.Length; row++)
        {
            var (at, length) = spans[row];
            numbers[row] = 0;
            scales[row] = 0;
            if (length < 0) continue;
            var text = bytes.Slice(at, length);
            if (!ValueText.TryDecimal(text, out numbers[row], out int scale, out int suffixAt)) return false;
            scales[row] = (byte)scale;
            if (first)
            {
                suffix = text[suffixAt..];
                if (suffix.Length > 8) return false;
            }
            else if (!text[suffixAt..].SequenceEqual(suffix))
            {
                return false;
            }
            first = false;
            double value = numbers[row] / (double)ValueText.PowerOfTen(scale);
            min = Math.Min(min, value);
            max = Math.Max(max, value);
        }
        if (first) return false;
        (Min, Max) = (min, max);
        return true;
    }

    private bool TryIp(ReadOnlySpan<byte> bytes, ReadOnlySpan<(int At, int Length)> spans)
    {
        for (int row = 0; row < spans.Length; row++)
        {
            var (at, length) = spans[row];
            numbers[row] = 0;
            scales[row] = 0;
            if (length >= 0 && !ValueText.TryIp(bytes.Slice(at, length), out numbers[row])) return false;
        }
        return true;
    }

    /// <param name="spread">Between the greatest and the least difference to the lines' own times.</param>
    private bool TryTime(ReadOnlySpan<byte> bytes, ReadOnlySpan<(int At, int Length)> spans, ReadOnlySpan<HeadEntry> entries, out long spread)
    {
        TimeForm? form = null;
        long min = long.MaxValue, max = long.MinValue;
        spread = 0;
        for (int row = 0; row < spans.Length; row++)
        {
            var (at, length) = spans[row];
            numbers[row] = 0;
            scales[row] = 0;
            if (length < 0) continue;
            if (!TimeForm.TryRead(bytes.Slice(at, length), ref form, out long units, out int scale)) return false;
            numbers[row] = units - (entries[row].TimestampNs / ValueText.PowerOfTen(9 - scale));
            scales[row] = (byte)scale;
            min = Math.Min(min, numbers[row]);
            max = Math.Max(max, numbers[row]);
        }
        if (form is null) return false;
        spread = max - min < 0 ? long.MaxValue : max - min;
        Form = form.Encoded;
        return true;
    }

    private static bool TryHex(ReadOnlySpan<byte> bytes, ReadOnlySpan<(int At, int Length)> spans, PooledBuffer output)
    {
        int digits = 0;
        foreach (var (_, length) in spans)
        {
            if (length < 0) continue;
            if (digits == 0) digits = length;
            if (length != digits || digits is < 8 or > 128 || (digits & 1) != 0) return false;
        }
        Varints.Write(output, (ulong)(digits / 2));
        for (int row = 0; row < spans.Length; row++)
        {
            output.Append(spans[row].Length < 0 ? [(byte)0] : [(byte)1]);
        }
        foreach (var (at, length) in spans)
        {
            if (length < 0) continue;
            var text = bytes.Slice(at, length);
            if (text.IndexOfAnyExcept(HexDigits) >= 0) return false;
            Convert.FromHexString(text, output.GetSpan(digits / 2), out _, out int written);
            output.Advance(written);
        }
        return true;
    }

    private void WriteNumbers(PooledBuffer output, ReadOnlySpan<(int At, int Length)> spans)
    {
        int rows = spans.Length;
        long min = long.MaxValue, max = long.MinValue;
        bool some = false, all = true, same = true;
        byte scale = 0;
        for (int row = 0; row < rows; row++)
        {
            if (spans[row].Length < 0)
            {
                all = false;
                continue;
            }
            if (!some) scale = scales[row];
            same &= scales[row] == scale;
            some = true;
            min = Math.Min(min, numbers[row]);
            max = Math.Max(max, numbers[row]);
        }
        ulong span = (ulong)max - (ulong)min;
        int width = 0;
        while (width < 8 && span >> (8 * width) != 0) width++;
        output.Append([all ? (byte)1 : (byte)0, same ? scale : (byte)255, (byte)width]);
        Varints.WriteSigned(output, min);
        var room = output.GetSpan(rows * (width + 2));
        int at = 0;
        if (!all)
        {
            for (int row = 0; row < rows; row++) room[at++] = spans[row].Length < 0 ? (byte)0 : (byte)1;
        }
        if (!same)
        {
            scales.AsSpan(0, rows).CopyTo(room[at..]);
            at += rows;
        }
        for (int plane = 0; plane < width; plane++)
        {
            for (int row = 0; row < rows; row++) room[at++] = spans[row].Length < 0 ? (byte)0 : (byte)(((ulong)numbers[row] - (ulong)min) >> (8 * plane));
        }
        output.Advance(at);
    }
}
