using System.Buffers;
using System.Text;
using Pharos.Wire.Compression;

namespace Pharos.Wire.Tests.Compression;

public sealed class SnappyBlockTests
{
    [Theory, InlineData(0), InlineData(1), InlineData(15), InlineData(16), InlineData(60), InlineData(61), InlineData(65_535), InlineData(65_536), InlineData(200_001)]
    public void What_was_packed_unpacks_to_the_same_here_and_in_another_implementation(int length)
    {
        const int seed = 20260817;
        var random = new Random(seed + length);
        foreach (int alphabet in new[] { 1, 3, 26, 256 })
        {
            var input = new byte[length];
            for (int i = 0; i < length; i++) input[i] = (byte)random.Next(alphabet);
            var packed = new ArrayBufferWriter<byte>();
            SnappyBlock.Encode(input, packed);
            Assert.Equal(input, Unpack(packed.WrittenSpan));
            Assert.Equal(input, IronSnappy.Snappy.Decode(packed.WrittenSpan));
            Assert.Equal(input, Unpack(IronSnappy.Snappy.Encode(input)));
        }
    }

    [Fact]
    public void Repeating_text_becomes_much_smaller()
    {
        var packed = new ArrayBufferWriter<byte>();
        SnappyBlock.Encode(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("level=info msg=\"request done\" ", 1000))), packed);
        Assert.InRange(packed.WrittenCount, 100, 3000);
    }

    [Fact]
    public void A_claim_over_the_limit_is_refused_before_anything_is_unpacked()
    {
        var e = Assert.Throws<WireFormatException>(() => SnappyBlock.Decode([0xff, 0xff, 0xff, 0xff, 0x0f, 0], 1 << 20, out _));
        Assert.Equal(WireErrorKind.TooLarge, e.Kind);
        Assert.Equal("the unpacked body would have 4294967295 bytes, over the limit of 1048576 bytes", e.Message);
    }

    [Fact]
    public void Any_bytes_either_unpack_or_are_refused()
    {
        for (int seed = 1; seed <= 3000; seed++)
        {
            var random = new Random(seed);
            var text = new byte[random.Next(400)];
            random.NextBytes(text.AsSpan(0, text.Length / 2));
            byte[] packed = IronSnappy.Snappy.Encode(text);
            for (int i = random.Next(4); i >= 0; i--) packed[random.Next(packed.Length)] = (byte)random.Next(256);
            try
            {
                ArrayPool<byte>.Shared.Return(SnappyBlock.Decode(packed.AsSpan(0, random.Next(packed.Length + 1)), 1 << 16, out _));
            }
            catch (WireFormatException)
            {
                // Refused: what a damaged body deserves.
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}: {e}");
            }
        }
    }

    private static byte[] Unpack(ReadOnlySpan<byte> packed)
    {
        byte[] buffer = SnappyBlock.Decode(packed, 1 << 24, out int length);
        byte[] copy = buffer.AsSpan(0, length).ToArray();
        ArrayPool<byte>.Shared.Return(buffer);
        return copy;
    }
}
