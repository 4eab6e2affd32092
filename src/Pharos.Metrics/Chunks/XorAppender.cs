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

    /// <summary>No chunk, and no sample before it.</summary>
    public static XorAppender None => new() { LastMs = long.MinValue };

    /// <summary>Time of the first sample, from the bytes.</summary>
    public readonly long FirstMs => new BitReader(stream.Bytes.AsSpan(2)).ReadVarint();

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

    /// <summary>Fetches where the next sample is written.</summary>
    public readonly void FetchEndAhead()
    {
        if (stream.Bytes is { } bytes && stream.Bits >> 3 is var at && at < bytes.Length) Ahead.Fetch(ref bytes[at]);
    }

    /// <summary>The finished chunk's bytes, with the count in front. They are the appender's own: nothing may be appended after.</summary>
    public readonly ReadOnlyMemory<byte> Close()
    {
        BinaryPrimitives.WriteUInt16BigEndian(stream.Bytes, count);
        return stream.Bytes.AsMemory(0, stream.Length);
    }

    /// <summary>Lets go of the chunk, not of what the newest sample was.</summary>
    public void Drop()
    {
        stream = default;
        count = 0;
    }

    /// <summary>The newest sample is one that went elsewhere.</summary>
    public void Note(long timestampMs, ulong bits)
    {
        LastMs = timestampMs;
        value = bits;
    }

    /// <summary>Writes the state in which appending goes on. Layout: docs/formats/head-snapshot.md.</summary>
    public readonly void Save(ByteBuffer into)
    {
        into.Varint(LastMs);
        into.UInt64Big(value);
        into.Uvarint(count);
        if (!IsOpen) return;
        into.Varint(delta);
        into.Byte(window.Leading);
        into.Byte(window.Trailing);
        into.Uvarint((ulong)stream.Bits);
        into.Bytes(stream.Bytes.AsSpan(0, stream.Length));
    }

    /// <exception cref="InvalidDataException">The bytes are not as <see cref="Save"/> writes them.</exception>
    public static XorAppender Load(ref ByteReader bytes)
    {
        var loaded = new XorAppender { LastMs = bytes.Varint(), value = bytes.UInt64Big(), count = (ushort)bytes.Uvarint() };
        if (loaded.count == 0) return loaded;
        loaded.delta = bytes.Varint();
        loaded.window = new XorWindow { Leading = bytes.Byte(), Trailing = bytes.Byte() };
        ulong bits = bytes.Uvarint();
        if (bits > (ulong)bytes.Remaining * 8) throw new InvalidDataException($"an open chunk of {bits} bits in {bytes.Remaining} bytes");
        int length = (int)(bits + 7) >> 3;
        // Room for a few samples more, so that the next append does not grow it at once.
        loaded.stream = new BitBuffer(length + 16) { Bits = (int)bits };
        bytes.Take(length).CopyTo(loaded.stream.Bytes);
        return loaded;
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
