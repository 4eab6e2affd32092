using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pharos.Core;
using Pharos.Server.Http;
using Pharos.Server.Prometheus.Description;

namespace Pharos.Server.Prometheus;

/// <summary>The status pages of the Prometheus API.</summary>
internal static class PrometheusStatusRoutes
{
    private const int TsdbLimitMax = 10_000;

    public static void Map(
        IEndpointRouteBuilder routes,
        TimeProvider time,
        PrometheusStatus status,
        Func<HttpContext, Func<HttpContext, QueryParameters, Task>, Task> guard)
    {
        var startedAt = time.GetUtcNow();
        Map("/api/v1/status/buildinfo", w => BuildInfo(w, status));
        Map("/api/v1/status/runtimeinfo", w => RuntimeInfo(w, status, startedAt, time.GetUtcNow()));
        Map("/api/v1/status/flags", w => Pairs(w, status.Flags()));
        Map("/api/v1/status/config", w => Pairs(w, new Dictionary<string, string> { ["yaml"] = status.ConfigYaml() }));
        // Routes are served only after the replay: it is always over.
        Map("/api/v1/status/walreplay", WalReplay);
        Map("/api/v1/features", w => FeatureList.Write(w, status.Switches));
        if (status.Notices is { } notices) NotificationRoutes.Map(routes, notices);
        OpenApiRoutes.Map(routes, status);
        routes.MapGet("/api/v1/status/tsdb/blocks", http => guard(http, async (context, _) =>
        {
            await using var json = PrometheusJson.Success(context);
            Blocks(json.Writer, status.Blocks?.Invoke(context.Tenant()) ?? []);
            json.End();
        }));
        routes.MapGet("/api/v1/status/self_metrics", http => guard(http, async (context, parameters) =>
        {
            var families = SelfMetrics.Read(status.Instruments, parameters["metric_name_pattern"]);
            await using var json = PrometheusJson.Success(context);
            SelfMetrics.Write(json.Writer, families);
            json.End();
        }));
        if (status.Tsdb is null) return;
        routes.MapGet("/api/v1/status/tsdb", http => guard(http, async (context, parameters) =>
        {
            int limit = parameters.Limit();
            if (limit > TsdbLimitMax) throw new QueryException(QueryErrorKind.BadData, $"limit must not exceed {TsdbLimitMax}");
            var found = status.Tsdb(context.Tenant(), limit == 0 ? 10 : limit);
            await using var json = PrometheusJson.Success(context);
            Tsdb(json.Writer, found);
            json.End();
        }));

        void Map(string path, Action<Utf8JsonWriter> write) => routes.MapGet(path, http => guard(http, async (context, _) =>
        {
            await using var json = PrometheusJson.Success(context);
            write(json.Writer);
            json.End();
        }));
    }

    private static void BuildInfo(Utf8JsonWriter writer, PrometheusStatus status)
    {
        writer.WriteStartObject();
        writer.WriteString("application", status.Application);
        writer.WriteString("version", status.Version);
        writer.WriteString("revision", status.Revision);
        writer.WriteString("branch", status.Branch);
        writer.WriteString("buildUser", "");
        writer.WriteString("buildDate", "");
        writer.WriteString("goVersion", "");
        if (status.Features.Count > 0)
        {
            writer.WritePropertyName("features");
            Pairs(writer, status.Features);
        }
        writer.WriteEndObject();
    }

    private static void RuntimeInfo(Utf8JsonWriter writer, PrometheusStatus status, DateTimeOffset startedAt, DateTimeOffset now)
    {
        var (ok, loadedAt) = status.Reload?.Invoke() ?? (true, startedAt);
        writer.WriteStartObject();
        writer.WriteString("startTime", Rfc3339(startedAt));
        writer.WriteString("CWD", Environment.CurrentDirectory);
        writer.WriteString("hostname", Environment.MachineName);
        writer.WriteString("serverTime", Rfc3339(now));
        writer.WriteBoolean("reloadConfigSuccess", ok);
        writer.WriteString("lastConfigTime", Rfc3339(loadedAt));
        writer.WriteNumber("corruptionCount", 0);
        writer.WriteNumber("goroutineCount", ThreadPool.ThreadCount);
        writer.WriteNumber("GOMAXPROCS", Environment.ProcessorCount);
        writer.WriteNumber("GOMEMLIMIT", GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
        writer.WriteString("GOGC", "");
        writer.WriteString("GODEBUG", "");
        writer.WriteString("storageRetention", status.StorageRetention);
        writer.WriteEndObject();
    }

    private static void WalReplay(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        foreach (string name in (string[])["min", "max", "current"]) writer.WriteNumber(name, 0);
        writer.WriteEndObject();
    }

    private static void Blocks(Utf8JsonWriter writer, IReadOnlyList<Metrics.BlockStatus> blocks)
    {
        writer.WriteStartObject();
        writer.WriteStartArray("blocks");
        foreach (var block in blocks)
        {
            writer.WriteStartObject();
            writer.WriteString("ulid", block.Id);
            writer.WriteNumber("minTime", block.MinTimeMs);
            writer.WriteNumber("maxTime", block.EndTimeMs);
            writer.WriteStartObject("stats");
            writer.WriteNumber("numSamples", block.Samples);
            writer.WriteNumber("numSeries", block.Series);
            writer.WriteNumber("numChunks", block.Chunks);
            writer.WriteEndObject();
            writer.WriteStartObject("compaction");
            writer.WriteNumber("level", block.Level);
            writer.WriteEndObject();
            writer.WriteNumber("version", 1);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void Tsdb(Utf8JsonWriter writer, TsdbStatus status)
    {
        writer.WriteStartObject();
        writer.WriteStartObject("headStats");
        writer.WriteNumber("numSeries", status.SeriesCount);
        writer.WriteNumber("numLabelPairs", status.LabelPairCount);
        writer.WriteNumber("chunkCount", status.ChunkCount);
        writer.WriteNumber("minTime", status.MinTimeMs);
        writer.WriteNumber("maxTime", status.MaxTimeMs);
        writer.WriteEndObject();
        List("seriesCountByMetricName", status.SeriesByMetric);
        List("labelValueCountByLabelName", status.ValuesByLabel);
        List("memoryInBytesByLabelName", status.BytesByLabel);
        List("seriesCountByLabelValuePair", status.SeriesByLabelPair);
        writer.WriteEndObject();

        void List(string name, IReadOnlyList<NamedCount> counts)
        {
            writer.WriteStartArray(name);
            foreach (var count in counts)
            {
                writer.WriteStartObject();
                writer.WriteString("name", count.Name);
                writer.WriteNumber("value", count.Value);
                writer.WriteEndObject();
            }
            writer.WriteEndArray();
        }
    }

    private static void Pairs(Utf8JsonWriter writer, IReadOnlyDictionary<string, string> pairs)
    {
        writer.WriteStartObject();
        foreach (var (name, value) in pairs.OrderBy(p => p.Key, StringComparer.Ordinal)) writer.WriteString(name, value);
        writer.WriteEndObject();
    }

    internal static string Rfc3339(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture);
}
