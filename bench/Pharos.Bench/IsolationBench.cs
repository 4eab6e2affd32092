using System.CommandLine;
using System.Globalization;
using Pharos.Bench.Logs;
using Pharos.Core;
using Pharos.Wire.RemoteWrite;

namespace Pharos.Bench;

/// <summary>What a tenant at its limits costs another: latency of a steady tenant's pushes while a second one floods the server.</summary>
internal static class IsolationBench
{
    private const string Steady = "steady", Loud = "loud";
    private const int SteadySeries = 20_000;

    /// <summary>Bodies that the loud tenant sends in turn; made before the clock starts, so that its sender takes little of the machine.</summary>
    private const int Bodies = 50;

    private const string Config = """
        sync: always
        multitenancy_enabled: true
        limits: {max_global_series_per_user: 0, max_global_series_per_metric: 0}
        overrides:
          loud: {max_global_series_per_user: 2000, ingestion_rate: 10000, ingestion_burst_size: 10000}
          loud-series: {max_global_series_per_user: 2000}

        """;

    public static Command Make(Option<string> pharos)
    {
        var rate = new Option<double>("--rate") { Description = "Samples or lines per second of the steady tenant.", DefaultValueFactory = _ => 20_000 };
        var seconds = new Option<int>("--seconds") { Description = "Length of each case.", DefaultValueFactory = _ => 15 };
        var senders = new Option<int>("--senders") { Description = "Senders of the loud tenant; each sends again as soon as it was answered.", DefaultValueFactory = _ => 4 };
        var signal = new Option<string>("--signal") { Description = "What both push: metrics or logs.", DefaultValueFactory = _ => "metrics" };
        signal.AcceptOnlyFromAmong("metrics", "logs");
        var command = new Command("isolation", "Push latency of a steady tenant while another one is at its limits: median, 99 % and worst.") { signal, rate, seconds, senders };
        command.SetAction(async parsed =>
        {
            if (parsed.GetValue(signal) == "logs")
            {
                await LogIsolation.RunAsync(parsed.GetValue(pharos)!, parsed.GetValue(rate), parsed.GetValue(seconds), parsed.GetValue(senders));
                return;
            }
            Header();
            // The same flood at a server of its own shows what the machine's shared processors cost alone.
            foreach (var (name, tenant, flood, apart) in new (string, string?, Flood, bool)[]
            {
                ("none", null, Flood.Known, false),
                ("over its sample rate", Loud, Flood.Known, false), ("the same, at another server", Loud, Flood.Known, true),
                ("new series over its series limit", Loud + "-series", Flood.NewSeries, false), ("the same, at another server", Loud + "-series", Flood.NewSeries, true),
            })
            {
                var at = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
                int scrapes = (int)(parsed.GetValue(rate) * parsed.GetValue(seconds) / SteadySeries) + 1;
                using var load = SpooledLoad.Make(new LoadShape(SteadySeries, scrapes, TimeSpan.FromSeconds(15), ChurnPercent: 0, Senders: 2, Seed: 1), at);
                using var peer = await Peer.StartPharosAsync(parsed.GetValue(pharos)!, Config);
                using var other = apart ? await Peer.StartPharosAsync(parsed.GetValue(pharos)!, Config) : null;
                var target = new Uri(peer.Address, "api/v1/push");
                var loudTarget = new Uri((other ?? peer).Address, "api/v1/push");
                await load.SendAsync(target, firstScrape: true, tenant: Steady);
                using var done = new CancellationTokenSource();
                var answers = new Dictionary<int, long>();
                byte[][] bodies = MakeBodies(flood, at);
                double cpu = peer.CpuSeconds + (other?.CpuSeconds ?? 0);
                long started = TimeProvider.System.GetTimestamp();
                var flooding = tenant is null
                    ? Task.CompletedTask
                    : Task.WhenAll(Enumerable.Range(0, parsed.GetValue(senders)).Select(s => Task.Run(() => FloodAsync(loudTarget, tenant, bodies, RemoteWriteHeaders.ContentType(RemoteWriteVersion.V1), s, answers, done.Token))));
                var pace = new Pace(parsed.GetValue(rate) / SpooledLoad.SamplesPerRequest);
                await load.SendAsync(target, firstScrape: false, pace, Steady);
                double took = TimeProvider.System.GetElapsedTime(started).TotalSeconds;
                await done.CancelAsync();
                await flooding;
                Row(name, pace, answers, took, peer.CpuSeconds + (other?.CpuSeconds ?? 0) - cpu);
            }
        });
        return command;
    }

    public static void Header()
    {
        Console.WriteLine("| the other tenant | push median ms | 99 % | worst | its requests/s | answered 2xx | 400 | 429 | server CPU-s |");
        Console.WriteLine("|---|---:|---:|---:|---:|---:|---:|---:|---:|");
    }

    public static void Row(string name, Pace pace, Dictionary<int, long> answers, double took, double cpu)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"| {name} | {pace.Quantile(0.5):0.0} | {pace.Quantile(0.99):0.0} | {pace.Quantile(1):0.0} | {answers.Values.Sum() / took:0} | {Of(2)} | {Of(4)} | {answers.GetValueOrDefault(429)} | {cpu:0.0} |"));

        long Of(int hundred) => answers.Where(a => a.Key / 100 == hundred && a.Key != 429).Sum(a => a.Value);
    }

    private enum Flood
    {
        /// <summary>The same series again and again.</summary>
        Known,

        /// <summary>Series that nobody has seen, in every request.</summary>
        NewSeries,
    }

    private static byte[][] MakeBodies(Flood flood, long atMs)
    {
        var bodies = new byte[Bodies][];
        using var encoder = new RemoteWriteEncoder();
        using var batch = new MetricBatch();
        var model = new SeriesModel(2);
        for (int body = 0; body < Bodies; body++)
        {
            batch.Clear();
            for (int series = 0; series < SpooledLoad.SamplesPerRequest; series++)
            {
                int target = (flood == Flood.Known ? 0 : body * 4) + (series / SeriesModel.SeriesPerTarget), number = series % SeriesModel.SeriesPerTarget;
                batch.AddSample(batch.AddSeries(model.LabelsOf(target, 0, number)), atMs - Bodies + body, model.Value(target, 0, number, body));
            }
            bodies[body] = encoder.Encode(batch, RemoteWriteVersion.V1).ToArray();
        }
        return bodies;
    }

    /// <summary>Sends bodies in turn, each as soon as the one before was answered.</summary>
    public static async Task FloodAsync(Uri target, string tenant, byte[][] bodies, string contentType, int sender, Dictionary<int, long> answers, CancellationToken cancel)
    {
        using var http = new HttpClient();
        for (int i = sender; !cancel.IsCancellationRequested; i++)
        {
            try
            {
                using var response = await PostAsync(http, target, tenant, bodies[i % bodies.Length], contentType, cancel);
                lock (answers) answers[(int)response.StatusCode] = answers.GetValueOrDefault((int)response.StatusCode) + 1;
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    /// <summary>Posts a body in Snappy.</summary>
    public static async Task<HttpResponseMessage> PostAsync(HttpClient http, Uri target, string tenant, byte[] body, string contentType, CancellationToken cancel)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.Add("Content-Type", contentType);
        content.Headers.Add("Content-Encoding", "snappy");
        using var request = new HttpRequestMessage(HttpMethod.Post, target) { Content = content };
        request.Headers.Add("X-Scope-OrgID", tenant);
        return await http.SendAsync(request, cancel);
    }
}
