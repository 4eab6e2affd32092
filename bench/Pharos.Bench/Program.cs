using System.CommandLine;
using System.Diagnostics;
using Pharos.Bench;

var pharos = new Option<string>("--pharos") { Description = "The pharos program.", DefaultValueFactory = _ => "pharos", Recursive = true };
var prometheus = new Option<string>("--prometheus")
{
    Description = "The prometheus program. Default: in the folder PHAROS_PEERS, else on the PATH.",
    DefaultValueFactory = _ => Environment.GetEnvironmentVariable("PHAROS_PEERS") is { } peers ? Path.Combine(peers, "prometheus") : "prometheus",
    Recursive = true,
};
var runs = new Option<int>("--runs") { Description = "Counted runs of each, alternating.", DefaultValueFactory = _ => 3, Recursive = true };

var series = new Option<int>("--series") { DefaultValueFactory = _ => 10_000 };
var scrapes = new Option<int>("--scrapes") { DefaultValueFactory = _ => 100 };
var sync = new Option<string>("--sync") { Description = "Pharos's sync policy: always, interval or os.", DefaultValueFactory = _ => "always" };
var remoteWrite = new Command("remote-write", "Remote-writes the same samples into Pharos and into Prometheus.") { series, scrapes, sync };
remoteWrite.SetAction(async parsed =>
{
    long now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
    var load = RemoteWriteLoad.Make(parsed.GetValue(series), parsed.GetValue(scrapes), senders: 2, now, seed: 1);
    Console.WriteLine($"{load.Samples} samples over {parsed.GetValue(series)} series, {load.Requests.Sum(r => r.Sum(b => (long)b.Length)) >> 10} KiB of requests");
    var results = new Dictionary<string, List<Figures>> { ["Pharos"] = [], ["Prometheus"] = [] };
    for (int run = 0; run < parsed.GetValue(runs); run++)
    {
        using (var peer = await Peer.StartPharosAsync(parsed.GetValue(pharos)!, parsed.GetValue(sync)!))
            results["Pharos"].Add(await Figures.MeasureAsync(peer, load, "api/v1/push"));
        using (var peer = await Peer.StartPrometheusAsync(parsed.GetValue(prometheus)!))
            results["Prometheus"].Add(await Figures.MeasureAsync(peer, load, "api/v1/write"));
    }
    Console.WriteLine();
    Console.WriteLine("| | samples per CPU-second | samples/s | resident MiB | disk MiB |");
    Console.WriteLine("|---|---:|---:|---:|---:|");
    var medians = results.ToDictionary(r => r.Key, r => Figures.Median(r.Value));
    foreach (var (name, figures) in medians)
        Console.WriteLine($"| {name} | {figures.SamplesPerCpuSecond:0} | {figures.SamplesPerSecond:0} | {figures.ResidentBytes / 1048576.0:0.0} | {figures.DiskBytes / 1048576.0:0.0} |");
    var (ours, theirs) = (medians["Pharos"], medians["Prometheus"]);
    Console.WriteLine($"| ratio | {ours.SamplesPerCpuSecond / theirs.SamplesPerCpuSecond:0.00} | {ours.SamplesPerSecond / theirs.SamplesPerSecond:0.00} | {ours.ResidentBytes / (double)theirs.ResidentBytes:0.00} | {ours.DiskBytes / (double)theirs.DiskBytes:0.00} |");
});

var blockSize = new Command("block-size", "Bytes of a sample in blocks: 2,000 series, one day of scrapes at 15 s, after each program merged its blocks. Takes a quarter of an hour.");
blockSize.SetAction(async parsed =>
{
    var load = RemoteWriteLoad.Make(series: 2000, scrapes: 24 * 240, senders: 2, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(), seed: 1);
    using var ours = await Peer.StartPharosAsync(parsed.GetValue(pharos)!, "os");
    using var theirs = await Peer.StartPrometheusAsync(parsed.GetValue(prometheus)!);
    await load.SendAsync(new Uri(ours.Address, "api/v1/push"));
    await load.SendAsync(new Uri(theirs.Address, "api/v1/write"));
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
        long started = Stopwatch.GetTimestamp();
        using var peer = await Peer.StartPharosAsync(parsed.GetValue(pharos)!, "always");
        if (run > 0) seconds.Add(TimeProvider.System.GetElapsedTime(started).TotalSeconds);
    }
    seconds.Sort();
    Console.WriteLine($"empty server ready after {seconds[seconds.Count / 2]:0.000} s (median of {seconds.Count}; {seconds[0]:0.000} to {seconds[^1]:0.000})");
});

var root = new RootCommand("Whole-process benches, side by side with the system that Pharos stands in for.") { remoteWrite, blockSize, startup };
foreach (Option option in new Option[] { pharos, prometheus, runs }) root.Options.Add(option);
return await root.Parse(args).InvokeAsync();
