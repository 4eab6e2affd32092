using System.Buffers;
using System.Text;
using Pharos.Wire.Compression;

namespace Pharos.Wire.Tests;

public sealed class SnappyAgreementTests
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
        Assert.Equal(data, Unpack(Pack(data)));
    }

    [Theory]
    [MemberData(nameof(Inputs))]
    public void Agrees_with_another_implementation_both_ways(string name, byte[] data)
    {
        Assert.NotEmpty(name);
        if (data.Length == 0) return;
        Assert.Equal(data, IronSnappy.Snappy.Decode(Pack(data)));
        Assert.Equal(data, Unpack(IronSnappy.Snappy.Encode(data)));
    }

    private static byte[] Pack(byte[] data)
    {
        var output = new ArrayBufferWriter<byte>();
        SnappyBlock.Encode(data, output);
        return output.WrittenSpan.ToArray();
    }

    private static byte[] Unpack(ReadOnlySpan<byte> packed)
    {
        var buffer = SnappyBlock.Decode(packed, 1 << 24, out int length);
        var data = buffer[..length];
        ArrayPool<byte>.Shared.Return(buffer);
        return data;
    }
}
