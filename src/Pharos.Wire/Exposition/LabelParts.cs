using Pharos.Core;
using Pharos.Wire.RemoteWrite;

namespace Pharos.Wire.Exposition;

/// <summary>Gathers the labels of one series from pieces of text and brings them into canonical bytes. Reused for every series.</summary>
internal sealed class LabelParts
{
    private readonly LabelAssembler assembler = new();
    private byte[] text = new byte[1024];
    private int used;

    public void Clear()
    {
        assembler.Clear();
        used = 0;
    }

    public void Add(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        int nameAt = Append(name), valueAt = Append(value);
        assembler.Add(nameAt, name.Length, valueAt, value.Length);
    }

    /// <summary>Adds a label whose name and value still hold escapes (<c>\\</c>, <c>\"</c>, <c>\n</c>).</summary>
    public void AddEscaped(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        int nameAt = AppendUnescaped(name), nameLength = used - nameAt;
        int valueAt = AppendUnescaped(value), valueLength = used - valueAt;
        assembler.Add(nameAt, nameLength, valueAt, valueLength);
    }

    public LabelFault Assemble(bool metricNameNeeded, out ReadOnlySpan<byte> labels) =>
        assembler.Assemble(text.AsSpan(0, used), metricNameNeeded, out labels);

    /// <summary>What is wrong, in words; null for nothing.</summary>
    public static string? Describe(LabelFault fault) => fault switch
    {
        LabelFault.None => null,
        LabelFault.EmptyName => "a label has an empty name",
        LabelFault.Duplicate => "a label name is given twice",
        LabelFault.NotUtf8 => "a label is not valid UTF-8",
        LabelFault.NoMetricName => "metric name not set",
        _ => "more than 4096 labels",
    };

    /// <summary>Resolves escapes of a quoted string or a help text; what is no escape stays as it is.</summary>
    public static int Unescape(ReadOnlySpan<byte> escaped, Span<byte> to)
    {
        int at = 0;
        for (int i = 0; i < escaped.Length; i++)
        {
            byte c = escaped[i];
            if (c == '\\' && i + 1 < escaped.Length)
            {
                byte next = escaped[i + 1];
                if (next is (byte)'\\' or (byte)'"' or (byte)'n')
                {
                    to[at++] = next == 'n' ? (byte)'\n' : next;
                    i++;
                    continue;
                }
            }
            to[at++] = c;
        }
        return at;
    }

    private int Append(ReadOnlySpan<byte> part)
    {
        Room(part.Length);
        part.CopyTo(text.AsSpan(used));
        used += part.Length;
        return used - part.Length;
    }

    private int AppendUnescaped(ReadOnlySpan<byte> part)
    {
        if (part.IndexOf((byte)'\\') < 0) return Append(part);
        Room(part.Length);
        int at = used;
        used += Unescape(part, text.AsSpan(used));
        return at;
    }

    private void Room(int more)
    {
        if (used + more > text.Length) Array.Resize(ref text, Math.Max(used + more, text.Length * 2));
    }
}
