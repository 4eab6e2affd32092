using System.Buffers;
using System.Buffers.Text;
using System.Text.Encodings.Web;
using Pharos.Core;
using Pharos.PromQL.Syntax;

namespace Pharos.Server.Prometheus;

/// <summary>
/// JSON text put together in a pooled buffer, for what stands in an answer thousands of times: label sets and points. Nothing of it is
/// validated; commas are the caller's.
/// </summary>
internal sealed class RawJson : IDisposable
{
    /// <summary>The longest timestamp in seconds with milliseconds.</summary>
    public const int TimestampLengthMax = 32;

    /// <summary>Bytes that stand in a JSON string as they are.</summary>
    public static SearchValues<byte> Plain { get; } = SearchValues.Create([.. Enumerable.Range(0x20, 0x7f - 0x20).Select(c => (byte)c).Except("\"\\"u8.ToArray())]);

    private byte[] buffer = ArrayPool<byte>.Shared.Rent(4096);
    private int length;

    public ReadOnlySpan<byte> Written => buffer.AsSpan(0, length);

    /// <summary>Writes seconds, with milliseconds where there are any, as Prometheus writes sample times; returns the bytes written.</summary>
    /// <param name="into">At least <see cref="TimestampLengthMax"/> bytes.</param>
    public static int Timestamp(long ms, Span<byte> into)
    {
        int at = 0;
        if (ms < 0)
        {
            into[at++] = (byte)'-';
            ms = -ms;
        }
        Utf8Formatter.TryFormat(ms / 1000, into[at..], out int written);
        at += written;
        long fraction = ms % 1000;
        if (fraction == 0) return at;
        into[at++] = (byte)'.';
        into[at++] = (byte)('0' + (fraction / 100));
        into[at++] = (byte)('0' + (fraction / 10 % 10));
        into[at++] = (byte)('0' + (fraction % 10));
        return at;
    }

    public void Clear() => length = 0;

    public void Bytes(ReadOnlySpan<byte> text)
    {
        text.CopyTo(Room(text.Length));
        length += text.Length;
    }

    /// <summary>A label set as an object.</summary>
    public void LabelSet(Labels labels)
    {
        Bytes("{"u8);
        bool more = false;
        foreach (var label in labels)
        {
            if (more) Bytes(","u8);
            more = true;
            Text(label.NameUtf8);
            Bytes(":"u8);
            Text(label.ValueUtf8);
        }
        Bytes("}"u8);
    }

    /// <summary>A sample: <c>[seconds,"value"]</c>.</summary>
    public void Point(long ms, double value)
    {
        var room = Room(TimestampLengthMax + NumberText.LengthMax + 5);
        room[0] = (byte)'[';
        int at = 1 + Timestamp(ms, room[1..]);
        room[at++] = (byte)',';
        room[at++] = (byte)'"';
        at += NumberText.WriteJson(value, room[at..]);
        room[at++] = (byte)'"';
        room[at++] = (byte)']';
        length += at;
    }

    public void Dispose()
    {
        if (buffer.Length > 0) ArrayPool<byte>.Shared.Return(buffer);
        buffer = [];
    }

    private void Text(ReadOnlySpan<byte> text)
    {
        Bytes("\""u8);
        if (!text.ContainsAnyExcept(Plain)) Bytes(text);
        else
        {
            while (!text.IsEmpty)
            {
                JavaScriptEncoder.UnsafeRelaxedJsonEscaping.EncodeUtf8(text, Room(Math.Max(64, text.Length)), out int read, out int written);
                length += written;
                text = text[read..];
            }
        }
        Bytes("\""u8);
    }

    private Span<byte> Room(int bytes)
    {
        if (buffer.Length - length < bytes)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(buffer.Length * 2, length + bytes));
            Written.CopyTo(larger);
            ArrayPool<byte>.Shared.Return(buffer);
            buffer = larger;
        }
        return buffer.AsSpan(length);
    }
}
