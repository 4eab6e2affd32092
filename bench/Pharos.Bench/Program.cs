using System.CommandLine;
using Pharos.Bench;
using Pharos.Bench.Logs;

var pharos = new Option<string>("--pharos") { Description = "The pharos program.", DefaultValueFactory = _ => "pharos", Recursive = true };
var peers = new Option<string>("--peers")
{
    Description = "Folder of prometheus and victoria-metrics.",
    DefaultValueFactory = _ => Environment.GetEnvironmentVariable("PHAROS_PEERS") ?? "",
    Recursive = true,
};
var runs = new Option<int>("--runs") { Description = "Counted runs of each, alternating.", DefaultValueFactory = _ => 3, Recursive = true };

var daySeries = new Option<int>("--series") { Description = "Series, each with a sample every 15 s for one day.", DefaultValueFactory = _ => 2000 };
var blockSize = new Command("block-size", "Bytes of a sample in blocks after Pharos and Prometheus have merged theirs. Waits for that: some ten minutes.") { daySeries };
blockSize.SetAction(async parsed =>
{
    using var load = SpooledLoad.Make(
        new LoadShape(parsed.GetValue(daySeries), Scrapes: 24 * 240, Step: TimeSpan.FromSeconds(15), ChurnPercent: 0, Senders: 2, Seed: 1),
        TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
    using var ours = await Peer.StartPharosAsync(parsed.GetValue(pharos)!, "os");
    using var theirs = await Peer.StartPrometheusAsync(Path.Combine(parsed.GetValue(peers)!, "prometheus"));
    foreach (var peer in new[] { ours, theirs })
    {
        await load.SendAsync(new Uri(peer.Address, "api/v1/write"), firstScrape: true);
        await load.SendAsync(new Uri(peer.Address, "api/v1/write"), firstScrape: false);
    }
    Console.WriteLine("| | blocks | samples in blocks | bytes | bytes per sample |");
    Console.WriteLine("|---|---:|---:|---:|---:|");
    foreach (var (name, folder) in new[] { ("Pharos", Path.Combine(ours.DataFolder, "metrics", "anonymous")), ("Prometheus", theirs.DataFolder) })
    {
        var found = await BlockBytes.OnceSettledAsync(folder);
        Console.WriteLine($"| {name} | {found.Blocks} | {found.Samples} | {found.Bytes} | {found.PerSample:0.000} |");
    }
});

var startup = new Command("startup", "Time from starting an empty server to its first ready answer.");
startup.SetAction(async parsed =>
{
    var seconds = new List<double>();
    for (int run = 0; run < parsed.GetValue(runs) + 1; run++)
    {
        long started = TimeProvider.System.GetTimestamp();
        using var peer = await Peer.StartPharosAsync(parsed.GetValue(pharos)!, "always");
        if (run > 0) seconds.Add(TimeProvider.System.GetElapsedTime(started).TotalSeconds);
    }
    seconds.Sort();
    Console.WriteLine($"empty server ready after {seconds[seconds.Count / 2]:0.000} s (median of {seconds.Count}; {seconds[0]:0.000} to {seconds[^1]:0.000})");
});

var root = new RootCommand("Whole-process benches, side by side with the systems that Pharos stands in for.")
{
    MetricsBench.Make(pharos, peers, runs), LatencyBench.Make(pharos, peers), IsolationBench.Make(pharos), blockSize, startup, PromQlBench.Make(pharos, peers, runs), LogsBench.Make(pharos, runs), TailBench.Make(pharos),
};
foreach (Option option in new Option[] { pharos, peers, runs }) root.Options.Add(option);
return await root.Parse(args).InvokeAsync();
