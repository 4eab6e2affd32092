using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Pharos.Core;
using Pharos.LogQL;
using Pharos.Server.Http;

namespace Pharos.Server.Loki;

/// <summary>Sizes: answers from block headers alone.</summary>
internal sealed class LokiVolumes(ILogQueryable store, ITenantLimits limits, TimeProvider time)
{
    private const int PointsMax = 11_000;

    /// <summary>Most shards of one answer.</summary>
    private const int ShardBitsMax = 12;

    public Task StatsAsync(HttpContext http) => LokiAnswers.GuardAsync(http, async () =>
    {
        var request = await LokiRequest.ReadAsync(http);
        var (start, end) = request.Range(time, limits.For(http.Tenant()));
        var volumes = store.Volumes(http.Tenant(), LogQl.MatchersOf(request.Required("query")), start, end, http.RequestAborted);
        await LokiAnswers.JsonAsync(http, json => Stats(json, volumes));
    });

    public Task VolumeAsync(HttpContext http) => LokiAnswers.GuardAsync(http, async () =>
    {
        var request = await LokiRequest.ReadAsync(http);
        var (start, end) = request.Range(time, limits.For(http.Tenant()));
        long began = time.GetTimestamp();
        var totals = Totals(http, request, start, end, out var found);
        await ResultAsync(http, "vector", new LogQlStatistics(found, totals.Count, time.GetElapsedTime(began)), json =>
        {
            foreach (var (labels, bytes) in totals)
            {
                json.WriteStartObject();
                json.WritePropertyName("metric"u8);
                LokiAnswers.Labels(json, labels);
                json.WritePropertyName("value"u8);
                LokiAnswers.Point(json, end / 1_000_000, bytes);
                json.WriteEndObject();
            }
        });
    });

    public Task VolumeRangeAsync(HttpContext http) => LokiAnswers.GuardAsync(http, async () =>
    {
        var request = await LokiRequest.ReadAsync(http);
        var (start, end) = request.Range(time, limits.For(http.Tenant()));
        long step = request.Step(start, end);
        if ((end - start) / step > PointsMax) throw new QueryException(QueryErrorKind.BadData, "exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the step parameter");
        long began = time.GetTimestamp();
        var kept = Totals(http, request, start, end, out var found).Select(t => t.Labels).ToList();
        var points = kept.ToDictionary(l => l, _ => new SortedDictionary<int, long>());
        var query = QueryOf(http, request);
        foreach (var (stream, steps) in store.VolumesBySteps(http.Tenant(), query.Matchers, start, end, step, http.RequestAborted))
        {
            foreach (var group in query.GroupsOf(stream))
            {
                if (!points.TryGetValue(group, out var list)) continue;
                foreach (var (number, bytes) in steps) list[number] = list.GetValueOrDefault(number) + bytes;
            }
        }
        await ResultAsync(http, "matrix", new LogQlStatistics(found, kept.Count, time.GetElapsedTime(began)), json =>
        {
            foreach (var labels in kept)
            {
                json.WriteStartObject();
                json.WritePropertyName("metric"u8);
                LokiAnswers.Labels(json, labels);
                json.WriteStartArray("values"u8);
                foreach (var (number, bytes) in points[labels]) LokiAnswers.Point(json, Math.Min(end, start + ((number + 1) * step)) / 1_000_000, bytes);
                json.WriteEndArray();
                json.WriteEndObject();
            }
        });
    });

    /// <summary>
    /// Ranges of stream hashes that hold about as many bytes as asked for: all streams fall into exactly one.
    /// Source: the answer's form is Loki's, for its query planner.
    /// </summary>
    public Task ShardsAsync(HttpContext http) => LokiAnswers.GuardAsync(http, async () =>
    {
        var request = await LokiRequest.ReadAsync(http);
        var (start, end) = request.Range(time, limits.For(http.Tenant()));
        string target = request["targetBytesPerShard"] ?? "";
        if (target.Length == 0) throw new QueryException(QueryErrorKind.BadData, "missing targetBytesPerShard parameter");
        if ((!long.TryParse(target, out long bytesPerShard) && !ByteSize.TryParse(target, out bytesPerShard)) || bytesPerShard <= 0)
            throw new QueryException(QueryErrorKind.BadData, $"invalid targetBytesPerShard \"{target}\": use a size above 0, such as 600MB");
        var volumes = store.Volumes(http.Tenant(), LogQl.MatchersOf(request.Required("query")), start, end, http.RequestAborted);
        int bits = 0;
        while (bits < ShardBitsMax && volumes.Sum(v => v.Volume.Bytes) >> bits > bytesPerShard) bits++;
        var shards = volumes.GroupBy(v => bits == 0 ? 0 : (int)(LabelCodec.Hash(v.Stream.Encoded) >> (64 - bits))).ToDictionary(g => g.Key, g => g.ToList());
        await LokiAnswers.JsonAsync(http, json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("shards"u8);
            for (int i = 0; i < 1 << bits; i++)
            {
                json.WriteStartObject();
                json.WriteStartObject("bounds"u8);
                json.WriteNumber("min"u8, bits == 0 ? 0 : (ulong)i << (64 - bits));
                json.WriteNumber("max"u8, bits == 0 || i + 1 == 1 << bits ? ulong.MaxValue : ((ulong)(i + 1) << (64 - bits)) - 1);
                json.WriteEndObject();
                json.WritePropertyName("stats"u8);
                Stats(json, shards.GetValueOrDefault(i) ?? []);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        });
    });

