using System.Buffers;
using System.Numerics;
using System.Runtime.Intrinsics;
using System.Text;

namespace Pharos.Wire.Loki;

/// <summary>
/// Resolves the escapes of JSON strings as senders' text needs it: bytes that are no UTF-8 stay as they are, half of a surrogate pair becomes U+FFFD, as Loki's
/// reader does it. One odd line must not cost the others of its body.
/// </summary>
internal static class JsonEscapes
{
    /// <summary>Writes the text of a string up to its closing quote, which is read too; false where it is wrong.</summary>
    /// <param name="room">From the shared pool; a larger one takes its place where it is too small.</param>
    /// <param name="toEnd">The string ends where the bytes do, without a quote.</param>
    public static bool TryResolve(ReadOnlySpan<byte> json, ref byte[] room, bool toEnd, out int at, out int to)
    {
        at = to = 0;
        while (true)
        {
            if (room.Length - to < Vector256<byte>.Count) Grow(ref room, to);
            byte next;
            if (json.Length - at >= Vector256<byte>.Count)
            {
                // All 32 bytes are written, those behind the text are overwritten later.
                var bytes = Vector256.Create(json[at..]);
                bytes.CopyTo(room, to);
                uint ends = (Vector256.Equals(bytes, Vector256.Create((byte)'"')) | Vector256.Equals(bytes, Vector256.Create((byte)'\\'))
                    | Vector256.LessThan(bytes, Vector256.Create((byte)0x20))).ExtractMostSignificantBits();
                if (ends == 0)
                {
                    at += Vector256<byte>.Count;
                    to += Vector256<byte>.Count;
                    continue;
                }
                int plain = BitOperations.TrailingZeroCount(ends);
                at += plain;
                to += plain;
                next = json[at++];
            }
            else
            {
                if (at == json.Length) return toEnd;
                next = json[at++];
                if (next is not ((byte)'"' or (byte)'\\') && next >= 0x20)
                {
                    room[to++] = next;
                    continue;
                }
            }
            if (next == '"') return !toEnd;
            if (next != '\\' || at == json.Length || !Escape(json, ref at, ref room, ref to)) return false;
        }
    }

    /// <summary>Writes what stands behind a backslash.</summary>
    private static bool Escape(ReadOnlySpan<byte> json, ref int at, ref byte[] room, ref int to)
    {
        byte plain = json[at++] switch
        {
            (byte)'"' => (byte)'"',
            (byte)'\\' => (byte)'\\',
            (byte)'/' => (byte)'/',
            (byte)'n' => (byte)'\n',
            (byte)'t' => (byte)'\t',
            (byte)'r' => (byte)'\r',
            (byte)'b' => (byte)'\b',
            (byte)'f' => (byte)'\f',
            _ => 0,
        };
        if (plain == 0) return json[at - 1] == 'u' && Unicode(json, ref at, ref room, ref to);
        if (to == room.Length) Grow(ref room, to);
        room[to++] = plain;
        return true;
    }

    private static bool Unicode(ReadOnlySpan<byte> json, ref int at, ref byte[] room, ref int to)
    {
        if (!TryHex(json, at, out int code)) return false;
        at += 4;
        if (char.IsHighSurrogate((char)code) && json.Length - at >= 2 && json[at] == '\\' && json[at + 1] == 'u' && TryHex(json, at + 2, out int low) && char.IsLowSurrogate((char)low))
        {
            code = char.ConvertToUtf32((char)code, (char)low);
            at += 6;
        }
        var rune = Rune.TryCreate(code, out var whole) ? whole : Rune.ReplacementChar;
        if (room.Length - to < 4) Grow(ref room, to);
        to += rune.EncodeToUtf8(room.AsSpan(to));
        return true;
    }

    private static bool TryHex(ReadOnlySpan<byte> json, int at, out int code)
    {
        code = 0;
        if (json.Length - at < 4) return false;
        for (int end = at + 4; at < end; at++)
        {
            if (!char.IsAsciiHexDigit((char)json[at])) return false;
            code = (code << 4) | (json[at] <= '9' ? json[at] - '0' : (json[at] | 0x20) - 'a' + 10);
        }
        return true;
    }

    private static void Grow(ref byte[] room, int used)
    {
        byte[] larger = ArrayPool<byte>.Shared.Rent(room.Length * 2);
        room.AsSpan(0, used).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(room);
        room = larger;
    }
}
