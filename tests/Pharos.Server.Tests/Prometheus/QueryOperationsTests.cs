using System.IO.Compression;
using System.Net;
using System.Text;
using Pharos.Core;
using Pharos.Server.Http;
using Pharos.Wire.Compression;

namespace Pharos.Server.Tests.Prometheus;

/// <summary>What an operator does with queries: list, end, trace, bound; and how answers are packed.</summary>
public sealed class QueryOperationsTests
{
    [Fact]
    public async Task A_trace_stands_beside_the_result()
    {
        await using var api = await QueryApi.StartAsync();
        api.FillRequests();
        var data = await api.DataAsync("/api/v1/query?query=sum(rate(requests_total[5m]))&trace=1");
        var root = data.GetProperty("trace").GetProperty("root");
        Assert.Equal("sum(rate(requests_total[5m]))", root.GetProperty("expression").GetString());
        var selector = root.GetProperty("children")[0].GetProperty("children")[0];
        Assert.Equal((3, 60), (selector.GetProperty("seriesRead").GetInt32(), selector.GetProperty("samplesRead").GetInt32()));
        Assert.False((await api.DataAsync("/api/v1/query?query=1")).TryGetProperty("trace", out _));
        Assert.Equal("bad_data", (await api.ErrorAsync("/api/v1/query?query=1&trace=perhaps", 400)).Type);
    }

    [Fact]
    public async Task A_query_over_its_bytes_is_a_422()
    {
        await using var api = await QueryApi.StartAsync(new TenantLimits { QueryMemoryBytesMax = 2000 });
        api.FillRequests();
        var (type, message) = await api.ErrorAsync("/api/v1/query?query=rate(requests_total[1h])", 422);
        Assert.Equal("execution", type);
        Assert.Contains("most was read by requests_total[1h] (1:6)", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Queries_are_listed_and_unknown_ones_cannot_be_ended()
    {
        await using var api = await QueryApi.StartAsync();
        var data = await api.DataAsync("/api/pharos/v1/queries");
        Assert.Equal((0, 0), (data.GetProperty("active").GetArrayLength(), data.GetProperty("slow").GetArrayLength()));
        using var client = new HttpClient { BaseAddress = api.Address };
        using var unknown = await client.DeleteAsync("/api/pharos/v1/queries/77");
        Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);
        using var wrong = await client.DeleteAsync("/api/pharos/v1/queries/x");
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
    }

    [Theory]
    [InlineData("gzip", "gzip")]
    [InlineData("zstd", "zstd")]
    [InlineData("gzip, zstd", "zstd")]
    public async Task Answers_are_packed_as_asked(string accepted, string used)
    {
        await using var api = await QueryApi.StartAsync();
        api.FillRequests();
        string path = $"/api/v1/query_range?query=requests_total&start={(QueryApi.NowMs / 1000) - 3600}&end={QueryApi.NowMs / 1000}&step=1";
        string plain = await api.TextAsync(path);
        using var client = new HttpClient { BaseAddress = api.Address };
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("Accept-Encoding", accepted);
        using var response = await client.SendAsync(request);
        Assert.Equal([used], response.Content.Headers.ContentEncoding);
        byte[] packed = await response.Content.ReadAsByteArrayAsync();
        Assert.True(packed.Length < plain.Length / 4);
        Assert.Equal(plain, used == "gzip" ? Gunzip(packed) : Unzstd(packed, Encoding.UTF8.GetByteCount(plain)));
    }

    [Fact]
    public void Frames_of_zstd_follow_each_other()
    {
        var random = new Random(5);
        byte[] data = new byte[300_000];
        random.NextBytes(data.AsSpan(0, 150_000));
        using var packed = new MemoryStream();
        using (var frames = new ZstdFrames(packed))
        {
            frames.Write(data.AsSpan(0, 100));
            frames.Flush();
            frames.Write(data.AsSpan(100));
        }
        byte[] unpacked = new byte[data.Length];
        Assert.True(Zstd.TryDecompress(packed.ToArray(), unpacked));
        Assert.Equal(data, unpacked);
    }

    private static string Gunzip(byte[] packed)
    {
        using var gzip = new GZipStream(new MemoryStream(packed), CompressionMode.Decompress);
        using var text = new StreamReader(gzip, Encoding.UTF8);
        return text.ReadToEnd();
    }

    private static string Unzstd(byte[] packed, int length)
    {
        byte[] text = new byte[length];
        Assert.True(Zstd.TryDecompress(packed, text));
        return Encoding.UTF8.GetString(text);
    }
}
