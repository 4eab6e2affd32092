using System.CommandLine;
using Pharos.Bench;

var pharos = new Option<string>("--pharos") { Description = "The pharos program.", DefaultValueFactory = _ => "pharos", Recursive = true };
var peers = new Option<string>("--peers")
{
    Description = "Folder of prometheus and victoria-metrics.",
    DefaultValueFactory = _ => Environment.GetEnvironmentVariable("PHAROS_PEERS") ?? "",
    Recursive = true,
};
var runs = new Option<int>("--runs") { Description = "Counted runs of each, alternating.", DefaultValueFactory = _ => 3, Recursive = true };

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
    MetricsBench.Make(pharos, peers, runs), startup, PromQlBench.Make(pharos, peers, runs),
};
foreach (Option option in new Option[] { pharos, peers, runs }) root.Options.Add(option);
return await root.Parse(args).InvokeAsync();
