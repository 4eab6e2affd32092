using System.CommandLine;
using System.Globalization;

namespace Pharos.Bench;

/// <summary>The same remote-write load into Pharos, Prometheus and VictoriaMetrics, alternating; prints a markdown table.</summary>
internal static class MetricsBench
{
    public static Command Make(Option<string> pharos, Option<string> peers, Option<int> runs)
    {
        var series = new Option<int>("--series") { Description = "Active series.", DefaultValueFactory = _ => 100_000 };
        var scrapes = new Option<int>("--scrapes") { DefaultValueFactory = _ => 60 };
        var step = new Option<string>("--step") { Description = "Time between scrapes, as 15s.", DefaultValueFactory = _ => "15s" };
        var churn = new Option<double>("--churn") { Description = "Percent of the targets that are replaced after every tenth scrape." };
        var million = new Option<bool>("--million") { Description = "1,000,000 series, 10 scrapes." };
        var twoHours = new Option<bool>("--two-hours") { Description = "1,000,000 series, or as many as --series says, with two hours of head: 120 scrapes every 60 s. Some minutes and 3 GB of disk for a system." };
        var sync = new Option<string>("--sync") { Description = "Pharos's sync policy: always, interval or os.", DefaultValueFactory = _ => "always" };
        var only = new Option<string>("--only") { Description = "Systems to run, of pharos,prometheus,victoria-metrics.", DefaultValueFactory = _ => "pharos,prometheus,victoria-metrics" };
        var command = new Command("metrics", "Remote-writes counters, gauges and classic histograms into Pharos, Prometheus and VictoriaMetrics.")
            { series, scrapes, step, churn, million, twoHours, sync, only };
        command.SetAction(async parsed =>
        {
            if (!Core.PromDuration.TryParse(parsed.GetValue(step)!, out var every, out string? wrong))
            {
                Console.Error.WriteLine($"--step: {wrong}");
                return 1;
            }
            bool large = parsed.GetValue(million), old = parsed.GetValue(twoHours);
            bool isGiven = parsed.GetResult(series) is { Implicit: false };
            var shape = new LoadShape(
                large || (old && !isGiven) ? 1_000_000 : parsed.GetValue(series),
                large ? 10 : old ? 120 : parsed.GetValue(scrapes),
                old ? TimeSpan.FromMinutes(1) : every, parsed.GetValue(churn), Senders: 2, Seed: 1);
            var names = parsed.GetValue(only)!.Split(',', StringSplitOptions.TrimEntries);
            await RunAsync(shape, names, parsed.GetValue(pharos)!, parsed.GetValue(peers)!, parsed.GetValue(sync)!, parsed.GetValue(runs));
            return 0;
        });
        return command;
    }

    private static async Task RunAsync(LoadShape shape, string[] names, string pharos, string peers, string sync, int runs)
    {
        var results = names.ToDictionary(n => n, _ => new List<Figures>());
        for (int run = 0; run < runs; run++)
        {
            // Made anew for each run: the systems refuse, or cut into blocks, what is too old.
            using var load = SpooledLoad.Make(shape, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
            if (run == 0)
                Console.WriteLine($"{load.Samples} samples, {load.Active} active series, {load.SeriesEver} ever, {shape.Scrapes} scrapes every {shape.Step.TotalSeconds} s, {load.BodyBytes >> 20} MiB of requests");
            foreach (string name in names)
            {
                using var peer = name switch
                {
                    "pharos" => await Peer.StartPharosAsync(pharos, sync),
                    "prometheus" => await Peer.StartPrometheusAsync(Path.Combine(peers, "prometheus")),
                    "victoria-metrics" => await Peer.StartVictoriaMetricsAsync(Path.Combine(peers, "victoria-metrics")),
                    _ => throw new ArgumentException($"--only: {name} is none of pharos, prometheus, victoria-metrics"),
                };
                results[name].Add(await Figures.MeasureAsync(peer, load, load.Active, "api/v1/write"));
            }
        }
        Print(results);
    }

    private static void Print(Dictionary<string, List<Figures>> results)
    {
        var others = results.Keys.Where(n => n != "pharos" && results.ContainsKey("pharos")).ToList();
        Console.WriteLine();
        Console.WriteLine("| | " + string.Join(" | ", results.Keys) + string.Concat(others.Select(o => $" | pharos ÷ {o}")) + " |");
        Console.WriteLine("|---|" + string.Concat(Enumerable.Repeat("---:|", results.Count + others.Count)));
        foreach (var (row, of, format) in Figures.Rows)
        {
            var medians = results.ToDictionary(r => r.Key, r => Figures.Median(r.Value.Select(of)));
            var cells = medians.Values.Select(v => v.ToString(format, CultureInfo.InvariantCulture))
                .Concat(others.Select(o => (medians["pharos"] / medians[o]).ToString("0.00", CultureInfo.InvariantCulture)));
            Console.WriteLine($"| {row} | {string.Join(" | ", cells)} |");
        }
    }
}