    /// <summary>Bytes by what the request groups by, the largest first.</summary>
    /// <param name="found">Streams and blocks whose headers say so; none was read.</param>
    private List<(Labels Labels, long Bytes)> Totals(HttpContext http, LokiRequest request, long start, long end, out LogReadStatistics found)
    {
        found = default;
        var query = QueryOf(http, request);
        var totals = new Dictionary<Labels, long>();
        foreach (var (stream, volume) in store.Volumes(http.Tenant(), query.Matchers, start, end, http.RequestAborted))
        {
            found += default(LogReadStatistics) with { Streams = 1, Chunks = volume.Chunks };
            foreach (var group in query.GroupsOf(stream)) totals[group] = totals.GetValueOrDefault(group) + volume.Bytes;
        }
        return [.. totals.OrderByDescending(t => t.Value).ThenBy(t => t.Key).Take(query.Limit).Select(t => (t.Key, t.Value))];
    }

    private VolumeQuery QueryOf(HttpContext http, LokiRequest request)
    {
        var allowed = limits.For(http.Tenant()).Logs;
        if (!allowed.Volumes) throw new QueryException(QueryErrorKind.BadData, "volume endpoint is disabled; set volume_enabled");
        int limit = request.Limit();
        if (allowed.VolumeSeriesMax > 0) limit = Math.Min(limit, allowed.VolumeSeriesMax);
        var matchers = LogQl.Selector(request.Required("query"));
        var targets = (request["targetLabels"] ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        bool byName = request["aggregateBy"] switch
        {
            null or "" or "series" => false,
            "labels" => true,
            var other => throw new QueryException(QueryErrorKind.BadData, $"invalid aggregation option \"{other}\": use series or labels"),
        };
        return new VolumeQuery(matchers, targets.Length > 0 ? targets : byName ? [] : [.. matchers.Select(m => m.Name).Distinct(StringComparer.Ordinal)], byName, limit);
    }

    /// <summary>What a request asks volumes of.</summary>
    /// <param name="Names">Labels to group by; by name: those that count, none for all.</param>
    private sealed record VolumeQuery(IReadOnlyList<Matcher> Matchers, string[] Names, bool ByName, int Limit)
    {
        public IEnumerable<Labels> GroupsOf(Labels stream)
        {
            if (ByName) return stream.ToDictionary().Keys.Where(n => Names.Length == 0 || Names.Contains(n)).Select(NameOnly);
            // A selector without labels, which Logs Drilldown may send, asks for streams.
            var group = Names.Length == 0 ? stream : stream.Only(Names);
            return group.IsEmpty ? [] : [group];
        }
    }

    /// <summary>A label with an empty value: how Loki names a label in volumes by label.</summary>
    private static Labels NameOnly(string name)
    {
        byte[] utf8 = System.Text.Encoding.UTF8.GetBytes(name);
        byte[] encoded = new byte[LabelCodec.SizeOf(utf8.Length) + LabelCodec.SizeOf(0)];
        int at = LabelCodec.WriteString(encoded, utf8);
        LabelCodec.WriteString(encoded.AsSpan(at), []);
        return Labels.FromEncoded(encoded);
    }

    private static void Stats(Utf8JsonWriter json, IReadOnlyCollection<(Labels Stream, LogVolume Volume)> volumes)
    {
        json.WriteStartObject();
        json.WriteNumber("streams"u8, volumes.Count);
        json.WriteNumber("chunks"u8, volumes.Sum(v => v.Volume.Chunks));
        json.WriteNumber("entries"u8, volumes.Sum(v => v.Volume.Entries));
        json.WriteNumber("bytes"u8, volumes.Sum(v => v.Volume.Bytes));
        json.WriteEndObject();
    }

    private static Task ResultAsync(HttpContext http, string type, LogQlStatistics statistics, Action<Utf8JsonWriter> result) => LokiAnswers.SuccessAsync(http, json =>
    {
        json.WriteStartObject();
        json.WriteString("resultType"u8, type);
        json.WriteStartArray("result"u8);
        result(json);
        json.WriteEndArray();
        LokiStatistics.Write(json, statistics, "volumeResult");
        json.WriteEndObject();
    });
}
