using System.Buffers.Binary;

namespace Pharos.Metrics.Chunks;

/// <summary>
/// An open chunk of float samples in Prometheus's XOR encoding. The first two bytes are for the count,
/// which is filled in by <see cref="Close"/>, so that a reader beside the writer goes by the count it was given.
/// </summary>
internal struct XorAppender
{
    private BitBuffer stream;
    private long delta;
    private ulong value;
    private XorWindow window;
    private ushort count;

    public readonly bool IsOpen => stream.Bytes is not null;

    public readonly int Count => count;

    public readonly int Length => stream.Length;

    /// <summary>The bytes so far; only the bits of the samples counted now may be read.</summary>
    public readonly byte[] Bytes => stream.Bytes;

    public long LastMs { get; private set; }

    public readonly ulong LastBits => value;

    public static XorAppender Start() => new() { stream = new BitBuffer(40) { Bits = 16 }, window = XorWindow.Unset };

    public void Append(long timestampMs, double sample)
    {
        ulong bits = BitConverter.DoubleToUInt64Bits(sample);
        switch (count)
        {
            case 0:
                stream.WriteVarint(timestampMs);
                stream.Write(bits, 64);
                break;
            case 1:
                delta = timestampMs - LastMs;
                stream.WriteUvarint((ulong)delta);
                stream.WriteXor(value, bits, ref window);
                break;
            default:
                long newDelta = timestampMs - LastMs;
                WriteDeltaOfDelta(newDelta - delta);
                delta = newDelta;
                stream.WriteXor(value, bits, ref window);
                break;
        }
        LastMs = timestampMs;
        value = bits;
        count++;
    }

    /// <summary>The finished chunk: exactly its bytes, with the count in front.</summary>
    public readonly byte[] Close()
    {
        var chunk = stream.Bytes.AsSpan(0, stream.Length).ToArray();
        BinaryPrimitives.WriteUInt16BigEndian(chunk, count);
        return chunk;
    }

    private void WriteDeltaOfDelta(long change)
    {
        if (change == 0)
        {
            stream.Write(0, 1);
        }
        else if (BitBuffer.Fits(change, 14))
        {
            stream.Write(0b10, 2);
            stream.Write((ulong)change, 14);
        }
        else if (BitBuffer.Fits(change, 17))
        {
            stream.Write(0b110, 3);
            stream.Write((ulong)change, 17);
        }
        else if (BitBuffer.Fits(change, 20))
        {
            stream.Write(0b1110, 4);
            stream.Write((ulong)change, 20);
        }
        else
        {
            stream.Write(0b1111, 4);
            stream.Write((ulong)change, 64);
        }
    }
}
