using Pharos.Wire.Protobuf;
using Pharos.Wire.RemoteRead;

namespace Pharos.Wire.Tests.RemoteRead;

public sealed class RemoteReadRequestTests
{
    [Theory]
    [InlineData(new int[0], RemoteReadType.Samples)]
    [InlineData(new[] { 1, 0 }, RemoteReadType.StreamedXorChunks)]
    [InlineData(new[] { 9, 0, 1 }, RemoteReadType.Samples)]
    public void The_first_known_type_is_taken(int[] accepted, RemoteReadType type) => Assert.Equal(type, RemoteReadRequest.Decode(Request(accepted)).Type);

    [Fact]
    public void No_known_type_is_an_error() =>
        Assert.Contains("response types: 9", Assert.Throws<WireFormatException>(() => RemoteReadRequest.Decode(Request(9))).Message, StringComparison.Ordinal);

    [Fact]
    public void Any_bytes_are_read_or_refused()
    {
        byte[] good = Request(0, 1);
        for (int seed = 1; seed <= 10_000; seed++)
        {
            var random = new Random(seed);
            byte[] damaged = good.AsSpan(0, random.Next(good.Length + 1)).ToArray();
            for (int flips = random.Next(4); flips > 0 && damaged.Length > 0; flips--) damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            try
            {
                RemoteReadRequest.Decode(damaged);
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

    private static byte[] Request(params int[] accepted)
    {
        using var request = new ProtoBuffer();
        int query = request.Begin(1);
        request.Field(1, 5L);
        request.Field(2, 6L);
        int matcher = request.Begin(3);
        request.Field(1, 2UL);
        request.Field(2, "job");
        request.Field(3, "a.*[x]");
        request.End(matcher);
        int hints = request.Begin(4);
        request.Field(2, "rate");
        request.End(hints);
        request.End(query);
        foreach (int type in accepted) request.Field(2, (ulong)type);
        return request.Written.ToArray();
    }
}
