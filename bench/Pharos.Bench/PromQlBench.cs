using System.CommandLine;
using System.Diagnostics;
using System.Globalization;

namespace Pharos.Bench;

/// <summary>
/// The same remote-written samples and the same queries in Pharos, Prometheus and VictoriaMetrics, alternating, result caches off:
/// time until the last byte of the answer, CPU of the process, and the memory that a query adds to a process that has just started.
/// </summary>
internal static class PromQlBench
{
    /// <summary>A small query is asked again and again for so long, so that its CPU can be told.</summary>
    private const double RepeatSeconds = 0.15;

    private const int RepeatMax = 40;

    public static Command Make(Option<string> pharos, Option<string> peers, Option<int> runs)
    {
        var hours = new Option<double>("--hours") { Description = "Hours of the families of 1,000 series, 15 s apart.", DefaultValueFactory = _ => 24 };
        var middle = new Option<double>("--middle-hours") { Description = "Hours of the families of 10,000 series, 1 m apart.", DefaultValueFactory = _ => 6 };
        var large = new Option<double>("--large-hours") { Description = "Hours of the family of 100,000 series, 1 m apart.", DefaultValueFactory = _ => 1 };
        var only = new Option<string>("--only") { Description = "Systems to ask.", DefaultValueFactory = _ => "Pharos,Prometheus,VictoriaMetrics" };
        var match = new Option<string>("--match") { Description = "Only queries whose name has this text.", DefaultValueFactory = _ => "" };
        var command = new Command("promql", "Asks Pharos, Prometheus and VictoriaMetrics the same queries over the same samples.") { hours, middle, large, only, match };
        command.SetAction(async parsed =>
        {
            var shape = new PromQlShape(parsed.GetValue(hours), parsed.GetValue(middle), parsed.GetValue(large));
            var started = new List<(string Name, Peer Peer)>();
            try
            {
                foreach (string name in parsed.GetValue(only)!.Split(',')) started.Add((name, await StartAsync(name, parsed.GetValue(pharos)!, parsed.GetValue(peers)!)));
                await RunAsync(started, shape, parsed.GetValue(match)!, parsed.GetValue(runs));
            }
            finally
            {
                foreach (var (_, peer) in started) peer.Dispose();
            }
        });
        return command;
    }

    private static Task<Peer> StartAsync(string name, string pharos, string folder) => name switch
    {
        "Pharos" => Peer.StartPharosAsync(pharos, "os"),
        "Prometheus" => Peer.StartPrometheusAsync(Path.Combine(folder, "prometheus")),
        "VictoriaMetrics" => Peer.StartVictoriaMetricsAsync(Path.Combine(folder, "victoria-metrics")),
        _ => throw new ArgumentException($"--only knows Pharos, Prometheus and VictoriaMetrics, not {name}"),
    };

