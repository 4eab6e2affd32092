using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Pharos.Core;
using Pharos.Wire.RemoteWrite;

namespace Pharos.Bench;

/// <summary>
/// The same remote-written samples and the same queries in Pharos, Prometheus and VictoriaMetrics, alternating, result caches off:
/// time until the last byte of the answer, CPU of the process, and its peak memory while it answers.
/// </summary>
internal static class PromQlBench
{
    private const long IntervalMs = 15_000;
    private const int SeriesPerRequest = 2000;

    public static Command Make(Option<string> pharos, Option<string> peers, Option<int> runs)
    {
        var series = new Option<int>("--series") { Description = "Series of each of the three families.", DefaultValueFactory = _ => 1000 };
        var hours = new Option<int>("--hours") { Description = "Hours of samples, 15 s apart.", DefaultValueFactory = _ => 24 };
        var command = new Command("promql", "Asks Pharos, Prometheus and VictoriaMetrics the same queries over the same samples.") { series, hours };
        command.SetAction(parsed => RunAsync(
            parsed.GetValue(pharos)!, parsed.GetValue(peers)!, parsed.GetValue(series), parsed.GetValue(hours), parsed.GetValue(runs)));
        return command;
    }

    private static async Task RunAsync(string pharos, string folder, int series, int hours, int runs)
    {
        using var ours = await Peer.StartPharosAsync(pharos, "os");
        using var theirs = await Peer.StartPrometheusAsync(Path.Combine(folder, "prometheus"));
        using var third = await Peer.StartVictoriaMetricsAsync(Path.Combine(folder, "victoria-metrics"));
        var peers = new (string Name, Peer Peer, string Write)[] { ("Pharos", ours, "api/v1/push"), ("Prometheus", theirs, "api/v1/write"), ("VictoriaMetrics", third, "api/v1/write") };
        long end = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() / IntervalMs * IntervalMs;
        long start = end - (hours * 3_600_000L);
        await FillAsync(peers, series, start, end);
        var queries = Queries(series, start, end).ToArray();
        var results = new Dictionary<(string Query, string Peer), List<Measure>>();
        using var http = new HttpClient { Timeout = TimeSpan.FromMinutes(10) };
        for (int run = 0; run <= runs; run++)
        {
            foreach (var query in queries)
            {
                foreach (var (name, peer, _) in peers)
                {
                    var measured = await MeasureAsync(http, peer, query.Paths);
                    var list = results.TryGetValue((query.Name, name), out var known) ? known : results[(query.Name, name)] = [];
                    list.Add(measured);
                    Console.Error.WriteLine($"  run {run} {query.Name} {name}: {measured.Seconds * 1000:0.0} ms, {measured.CpuSeconds * 1000:0} CPU ms, {measured.Bytes} bytes");
                }
            }
        }
        Report(queries.Select(q => q.Name), peers.Select(p => p.Name).ToArray(), results);
    }

