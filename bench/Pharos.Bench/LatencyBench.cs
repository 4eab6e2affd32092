using System.CommandLine;
using System.Globalization;

namespace Pharos.Bench;

/// <summary>How long a push takes at a steady rate while heavy queries run without pause, in each system.</summary>
internal static class LatencyBench
{
    private const int Series = 100_000;

    /// <summary>Each is asked again as soon as it was answered.</summary>
    private static readonly string[] Heavy =
    [
        "histogram_quantile(0.95, sum by (job, le) (rate(http_request_duration_seconds_bucket[5m])))",
        "max by (namespace, __name__) ({__name__=~\"process_work_.*|node_state_.*\"})",
    ];

    public static Command Make(Option<string> pharos, Option<string> peers)
    {
        var only = new Option<string>("--only") { Description = "Systems to run.", DefaultValueFactory = _ => "Pharos,Prometheus,VictoriaMetrics" };
        var rate = new Option<double>("--rate") { Description = "Samples per second.", DefaultValueFactory = _ => 100_000 };
        var scrapes = new Option<int>("--scrapes") { Description = "Scrapes that are measured, of 100,000 series each.", DefaultValueFactory = _ => 60 };
        var command = new Command("latency", "Push latency at a steady rate while heavy queries run: median, 99 % and worst.") { only, rate, scrapes };
        command.SetAction(async parsed =>
        {
            Console.WriteLine("| | queries | push median ms | 99 % | worst | queries answered |");
            Console.WriteLine("|---|---|---:|---:|---:|---:|");
            foreach (bool queries in (bool[])[false, true])
            {
                foreach (string name in parsed.GetValue(only)!.Split(','))
                {
                    // Made anew for each: the systems refuse what is too old.
                    using var load = SpooledLoad.Make(
                        new LoadShape(Series, parsed.GetValue(scrapes) + 1, TimeSpan.FromSeconds(15), ChurnPercent: 0, Senders: 2, Seed: 1),
                        TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
                    using var peer = name switch
                    {
                        "Pharos" => await Peer.StartPharosAsync(parsed.GetValue(pharos)!, "always"),
                        "Prometheus" => await Peer.StartPrometheusAsync(Path.Combine(parsed.GetValue(peers)!, "prometheus")),
                        _ => await Peer.StartVictoriaMetricsAsync(Path.Combine(parsed.GetValue(peers)!, "victoria-metrics")),
                    };
                    var (pace, answered) = await MeasureAsync(peer, load, parsed.GetValue(rate), queries);
                    Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                        $"| {name} | {(queries ? "two at a time" : "none")} | {pace.Quantile(0.5):0.0} | {pace.Quantile(0.99):0.0} | {pace.Quantile(1):0.0} | {answered} |"));
                }
            }
        });
        return command;
    }

    private static async Task<(Pace Pace, long Answered)> MeasureAsync(Peer peer, SpooledLoad load, double rate, bool queries)
    {
        var target = new Uri(peer.Address, "api/v1/write");
        await load.SendAsync(target, firstScrape: true);
        using var done = new CancellationTokenSource();
        var asking = queries ? Heavy.Select(q => Task.Run(() => AskAsync(peer.Address, q, done.Token))).ToArray() : [];
        var pace = new Pace(rate / SpooledLoad.SamplesPerRequest);
        await load.SendAsync(target, firstScrape: false, pace);
        await done.CancelAsync();
        return (pace, (await Task.WhenAll(asking)).Sum());
    }

    /// <summary>Asks for the last quarter of an hour until told to stop; returns how often there was an answer.</summary>
    private static async Task<long> AskAsync(Uri address, string query, CancellationToken cancel)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromMinutes(5) };
        long answered = 0;
        while (!cancel.IsCancellationRequested)
        {
            long now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
            var url = new Uri(address, $"api/v1/query_range?query={Uri.EscapeDataString(query)}&start={now - 900}&end={now}&step=15&nocache=1");
            try
            {
                using var answer = await http.GetAsync(url, cancel);
                if (!answer.IsSuccessStatusCode) throw new InvalidOperationException($"{url} answered {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync(cancel)}");
                await answer.Content.CopyToAsync(Stream.Null, cancel);
                answered++;
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                break;
            }
        }
        return answered;
    }
}
