using System.Text.Json;

namespace Pharos.Server.Tests.Loki;

/// <summary>The <c>stats</c> of answers against counts that are known.</summary>
public sealed class LokiStatisticsTests
{
    private const long Now = LokiApi.NowNs;
    private static readonly string Range = $"&start={Now - 60_000_000_000}&end={Now + 1}";
    private static readonly string Took = $"query_range?query={Uri.EscapeDataString("{app=\"shop\"} |= \"took\"")}{Range}";

    [Fact]
    public async Task What_is_in_memory_counts_as_the_ingesters()
    {
        await using var api = await LokiApi.StartAsync();
        await FillAsync(api);
        var stats = await StatsAsync(api, Took);
        Assert.Equal((3, 2, 2), (Of(stats, "summary.totalLinesProcessed"), Of(stats, "summary.totalPostFilterLines"), Of(stats, "summary.totalEntriesReturned")));
        Assert.Equal((1, 2, 2), (Of(stats, "ingester.totalReached"), Of(stats, "ingester.totalChunksMatched"), Of(stats, "ingester.totalLinesSent")));
        Assert.Equal((3, 2), (Of(stats, "ingester.store.chunk.headChunkLines"), Of(stats, "ingester.store.chunk.postFilterLines")));
        long head = Of(stats, "ingester.store.chunk.headChunkBytes"), metadata = Of(stats, "ingester.store.chunk.headChunkStructuredMetadataBytes");
        Assert.Equal((64, head, metadata), (head - metadata, Of(stats, "summary.totalBytesProcessed"), Of(stats, "summary.totalStructuredMetadataBytesProcessed")));
        Assert.True(metadata > 40);
        Assert.Equal((2, 2, 2), (Of(stats, "index.totalStreams"), Of(stats, "index.totalChunks"), Of(stats, "index.postFilterChunks")));
        foreach (string zero in (string[])["totalChunksRef", "totalChunksDownloaded", "chunk.decompressedBytes", "chunk.decompressedLines", "chunk.compressedBytes", "chunk.postFilterLines"])
            Assert.True(Of(stats, "querier.store." + zero) == 0, zero);
    }

    [Fact]
    public async Task What_is_in_parts_counts_as_the_stores()
    {
        await using var api = await LokiApi.StartAsync();
        await FillAsync(api);
        var memory = await StatsAsync(api, Took);
        await api.Store.FlushAsync(CancellationToken.None);
        var stats = await StatsAsync(api, Took);
        Assert.Equal((0, 0, 0), (Of(stats, "ingester.totalReached"), Of(stats, "ingester.totalChunksMatched"), Of(stats, "ingester.store.chunk.headChunkLines")));
        // The block of the other pod cannot hold "took": its filter says so.
        Assert.Equal((2, 1, 2), (Of(stats, "querier.store.totalChunksRef"), Of(stats, "querier.store.totalChunksDownloaded"), Of(stats, "querier.store.chunk.postFilterLines")));
        Assert.Equal((2, 1, true), (Of(stats, "index.totalChunks"), Of(stats, "index.postFilterChunks"), stats.GetProperty("index").GetProperty("usedBloomFilters").GetBoolean()));
        Assert.Equal((2, 40), (Of(stats, "querier.store.chunk.decompressedLines"), Of(stats, "querier.store.chunk.decompressedBytes") - Of(stats, "querier.store.chunk.decompressedStructuredMetadataBytes")));
        Assert.InRange(Of(stats, "querier.store.chunk.compressedBytes"), 1, 1000);

        var all = await StatsAsync(api, $"query_range?query={{app=\"shop\"}}{Range}");
        Assert.Equal(Of(memory, "summary.totalBytesProcessed"), Of(all, "querier.store.chunk.decompressedBytes"));
        Assert.Equal(Of(memory, "summary.totalStructuredMetadataBytesProcessed"), Of(all, "summary.totalStructuredMetadataBytesProcessed"));
        Assert.Equal((3, 2), (Of(all, "summary.totalLinesProcessed"), Of(all, "querier.store.totalChunksDownloaded")));
    }

    [Fact]
    public async Task Metric_queries_say_how_many_lines_passed()
    {
        await using var api = await LokiApi.StartAsync();
        await FillAsync(api);
        string filtered = $"query?time={Now}&query={Uri.EscapeDataString("sum(count_over_time({app=\"shop\"} |= \"took\" [1m]))")}";
        string counted = $"query?time={Now}&query={Uri.EscapeDataString("sum(count_over_time({app=\"shop\"}[1m]))")}";
        foreach (bool flushed in (bool[])[false, true])
        {
            if (flushed) await api.Store.FlushAsync(CancellationToken.None);
            string place = flushed ? "querier" : "ingester", other = flushed ? "ingester" : "querier";
            var stats = await StatsAsync(api, filtered);
            Assert.Equal((2, 2, 0, 1), (Of(stats, "summary.totalPostFilterLines"), Of(stats, place + ".store.chunk.postFilterLines"), Of(stats, other + ".store.chunk.postFilterLines"), Of(stats, "summary.totalEntriesReturned")));
            Assert.Equal(2, Of(stats, "index.totalStreams"));
            var count = await StatsAsync(api, counted);
            Assert.Equal((3, 2, 2), (Of(count, "summary.totalPostFilterLines"), Of(count, "index.totalChunks"), Of(count, "index.totalStreams")));
            // Headers say how many there are: no block is opened.
            if (flushed) Assert.Equal((0, 0, 0), (Of(count, "querier.store.totalChunksDownloaded"), Of(count, "summary.totalLinesProcessed"), Of(count, "querier.store.chunk.compressedBytes")));
        }
    }

    [Fact]
    public async Task Repeats_and_deleted_lines_are_counted()
    {
        await using var api = await LokiApi.StartAsync();
        await FillAsync(api);
        await api.Store.FlushAsync(CancellationToken.None);
        await FillAsync(api);
        var stats = await StatsAsync(api, $"query_range?query={{app=\"shop\"}}{Range}");
        Assert.Equal((6, 3, 3), (Of(stats, "summary.totalLinesProcessed"), Of(stats, "summary.totalPostFilterLines"), Of(stats, "querier.store.chunk.totalDuplicates") + Of(stats, "ingester.store.chunk.totalDuplicates")));
        Assert.Equal((4, 2, 2), (Of(stats, "index.totalChunks"), Of(stats, "ingester.totalChunksMatched"), Of(stats, "querier.store.totalChunksRef")));
        api.Store.Delete(Core.TenantId.Anonymous, "{app=\"shop\"} |= \"took\"", Now - 60_000_000_000, Now + 1);
        var after = await StatsAsync(api, $"query_range?query={{app=\"shop\"}}{Range}");
        Assert.Equal((1, 2), (Of(after, "summary.totalPostFilterLines"), Of(after, "querier.store.pipelineWrapperFilteredLines")));
    }

    [Fact]
    public async Task Finished_parts_say_their_bytes_and_what_they_answered()
    {
        await using var api = await LokiApi.StartAsync();
        await FillAsync(api);
        string lines = $"query_range?query={{app=\"shop\"}}&limit=1000&start={Now - 7_200_000_000_000}&end={Now + 1}";
        var first = (await StatsAsync(api, lines)).GetProperty("cache").GetProperty("logResult");
        var again = (await StatsAsync(api, lines)).GetProperty("cache").GetProperty("logResult");
        Assert.Equal((2, 0, 2, 0, 0), (Of(first, "entriesRequested"), Of(first, "entriesFound"), Of(first, "entriesStored"), Of(first, "bytesReceived"), Of(first, "queryLengthServed")));
        Assert.Equal((2, 2, 0, 0, 7_200_000_000_000), (Of(again, "requests"), Of(again, "entriesFound"), Of(again, "entriesStored"), Of(again, "bytesSent"), Of(again, "queryLengthServed")));
        Assert.True(Of(first, "bytesSent") > 200);
        Assert.Equal(Of(first, "bytesSent"), Of(again, "bytesReceived"));
    }

    /// <summary>Lines of 19, 21 and 24 bytes, two of one stream and one of another, in one day and one hour.</summary>
    private static async Task FillAsync(LokiApi api) => Assert.Equal((204, ""), await api.PushAsync(
        $$"""
        {"streams":[
          {"stream":{"app":"shop","pod":"a"},"values":[["{{Now - 5_000_000_000}}","level=info took=5ms"],["{{Now - 3_000_000_000}}","level=error took=70ms",{"trace_id":"7f"}]]},
          {"stream":{"app":"shop","pod":"b"},"values":[["{{Now - 4_000_000_000}}","{\"level\":\"warn\",\"n\":1.5}"]]}
        ]}
        """));

    private static async Task<JsonElement> StatsAsync(LokiApi api, string path)
    {
        using var answer = JsonDocument.Parse(await api.GetAsync("/loki/api/v1/" + path));
        return answer.RootElement.GetProperty("data").GetProperty("stats").Clone();
    }

    private static long Of(JsonElement stats, string path) => path.Split('.').Aggregate(stats, (e, name) => e.GetProperty(name)).GetInt64();
}
