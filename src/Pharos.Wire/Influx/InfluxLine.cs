using System.Buffers;
using System.Buffers.Text;
using Pharos.Core;

namespace Pharos.Wire.Influx;

/// <summary>Part of a line, or of the texts whose escapes were resolved.</summary>
/// <param name="Escaped">True: of the resolved texts.</param>
internal readonly record struct InfluxPart(int At, int Length, bool Escaped);

/// <summary>A field; strings have no number.</summary>
internal readonly record struct InfluxField(InfluxPart Key, double Value, bool IsNumber);

/// <summary>One line of line protocol, parsed: <c>measurement,tag=value field=1,other="s" time</c>. Reused for every line.</summary>
internal sealed class InfluxLine
{
    /// <summary>Longest measurement, tag or field key, bytes.</summary>
    private const int NameBytesMax = 16 * 1024;

    private static readonly SearchValues<byte> LineStops = SearchValues.Create("\n\"\\"u8);

    private byte[] resolved = new byte[256];
    private int resolvedLength;

    public InfluxPart Measurement { get; private set; }

    public List<(InfluxPart Key, InfluxPart Value)> Tags { get; } = [];

    public List<InfluxField> Fields { get; } = [];

    /// <summary>In the request's precision; null where the line has none.</summary>
    public long? Timestamp { get; private set; }

    public ReadOnlySpan<byte> Text(ReadOnlySpan<byte> line, InfluxPart part) => part.Escaped ? resolved.AsSpan(part.At, part.Length) : line.Slice(part.At, part.Length);

    /// <summary>Length of the first line. A line break inside a quoted string does not end it.</summary>
    /// <param name="breaks">Line breaks inside of it.</param>
    public static int LengthOf(ReadOnlySpan<byte> body, out int breaks)
    {
        breaks = 0;
        bool quoted = false;
        // Quotes mean something in fields only, behind the first space that is not escaped.
        bool fields = false;
        if (body.TrimStart(" \t"u8).StartsWith("#"u8))
        {
            int end = body.IndexOf((byte)'\n');
            return end < 0 ? body.Length : end;
        }
        for (int at = 0; at < body.Length; at++)
        {
            if (quoted)
            {
                int next = body[at..].IndexOfAny(LineStops);
                if (next < 0) return body.Length;
                at += next;
            }
            switch (body[at])
            {
                case (byte)'\n' when !quoted: return at;
                case (byte)'\n': breaks++; break;
                case (byte)'\\': at++; break;
                case (byte)'"' when fields: quoted = !quoted; break;
                case (byte)' ' when !fields && at > 0 && body[at - 1] != ' ': fields = true; break;
            }
        }
        return body.Length;
    }

    /// <summary>What is wrong with the line; null where nothing is.</summary>
    public string? Parse(ReadOnlySpan<byte> line)
    {
        Tags.Clear();
        Fields.Clear();
        Timestamp = null;
        resolvedLength = 0;
        int at = 0;
        Measurement = Part(line, ref at, equalsToo: false);
        if (Measurement.Length == 0) return "missing measurement";
        if (Measurement.Length > NameBytesMax) return $"the measurement is longer than {NameBytesMax} bytes";
        while (at < line.Length && line[at] == ',')
        {
            at++;
            var key = Part(line, ref at, equalsToo: true);
            if (key.Length == 0) return "missing tag key";
            if (key.Length > NameBytesMax) return $"a tag key is longer than {NameBytesMax} bytes";
            if (at >= line.Length || line[at] != '=') return "missing tag value";
            at++;
            var value = Part(line, ref at, equalsToo: true);
            if (value.Length == 0) return "missing tag value";
            if (at < line.Length && line[at] == '=') return "invalid tag format: an = in a value must be escaped";
            Tags.Add((key, value));
        }
        SkipSpaces(line, ref at);
        if (at == line.Length) return "missing fields";
        return ParseFields(line, ref at) ?? ParseTime(line, at);
    }

    private string? ParseFields(ReadOnlySpan<byte> line, ref int at)
    {
        while (true)
        {
            var key = Part(line, ref at, equalsToo: true);
            if (key.Length == 0) return "missing field key";
            if (key.Length > NameBytesMax) return $"a field key is longer than {NameBytesMax} bytes";
            if (at >= line.Length || line[at] != '=') return "missing field value";
            at++;
            if (ParseValue(line, ref at, key) is { } fault) return fault;
            if (at >= line.Length || line[at] != ',') return null;
            at++;
        }
    }