    private static async Task RunAsync(IReadOnlyList<(string Name, Peer Peer)> peers, PromQlShape shape, string match, int runs)
    {
        var load = new PromQlLoad(shape, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
        long began = TimeProvider.System.GetTimestamp();
        await load.SendAsync([.. peers.Select(p => new Uri(p.Peer.Address, "api/v1/write"))]);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"loaded in {TimeProvider.System.GetElapsedTime(began).TotalSeconds:0} s"));
        var queries = PromQlQueries.Of(shape, load.EndMs).Where(q => q.Name.Contains(match, StringComparison.Ordinal)).ToArray();
        var results = new Dictionary<(string Query, string Peer), List<Measure>>();
        var memory = new Dictionary<(string Query, string Peer), long>();
        using var http = new HttpClient { Timeout = TimeSpan.FromMinutes(10) };
        for (int run = 0; run <= runs; run++)
        {
            foreach (var query in queries)
            {
                foreach (var (name, peer) in peers)
                {
                    var list = results.TryGetValue((query.Name, name), out var known) ? known : results[(query.Name, name)] = [];
                    int times = run == 0 ? 1 : (int)Math.Clamp(RepeatSeconds / list[^1].Seconds, 1, RepeatMax);
                    var measured = await MeasureAsync(http, peer, query.Paths, times);
                    list.Add(measured);
                    Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
                        $"  run {run} {query.Name} {name}: {measured.Seconds * 1000:0.0} ms, {measured.CpuSeconds * 1000:0.0} CPU ms, {measured.Bytes} bytes"));
                }
            }
        }
        foreach (var query in queries.Where(q => q.IsLarge))
        {
            foreach (var (name, peer) in peers)
            {
                await peer.StopAsync();
                await peer.StartAgainAsync();
                await MeasureAsync(http, peer, [PromQlQueries.WarmUp], 1);
                memory[(query.Name, name)] = await MemoryAsync(http, peer, query.Paths);
                Console.Error.WriteLine($"  memory {query.Name} {name}: {memory[(query.Name, name)] >> 10} KiB");
            }
        }
        Report(queries, [.. peers.Select(p => p.Name)], results, memory);
    }

    private static async Task<Measure> MeasureAsync(HttpClient http, Peer peer, string[] paths, int times)
    {
        double cpu = peer.CpuSeconds;
        long started = Stopwatch.GetTimestamp();
        long bytes = 0;
        for (int i = 0; i < times; i++) bytes = await AskAsync(http, peer, paths);
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        return new Measure(seconds / times, (peer.CpuSeconds - cpu) / times, bytes);
    }

    private static async Task<long> AskAsync(HttpClient http, Peer peer, string[] paths)
    {
        long[] lengths = await Task.WhenAll(paths.Select(async path =>
        {
            using var response = await http.GetAsync(new Uri(peer.Address, path));
            byte[] body = await response.Content.ReadAsByteArrayAsync();
            if (!response.IsSuccessStatusCode) throw new InvalidOperationException($"{path}: {(int)response.StatusCode} {System.Text.Encoding.UTF8.GetString(body)}");
            return (long)body.Length;
        }));
        return lengths.Sum();
    }

    /// <summary>How far the process's anonymous memory rises above where it was; what it maps from files is the page cache's.</summary>
    private static async Task<long> MemoryAsync(HttpClient http, Peer peer, string[] paths)
    {
        long before = peer.AnonymousBytes, most = before;
        var asked = AskAsync(http, peer, paths);
        while (!asked.IsCompleted)
        {
            most = Math.Max(most, peer.AnonymousBytes);
            await Task.WhenAny(asked, Task.Delay(TimeSpan.FromMilliseconds(2), TimeProvider.System));
        }
        await asked;
        return Math.Max(most, peer.AnonymousBytes) - before;
    }

    private static void Report(
        IReadOnlyList<BenchQuery> queries, string[] peers, Dictionary<(string Query, string Peer), List<Measure>> results, Dictionary<(string Query, string Peer), long> memory)
    {
        Console.WriteLine("\nFirst run (cold) and middle of the others (warm), wall milliseconds; CPU milliseconds (warm); memory that the query adds to a fresh process, MiB.\n");
        Console.WriteLine($"| query | {string.Join(" | ", peers.Select(p => $"{p} cold / warm / CPU / MiB"))} | {string.Join(" | ", peers.Skip(1).Select(p => $"{p} : {peers[0]} (wall, CPU)"))} |");
        Console.WriteLine($"|---|{string.Concat(Enumerable.Repeat("---:|", (peers.Length * 2) - 1))}");
        var ratios = peers.Skip(1).ToDictionary(p => p, _ => (Wall: new List<double>(), Cpu: new List<double>()));
        foreach (var query in queries)
        {
            var warm = peers.ToDictionary(p => p, p => Measure.Middle(results[(query.Name, p)].Skip(1)));
            var cells = peers.Select(p => string.Create(
                CultureInfo.InvariantCulture,
                $"{results[(query.Name, p)][0].Seconds * 1000:0} / {warm[p].Seconds * 1000:0.0} / {warm[p].CpuSeconds * 1000:0.0} / {(memory.TryGetValue((query.Name, p), out long bytes) ? $"{bytes / 1048576.0:0}" : "–")}"));
            var compared = peers.Skip(1).Select(p =>
            {
                double wall = warm[p].Seconds / warm[peers[0]].Seconds, cpu = Math.Max(0.0005, warm[p].CpuSeconds) / Math.Max(0.0005, warm[peers[0]].CpuSeconds);
                if (!query.GrowthOnly)
                {
                    ratios[p].Wall.Add(wall);
                    ratios[p].Cpu.Add(cpu);
                }
                return string.Create(CultureInfo.InvariantCulture, $"{wall:0.00}, {cpu:0.00}");
            });
            Console.WriteLine($"| {query.Name} | {string.Join(" | ", cells.Concat(compared))} |");
        }
        foreach (var (peer, (wall, cpu)) in ratios)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"geometric mean, {peer} : {peers[0]}: wall {Mean(wall):0.00}, CPU {Mean(cpu):0.00}"));

        ReportGrowth(queries, peers, results);

        static double Mean(List<double> values) => Math.Exp(values.Average(Math.Log));
    }

    /// <summary>CPU of one query over more and more series, or a longer and longer range.</summary>
    private static void ReportGrowth(IReadOnlyList<BenchQuery> queries, string[] peers, Dictionary<(string Query, string Peer), List<Measure>> results)
    {
        var rows = queries.Where(q => q.Growth is not null).GroupBy(q => q.Growth!).Where(g => g.Count() > 1).ToList();
        if (rows.Count == 0) return;
        Console.WriteLine("\nCPU milliseconds (warm) of the sum by rate as it grows.\n");
        foreach (var row in rows)
        {
            Console.WriteLine($"| {row.Key} | {string.Join(" | ", row.Select(q => q.Name.Replace("sum by rate, ", "", StringComparison.Ordinal)))} |");
            Console.WriteLine($"|---|{string.Concat(Enumerable.Repeat("---:|", row.Count()))}");
            foreach (string peer in peers)
            {
                var cpu = row.Select(q => string.Create(CultureInfo.InvariantCulture, $"{Measure.Middle(results[(q.Name, peer)].Skip(1)).CpuSeconds * 1000:0.0}"));
                Console.WriteLine($"| {peer} | {string.Join(" | ", cpu)} |");
            }
        }
    }

    /// <summary>One asking of a query, or the mean of several.</summary>
    private sealed record Measure(double Seconds, double CpuSeconds, long Bytes)
    {
        public static Measure Middle(IEnumerable<Measure> runs)
        {
            var all = runs.ToArray();
            return new Measure(Of(all.Select(r => r.Seconds)), Of(all.Select(r => r.CpuSeconds)), all[0].Bytes);
        }

        private static double Of(IEnumerable<double> values)
        {
            var sorted = values.Order().ToArray();
            return sorted[sorted.Length / 2];
        }
    }
}
