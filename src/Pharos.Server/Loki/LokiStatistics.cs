using System.Text.Json;
using Pharos.LogQL;

namespace Pharos.Server.Loki;

/// <summary>The <c>stats</c> of an answer: every key of Loki's, with what was measured where it exists here.</summary>
internal static class LokiStatistics
{
    private static readonly string[] Caches =
    [
        "chunk", "index", "result", "statsResult", "volumeResult", "seriesResult", "labelResult", "instantMetricResult", "logResult", "taskResult",
    ];

    /// <param name="cacheName">Which of Loki's caches the finished parts stand for.</param>
    public static void Write(Utf8JsonWriter json, LogQlStatistics statistics, string cacheName = "result")
    {
        var read = statistics.Read;
        double seconds = statistics.Execution.TotalSeconds;
        json.WriteStartObject("stats"u8);
        json.WriteStartObject("summary"u8);
        json.WriteNumber("bytesProcessedPerSecond"u8, seconds > 0 ? (long)(read.Bytes / seconds) : 0);
        json.WriteNumber("linesProcessedPerSecond"u8, seconds > 0 ? (long)(read.Lines / seconds) : 0);
        json.WriteNumber("totalBytesProcessed"u8, read.Bytes);
        json.WriteNumber("totalLinesProcessed"u8, read.Lines);
        json.WriteNumber("execTime"u8, seconds);
        json.WriteNumber("queueTime"u8, statistics.Waited.TotalSeconds);
        json.WriteNumber("subqueries"u8, 0);
        json.WriteNumber("totalEntriesReturned"u8, statistics.EntriesReturned);
        json.WriteNumber("splits"u8, statistics.Splits);
        json.WriteNumber("shards"u8, 0);
        json.WriteNumber("totalPostFilterLines"u8, statistics.EntriesReturned);
        json.WriteNumber("totalStructuredMetadataBytesProcessed"u8, 0);
        json.WriteEndObject();
        json.WriteStartObject("querier"u8);
        Store(json, statistics, isStore: true);
        json.WriteEndObject();
        json.WriteStartObject("ingester"u8);
        json.WriteNumber("totalReached"u8, 0);
        json.WriteNumber("totalChunksMatched"u8, 0);
        json.WriteNumber("totalBatches"u8, 0);
        json.WriteNumber("totalLinesSent"u8, 0);
        Store(json, statistics, isStore: false);
        json.WriteEndObject();
        json.WriteStartObject("cache"u8);
        foreach (string cache in Caches)
        {
            json.WriteStartObject(cache);
            var (requested, found, stored) = cache == cacheName ? statistics.Cache : default;
            json.WriteNumber("entriesFound"u8, found);
            json.WriteNumber("entriesRequested"u8, requested);
            json.WriteNumber("entriesStored"u8, stored);
            foreach (string key in new[] { "bytesReceived", "bytesSent", "requests", "downloadTime", "queryLengthServed" }) json.WriteNumber(key, 0);
            json.WriteEndObject();
        }
        json.WriteEndObject();
        json.WriteStartObject("index"u8);
        json.WriteNumber("totalChunks"u8, read.Blocks + read.BlocksSkipped);
        json.WriteNumber("postFilterChunks"u8, read.Blocks);
        json.WriteNumber("shardsDuration"u8, 0);
        json.WriteBoolean("usedBloomFilters"u8, read.BlocksSkipped > 0);
        json.WriteNumber("totalStreams"u8, 0);
        json.WriteNumber("chunkRefsLookupTime"u8, 0);
        json.WriteNumber("bloomFilterTime"u8, 0);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void Store(Utf8JsonWriter json, LogQlStatistics statistics, bool isStore)
    {
        var read = isStore ? statistics.Read : default;
        json.WriteStartObject("store"u8);
        json.WriteNumber("totalChunksRef"u8, read.Blocks + read.BlocksSkipped);
        json.WriteNumber("totalChunksDownloaded"u8, read.Blocks);
        json.WriteNumber("chunksDownloadTime"u8, 0);
        json.WriteBoolean("queryReferencedStructuredMetadata"u8, false);
        json.WriteBoolean("queryUsedV2Engine"u8, false);
        json.WriteStartObject("chunk"u8);
        json.WriteNumber("headChunkBytes"u8, 0);
        json.WriteNumber("headChunkLines"u8, 0);
        json.WriteNumber("decompressedBytes"u8, read.Bytes);
        json.WriteNumber("decompressedLines"u8, read.Lines);
        json.WriteNumber("compressedBytes"u8, 0);
        json.WriteNumber("totalDuplicates"u8, 0);
        json.WriteNumber("postFilterLines"u8, isStore ? statistics.EntriesReturned : 0);
        json.WriteNumber("headChunkStructuredMetadataBytes"u8, 0);
        json.WriteNumber("decompressedStructuredMetadataBytes"u8, 0);
        json.WriteEndObject();
        foreach (string key in new[] { "chunkRefsFetchTime", "congestionControlLatency", "pipelineWrapperFilteredLines" }) json.WriteNumber(key, 0);
        json.WriteStartObject("dataobj"u8);
        foreach (string key in new[] { "prePredicateDecompressedRows", "prePredicateDecompressedBytes", "postPredicateRows", "pagesScanned", "pagesDownloaded", "totalRowsAvailable", "totalPageDownloadTime" })
            json.WriteNumber(key, 0);
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
