using System.Text.Json;
using Pharos.Core;
using Pharos.LogQL;

namespace Pharos.Server.Loki;

/// <summary>
/// The <c>stats</c> of an answer: every key of Loki's. The store's memory stands for the ingester, its parts for the store; what has no
/// counterpart here is 0 (docs/compatibility/logs.md names it).
/// </summary>
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
        var memory = read.Memory;
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
        json.WriteNumber("totalPostFilterLines"u8, read.Passed);
        json.WriteNumber("totalStructuredMetadataBytesProcessed"u8, read.MetadataBytes);
        json.WriteEndObject();
        json.WriteStartObject("querier"u8);
        Store(json, read.Chunks - memory.Chunks, read.Blocks - memory.Blocks, read.Reading, read.Hidden, new Chunk
        {
            Bytes = read.Bytes - memory.Bytes - memory.OpenBytes,
            Lines = read.Lines - memory.Lines - memory.OpenLines,
            MetadataBytes = read.MetadataBytes - memory.MetadataBytes - memory.OpenMetadataBytes,
            PackedBytes = read.PackedBytes - memory.PackedBytes,
            Duplicates = read.Duplicates - memory.Duplicates,
            Passed = read.Passed - memory.Passed,
        });
        json.WriteEndObject();
        json.WriteStartObject("ingester"u8);
        json.WriteNumber("totalReached"u8, memory.Chunks > 0 ? 1 : 0);
        json.WriteNumber("totalChunksMatched"u8, memory.Chunks);
        json.WriteNumber("totalBatches"u8, 0);
        json.WriteNumber("totalLinesSent"u8, memory.Passed);
        Store(json, memory.Chunks, memory.Blocks, default, 0, new Chunk
        {
            HeadBytes = memory.OpenBytes,
            HeadLines = memory.OpenLines,
            HeadMetadataBytes = memory.OpenMetadataBytes,
            Bytes = memory.Bytes,
            Lines = memory.Lines,
            MetadataBytes = memory.MetadataBytes,
            PackedBytes = memory.PackedBytes,
            Duplicates = memory.Duplicates,
            Passed = memory.Passed,
        });
        json.WriteEndObject();
        json.WriteStartObject("cache"u8);
        foreach (string cache in Caches) Cache(json, cache, cache == cacheName ? statistics : null);
        json.WriteEndObject();
        json.WriteStartObject("index"u8);
        json.WriteNumber("totalChunks"u8, read.Chunks);
        json.WriteNumber("postFilterChunks"u8, read.Chunks - read.BlocksSkipped);
        json.WriteNumber("shardsDuration"u8, 0);
        json.WriteBoolean("usedBloomFilters"u8, read.BlocksSkipped > 0);
        json.WriteNumber("totalStreams"u8, read.Streams);
        json.WriteNumber("chunkRefsLookupTime"u8, read.LookUp.Ticks * 100);
        json.WriteNumber("bloomFilterTime"u8, 0);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void Cache(Utf8JsonWriter json, string name, LogQlStatistics? statistics)
    {
        var (requested, found, stored) = statistics?.Cache ?? default;
        json.WriteStartObject(name);
        json.WriteNumber("entriesFound"u8, found);
        json.WriteNumber("entriesRequested"u8, requested);
        json.WriteNumber("entriesStored"u8, stored);
        json.WriteNumber("bytesReceived"u8, statistics?.CacheBytes.Found ?? 0);
        json.WriteNumber("bytesSent"u8, statistics?.CacheBytes.Stored ?? 0);
        json.WriteNumber("requests"u8, requested);
        json.WriteNumber("downloadTime"u8, 0);
        json.WriteNumber("queryLengthServed"u8, (statistics?.CacheServed.Ticks ?? 0) * 100);
        json.WriteEndObject();
    }

    private static void Store(Utf8JsonWriter json, long chunks, long opened, TimeSpan reading, long hidden, Chunk chunk)
    {
        json.WriteStartObject("store"u8);
        json.WriteNumber("totalChunksRef"u8, chunks);
        json.WriteNumber("totalChunksDownloaded"u8, opened);
        json.WriteNumber("chunksDownloadTime"u8, reading.Ticks * 100);
        json.WriteBoolean("queryReferencedStructuredMetadata"u8, false);
        json.WriteBoolean("queryUsedV2Engine"u8, false);
        json.WriteStartObject("chunk"u8);
        json.WriteNumber("headChunkBytes"u8, chunk.HeadBytes);
        json.WriteNumber("headChunkLines"u8, chunk.HeadLines);
        json.WriteNumber("decompressedBytes"u8, chunk.Bytes);
        json.WriteNumber("decompressedLines"u8, chunk.Lines);
        json.WriteNumber("compressedBytes"u8, chunk.PackedBytes);
        json.WriteNumber("totalDuplicates"u8, chunk.Duplicates);
        json.WriteNumber("postFilterLines"u8, chunk.Passed);
        json.WriteNumber("headChunkStructuredMetadataBytes"u8, chunk.HeadMetadataBytes);
        json.WriteNumber("decompressedStructuredMetadataBytes"u8, chunk.MetadataBytes);
        json.WriteEndObject();
        json.WriteNumber("chunkRefsFetchTime"u8, 0);
        json.WriteNumber("congestionControlLatency"u8, 0);
        json.WriteNumber("pipelineWrapperFilteredLines"u8, hidden);
        json.WriteStartObject("dataobj"u8);
        foreach (string key in new[] { "prePredicateDecompressedRows", "prePredicateDecompressedBytes", "postPredicateRows", "pagesScanned", "pagesDownloaded", "totalRowsAvailable", "totalPageDownloadTime" })
            json.WriteNumber(key, 0);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>What was read of one place; the head is what is not packed.</summary>
    private readonly record struct Chunk
    {
        public long HeadBytes { get; init; }
        public long HeadLines { get; init; }
        public long HeadMetadataBytes { get; init; }
        public long Bytes { get; init; }
        public long Lines { get; init; }
        public long MetadataBytes { get; init; }
        public long PackedBytes { get; init; }
        public long Duplicates { get; init; }
        public long Passed { get; init; }
    }
}
