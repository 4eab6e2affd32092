using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Pharos.Wire.Compression;

namespace Pharos.Wire.Tests.Compression;

public sealed class Lz4FrameTests
{
    private static readonly string Text =
        string.Concat(Enumerable.Range(1, 3).Select(n => $"level=info msg=\"a line that repeats\" n={n}\n")) + new string('a', 91) + "\n";

    /// <summary>Frames that the lz4 program wrote: block checksums and content size; linked blocks without a checksum of the whole.</summary>
    [Theory]
    [InlineData("BCJNGHxA1wAAAAAAAAD9QAAAAP8abGV2ZWw9aW5mbyBtc2c9ImEgbGluZSB0aGF0IHJlcGVhdHMiIG49MQopABQfMikAFT8zCmEBAENQYWFhYQqXxA/SAAAAAHb/4i4=")]
    [InlineData("BCJNGGBAgkAAAAD/GmxldmVsPWluZm8gbXNnPSJhIGxpbmUgdGhhdCByZXBlYXRzIiBuPTEKKQAUHzIpABU/MwphAQBDUGFhYWEKAAAAAA==")]
    public void Frames_of_the_lz4_program_are_unpacked(string frame)
    {
        byte[] packed = Convert.FromBase64String(frame);
        Assert.Equal(Text, Unpack(packed));
        byte[] skippable = [0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 9, 9, 9];
        Assert.Equal(Text + Text, Unpack([.. packed, .. skippable, .. packed]));
        Assert.Equal(WireErrorKind.TooLarge, Assert.Throws<WireFormatException>(() => Lz4Frame.Decompress(packed, 100, out _)).Kind);
    }

    [Fact]
    public void A_bomb_is_refused_before_it_is_unpacked()
    {
        // One literal, then a match as long as 4 MiB of lengths can say: a gigabyte out of four megabytes.
        byte[] block = [0x1F, (byte)'x', 1, 0, .. Enumerable.Repeat((byte)255, 4 << 20), 0];
        byte[] packed = Frame(block);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(WireErrorKind.TooLarge, Assert.Throws<WireFormatException>(() => Lz4Frame.Decompress(packed, 1 << 20, out _)).Kind);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 2 << 20, "the bomb was unpacked");
    }

    [Fact]
    public void Any_damage_is_an_error_and_no_crash()
    {
        byte[] good = Convert.FromBase64String("BCJNGHxA1wAAAAAAAAD9QAAAAP8abGV2ZWw9aW5mbyBtc2c9ImEgbGluZSB0aGF0IHJlcGVhdHMiIG49MQopABQfMikAFT8zCmEBAENQYWFhYQqXxA/SAAAAAHb/4i4=");
        for (int seed = 1; seed <= 20_000; seed++)
        {
            var random = new Random(seed);
            byte[] packed = random.Next(4) == 0 ? Frame(Bytes(random, random.Next(60))) : [.. good];
            for (int i = random.Next(3); i >= 0; i--) packed[random.Next(packed.Length)] = (byte)random.Next(256);
            try
            {
                ArrayPool<byte>.Shared.Return(Lz4Frame.Decompress(packed.AsSpan(0, random.Next(packed.Length + 1)), 1 << 16, out int length));
                Assert.InRange(length, 0, 1 << 16);
            }
            catch (WireFormatException)
            {
                // Refused: what a damaged frame deserves.
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}: {e}");
            }
        }
    }

    private static byte[] Bytes(Random random, int count)
    {
        var bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }

    private static byte[] Frame(byte[] block)
    {
        var size = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(size, block.Length);
        return [0x04, 0x22, 0x4D, 0x18, 0x60, 0x70, 0, .. size, .. block, 0, 0, 0, 0];
    }

    private static string Unpack(byte[] packed)
    {
        byte[] unpacked = Lz4Frame.Decompress(packed, 1 << 20, out int length);
        string text = Encoding.UTF8.GetString(unpacked, 0, length);
        ArrayPool<byte>.Shared.Return(unpacked);
        return text;
    }
}