    /// <summary>Counters, a gauge and buckets, the same samples for all, one scrape after the other.</summary>
    private static async Task FillAsync((string Name, Peer Peer, string Write)[] peers, int series, long start, long end)
    {
        var random = new Random(1);
        var labels = new List<Labels>();
        for (int i = 0; i < series; i++)
        {
            labels.Add(Labels.Of(
                ("__name__", "http_requests_total"), ("instance", $"10.0.{i / 100}.{i % 100}:9100"), ("job", $"service-{i % 20}"), ("path", $"/p{i % 50}"),
                ("code", i % 7 == 0 ? "500" : "200")));
        }
        for (int i = 0; i < series; i++) labels.Add(Labels.Of(("__name__", "memory_bytes"), ("instance", $"10.0.{i / 100}.{i % 100}:9100"), ("job", $"service-{i % 20}")));
        string[] bounds = ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "+Inf"];
        for (int i = 0; i < series; i++)
        {
            labels.Add(Labels.Of(
                ("__name__", "latency_seconds_bucket"), ("instance", $"10.0.{i / 1000}.{i / 10 % 100}:9100"), ("job", $"service-{i / 10 % 20}"), ("le", bounds[i % 10])));
        }
        var values = new double[labels.Count];
        using var http = new HttpClient { Timeout = TimeSpan.FromMinutes(5) };
        using var encoder = new RemoteWriteEncoder();
        using var batch = new MetricBatch();
        for (long at = start; at <= end; at += IntervalMs)
        {
            for (int from = 0; from < labels.Count; from += SeriesPerRequest)
            {
                batch.Clear();
                for (int i = from; i < Math.Min(labels.Count, from + SeriesPerRequest); i++)
                {
                    if (i < series) values[i] += random.Next(100);
                    else if (i < 2 * series) values[i] = 1e9 + random.Next(1 << 20);
                    else values[i] = (i % 10 == 0 ? 0 : values[i - 1]) + (at / 1000 % 100_000) + random.Next(10);
                    batch.AddSample(batch.AddSeries(labels[i]), at, values[i]);
                }
                byte[] body = encoder.Encode(batch, RemoteWriteVersion.V1).ToArray();
                await Task.WhenAll(peers.Select(p => SendAsync(http, new Uri(p.Peer.Address, p.Write), body)));
            }
        }
        Console.WriteLine($"{labels.Count} series, {labels.Count * (((end - start) / IntervalMs) + 1)} samples over {(end - start) / 3_600_000} h");
    }

    private static async Task SendAsync(HttpClient http, Uri target, byte[] body)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.Add("Content-Type", RemoteWriteHeaders.ContentType(RemoteWriteVersion.V1));
        content.Headers.Add("Content-Encoding", "snappy");
        using var request = new HttpRequestMessage(HttpMethod.Post, target) { Content = content };
        request.Headers.Add(RemoteWriteHeaders.Version, RemoteWriteHeaders.VersionValue(RemoteWriteVersion.V1));
        using var response = await http.SendAsync(request);
        if (!response.IsSuccessStatusCode) throw new InvalidOperationException($"{target} answered {(int)response.StatusCode}: {await response.Content.ReadAsStringAsync()}");
    }

    private static IEnumerable<(string Name, string[] Paths)> Queries(int series, long start, long end)
    {
        long s = start / 1000, e = end / 1000;
        string whole = $"start={s}&end={e}", six = $"start={e - Math.Min(e - s, 21_600)}&end={e}";
        int few = series / 10;
        yield return ("one series, whole range at 1 m", [Range("http_requests_total{instance=\"10.0.0.1:9100\"}", whole, 60)]);
        yield return ($"sum by rate, {series} series, instant", [Instant("sum by (job) (rate(http_requests_total[5m]))")]);
        yield return ($"sum by rate, {series} series, 6 h at 1 m", [Range("sum by (job) (rate(http_requests_total[5m]))", six, 60)]);
        yield return ($"sum by rate, {few} series, 6 h at 1 m", [Range("sum by (job) (rate(http_requests_total{job=~\"service-[12]\"}[5m]))", six, 60)]);
        yield return ($"topk of rate, {series} series, 6 h at 1 m", [Range("topk(5, rate(http_requests_total[5m]))", six, 60)]);
        yield return ($"histogram_quantile, {series} buckets, 6 h at 1 m", [Range("histogram_quantile(0.95, sum by (le, job) (rate(latency_seconds_bucket[5m])))", six, 60)]);
        yield return ("selective regular expression, instant", [Instant("sum(http_requests_total{instance=~\"10.0.0.1[0-9]:9100\"})")]);
        yield return ("unselective regular expression, instant", [Instant("count(http_requests_total{instance=~\".*9100\", path!~\"/p1.*\"})")]);
        yield return ($"binary operation, {series} by {series} series, 6 h at 5 m", [Range("sum(http_requests_total / on (instance, job) group_left memory_bytes)", six, 300)]);
        yield return ("sub-query", [Instant("max_over_time(sum by (job) (rate(http_requests_total[5m]))[3h:1m])")]);
        yield return ("avg_over_time 1 h, 6 h at 1 m", [Range("sum by (job) (avg_over_time(memory_bytes[1h]))", six, 60)]);
        yield return ("quantile_over_time 1 h, 6 h at 1 m", [Range("max by (job) (quantile_over_time(0.9, memory_bytes[1h]))", six, 60)]);
        yield return ("sum by, whole range at 15 m", [Range("sum by (job) (http_requests_total)", whole, 900)]);
        yield return ($"label values, {series}", [$"api/v1/label/instance/values?{whole}"]);
        yield return ("dashboard of 20 panels at once",
        [
            .. Enumerable.Range(0, 20).Select(i => Range($"sum by (path) (rate(http_requests_total{{job=\"service-{i}\"}}[5m]))", six, 60)),
        ]);

        // nocache: VictoriaMetrics keeps results; the others do not know the parameter.
        string Instant(string query) => $"api/v1/query?query={Uri.EscapeDataString(query)}&time={e}&nocache=1";
        string Range(string query, string range, int step) => $"api/v1/query_range?query={Uri.EscapeDataString(query)}&{range}&step={step}&nocache=1";
    }

    private static async Task<Measure> MeasureAsync(HttpClient http, Peer peer, string[] paths)
    {
        peer.ResetPeak();
        double cpu = peer.CpuSeconds;
        long before = peer.ResidentBytes;
        long started = Stopwatch.GetTimestamp();
        int[] lengths = await Task.WhenAll(paths.Select(async path =>
        {
            using var response = await http.GetAsync(new Uri(peer.Address, path));
            byte[] body = await response.Content.ReadAsByteArrayAsync();
            if (!response.IsSuccessStatusCode) throw new InvalidOperationException($"{path}: {(int)response.StatusCode} {System.Text.Encoding.UTF8.GetString(body)}");
            return body.Length;
        }));
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        return new Measure(seconds, peer.CpuSeconds - cpu, Math.Max(0, peer.PeakBytes - before), lengths.Sum());
    }

    private static void Report(IEnumerable<string> queries, string[] peers, Dictionary<(string Query, string Peer), List<Measure>> results)
    {
        Console.WriteLine("\nFirst run (cold) and middle of the others (warm), wall milliseconds; CPU milliseconds (warm); memory above the resting process, MiB.\n");
        Console.WriteLine($"| query | {string.Join(" | ", peers.Select(p => $"{p} cold / warm / CPU / MiB"))} | Prometheus : Pharos (wall, CPU) | VictoriaMetrics : Pharos (wall, CPU) |");
        Console.WriteLine($"|---|{string.Concat(Enumerable.Repeat("---:|", peers.Length + 2))}");
        var ratios = peers.Skip(1).ToDictionary(p => p, _ => (Wall: new List<double>(), Cpu: new List<double>()));
        foreach (string query in queries)
        {
            var warm = peers.ToDictionary(p => p, p => Measure.Middle(results[(query, p)].Skip(1)));
            var cells = peers.Select(p => string.Create(
                CultureInfo.InvariantCulture,
                $"{results[(query, p)][0].Seconds * 1000:0} / {warm[p].Seconds * 1000:0.0} / {warm[p].CpuSeconds * 1000:0} / {warm[p].PeakBytes / 1048576.0:0}"));
            var compared = peers.Skip(1).Select(p =>
            {
                double wall = warm[p].Seconds / warm[peers[0]].Seconds, cpu = Math.Max(0.005, warm[p].CpuSeconds) / Math.Max(0.005, warm[peers[0]].CpuSeconds);
                ratios[p].Wall.Add(wall);
                ratios[p].Cpu.Add(cpu);
                return string.Create(CultureInfo.InvariantCulture, $"{wall:0.00}, {cpu:0.00}");
            });
            Console.WriteLine($"| {query} | {string.Join(" | ", cells)} | {string.Join(" | ", compared)} |");
        }
        foreach (var (peer, (wall, cpu)) in ratios)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"geometric mean, {peer} : Pharos: wall {Mean(wall):0.00}, CPU {Mean(cpu):0.00}"));

        static double Mean(List<double> values) => Math.Exp(values.Average(Math.Log));
    }

    /// <summary>One asking of a query.</summary>
    private sealed record Measure(double Seconds, double CpuSeconds, long PeakBytes, long Bytes)
    {
        public static Measure Middle(IEnumerable<Measure> runs)
        {
            var all = runs.ToArray();
            return new Measure(Of(all.Select(r => r.Seconds)), Of(all.Select(r => r.CpuSeconds)), (long)Of(all.Select(r => (double)r.PeakBytes)), all[0].Bytes);
        }

        private static double Of(IEnumerable<double> values)
        {
            var sorted = values.Order().ToArray();
            return sorted[sorted.Length / 2];
        }
    }
}
