using System.Buffers;

namespace Pharos.Logs;

/// <summary>Unsigned LEB128 and zigzag numbers.</summary>
internal static class Varints
{
    public static void Write(IBufferWriter<byte> output, ulong value)
    {
        var room = output.GetSpan(10);
        int at = 0;
        for (; value >= 0x80; value >>= 7) room[at++] = (byte)(value | 0x80);
        room[at++] = (byte)value;
        output.Advance(at);
    }

    /// <summary>Writes numbers that are not negative.</summary>
    public static void WriteAll(IBufferWriter<byte> output, ReadOnlySpan<int> values)
    {
        var room = output.GetSpan((5 * values.Length) + 1);
        int at = 0;
        foreach (int value in values)
        {
            uint rest = (uint)value;
            for (; rest >= 0x80; rest >>= 7) room[at++] = (byte)(rest | 0x80);
            room[at++] = (byte)rest;
        }
        output.Advance(at);
    }

    public static void WriteSigned(IBufferWriter<byte> output, long value) => Write(output, (ulong)((value << 1) ^ (value >> 63)));

    /// <exception cref="InvalidDataException">The number runs over the end.</exception>
    public static ulong Read(ReadOnlySpan<byte> data, scoped ref int at)
    {
        ulong value = 0;
        for (int shift = 0; shift < 70; shift += 7)
        {
            if ((uint)at >= (uint)data.Length) break;
            byte b = data[at++];
            value |= (ulong)(b & 0x7f) << shift;
            if (b < 0x80) return value;
        }
        throw new InvalidDataException("a number runs over the end of its section");
    }

    /// <inheritdoc cref="Read"/>
    public static long ReadSigned(ReadOnlySpan<byte> data, scoped ref int at)
    {
        ulong value = Read(data, ref at);
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    /// <summary>Reads a length that must fit into what is left of the data.</summary>
    /// <inheritdoc cref="Read"/>
    public static int ReadLength(ReadOnlySpan<byte> data, scoped ref int at)
    {
        ulong value = Read(data, ref at);
        return value <= (ulong)(data.Length - at) ? (int)value : throw new InvalidDataException("a length runs over the end of its section");
    }
}