    private string? ParseValue(ReadOnlySpan<byte> line, ref int at, InfluxPart key)
    {
        if (at < line.Length && line[at] == '"')
        {
            for (at++; at < line.Length && line[at] != '"'; at++)
            {
                if (line[at] == '\\') at++;
            }
            if (at >= line.Length) return "unbalanced quotes";
            at++;
            if (at < line.Length && line[at] is not ((byte)',' or (byte)' ')) return "invalid text behind a string";
            Fields.Add(new InfluxField(key, 0, IsNumber: false));
            return null;
        }
        int length = line[at..].IndexOfAny((byte)',', (byte)' ');
        var text = length < 0 ? line[at..] : line.Slice(at, length);
        at += text.Length;
        if (text.IsEmpty) return "missing field value";
        if (!TryNumber(text, out double value)) return $"invalid field value {Core.GoString.Quote(System.Text.Encoding.UTF8.GetString(text[..Math.Min(50, text.Length)]))}";
        Fields.Add(new InfluxField(key, value, IsNumber: true));
        return null;
    }

    private static bool TryNumber(ReadOnlySpan<byte> text, out double value)
    {
        value = 0;
        switch (text[^1])
        {
            case (byte)'i':
                if (!Utf8Parser.TryParse(text[..^1], out long whole, out int used) || used != text.Length - 1) return false;
                value = whole;
                return true;
            case (byte)'u':
                if (!Utf8Parser.TryParse(text[..^1], out ulong positive, out used) || used != text.Length - 1) return false;
                value = positive;
                return true;
        }
        if (text.SequenceEqual("t"u8) || text.SequenceEqual("T"u8) || text.SequenceEqual("true"u8) || text.SequenceEqual("True"u8) || text.SequenceEqual("TRUE"u8))
        {
            value = 1;
            return true;
        }
        if (text.SequenceEqual("f"u8) || text.SequenceEqual("F"u8) || text.SequenceEqual("false"u8) || text.SequenceEqual("False"u8) || text.SequenceEqual("FALSE"u8)) return true;
        // InfluxDB has no NaN and no infinity.
        return GoFloat.TryParse(text, out value) && double.IsFinite(value);
    }

    private string? ParseTime(ReadOnlySpan<byte> line, int at)
    {
        SkipSpaces(line, ref at);
        var text = line[at..].TrimEnd((byte)' ');
        if (text.IsEmpty) return null;
        if (!Utf8Parser.TryParse(text, out long stamp, out int used) || used != text.Length) return "bad timestamp";
        Timestamp = stamp;
        return null;
    }

    /// <summary>Reads up to a comma or a space, or an equals sign, that is not escaped.</summary>
    private InfluxPart Part(ReadOnlySpan<byte> line, ref int at, bool equalsToo)
    {
        int start = at;
        bool escapes = false;
        for (; at < line.Length; at++)
        {
            byte b = line[at];
            if (b == '\\' && at + 1 < line.Length && IsEscapable(line[at + 1], equalsToo))
            {
                escapes = true;
                at++;
            }
            else if (b is (byte)',' or (byte)' ' || (b == '=' && equalsToo))
            {
                break;
            }
        }
        return escapes ? Resolve(line[start..at], equalsToo) : new InfluxPart(start, at - start, Escaped: false);
    }

    private InfluxPart Resolve(ReadOnlySpan<byte> text, bool equalsToo)
    {
        if (resolvedLength + text.Length > resolved.Length) Array.Resize(ref resolved, Math.Max(resolvedLength + text.Length, resolved.Length * 2));
        int start = resolvedLength;
        for (int i = 0; i < text.Length; i++)
        {
            // A backslash before anything else is only itself.
            if (text[i] == '\\' && i + 1 < text.Length && IsEscapable(text[i + 1], equalsToo)) i++;
            resolved[resolvedLength++] = text[i];
        }
        return new InfluxPart(start, resolvedLength - start, Escaped: true);
    }

    private static bool IsEscapable(byte b, bool equalsToo) => b is (byte)',' or (byte)' ' || (b == '=' && equalsToo);

    private static void SkipSpaces(ReadOnlySpan<byte> line, ref int at)
    {
        while (at < line.Length && line[at] == ' ') at++;
    }
}
