using System.Text;
using Pharos.Wire.Snappy;

namespace Pharos.Wire.Tests;

public sealed class SnappyBlockTests
{
    public static TheoryData<string, byte[]> Inputs()
    {
        var random = new Random(7);
        var noise = new byte[100_000];
        random.NextBytes(noise);
        var text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 20_000).Select(i => $"http_requests_total{{instance=\"host-{i % 50}\"}} {i}\n")));
        return new TheoryData<string, byte[]>
        {
            { "empty", [] },
            { "one byte", [42] },
            { "sixteen bytes", [.. Enumerable.Range(0, 16).Select(i => (byte)i)] },
            { "a run", [.. Enumerable.Repeat((byte)'x', 70_000)] },
            { "a short pattern", [.. Enumerable.Range(0, 5_000).Select(i => (byte)(i % 3))] },
            { "noise", noise },
            { "text over several blocks", text },
        };
    }

    [Theory]
    [MemberData(nameof(Inputs))]
    public void What_is_compressed_comes_back(string name, byte[] data)
    {
        Assert.NotEmpty(name);
        var compressed = new byte[SnappyBlock.CompressedBound(data.Length)];
        int length = SnappyBlock.Compress(data, compressed);
        var back = new byte[SnappyBlock.DecodedLength(compressed.AsSpan(0, length))];
        Assert.Equal(data.Length, SnappyBlock.Decompress(compressed.AsSpan(0, length), back));
        Assert.Equal(data, back);
    }

    [Theory]
    [MemberData(nameof(Inputs))]
    public void Agrees_with_another_implementation_both_ways(string name, byte[] data)
    {
        Assert.NotEmpty(name);
        if (data.Length == 0) return;
        var compressed = new byte[SnappyBlock.CompressedBound(data.Length)];
        int length = SnappyBlock.Compress(data, compressed);
        Assert.Equal(data, IronSnappy.Snappy.Decode(compressed.AsSpan(0, length)));
        var theirs = IronSnappy.Snappy.Encode(data);
        var back = new byte[SnappyBlock.DecodedLength(theirs)];
        SnappyBlock.Decompress(theirs, back);
        Assert.Equal(data, back);
    }

    [Fact]
    public void A_lie_about_the_length_is_refused_before_memory_is_taken()
    {
        byte[] bomb = [0xff, 0xff, 0xff, 0xff, 0x07, 0x00, 0x41];
        Assert.Throws<WireFormatException>(() => SnappyBlock.DecodedLength(bomb));
    }

    [Fact]
    public void Damaged_input_never_does_more_than_fail()
    {
        var data = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 300).Select(i => $"series_{i % 7}{{a=\"{i}\"}}")));
        var compressed = new byte[SnappyBlock.CompressedBound(data.Length)];
        int length = SnappyBlock.Compress(data, compressed);
        var random = new Random(11);
        for (int round = 0; round < 20_000; round++)
        {
            var damaged = compressed.AsSpan(0, random.Next(0, length + 1)).ToArray();
            for (int flips = random.Next(1, 4); flips > 0 && damaged.Length > 0; flips--) damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            try
            {
                var back = new byte[SnappyBlock.DecodedLength(damaged)];
                SnappyBlock.Decompress(damaged, back);
            }
            catch (WireFormatException e)
            {
                Assert.NotEmpty(e.Message);
            }
        }
    }
}
