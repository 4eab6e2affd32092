using System.Buffers;
using System.Globalization;
using System.Text;
using Pharos.Core;
using Pharos.Wire.Loki;

namespace Pharos.Bench.Logs;

/// <summary>What a tenant or a stream at its limits costs another tenant: latency of steady pushes of lines while a flood of them comes.</summary>
internal static class LogIsolation
{
    private const string Steady = "steady", LoudBytes = "loud-bytes", LoudStream = "loud-stream", LoudStreams = "loud-streams";
    private const int LinesPerRequest = 1000, FloodBodies = 50, StreamsPerNewBody = 200;

    private const string Config = """
        sync: always
        multitenancy_enabled: true
        limits: {ingestion_rate_mb: 0, max_global_streams_per_user: 0}
        overrides:
          loud-bytes: {ingestion_rate_mb: 1, ingestion_burst_size_mb: 1}
          loud-stream: {per_stream_rate_limit: 100KB, per_stream_rate_limit_burst: 100KB}
          loud-streams: {max_global_streams_per_user: 1000}

        """;

    public static async Task RunAsync(string pharos, double rate, int seconds, int senders)
    {
        IsolationBench.Header();
        foreach (var (name, tenant, apart) in new (string, string?, bool)[]
        {
            ("none", null, false),
            ("over its byte rate", LoudBytes, false), ("the same, at another server", LoudBytes, true),
            ("one stream over its rate", LoudStream, false), ("the same, at another server", LoudStream, true),
            ("new streams over its stream limit", LoudStreams, false), ("the same, at another server", LoudStreams, true),
        })
        {
            long atMs = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
            using var peer = await Peer.StartPharosAsync(pharos, Config);
            using var other = apart ? await Peer.StartPharosAsync(pharos, Config) : null;
            var steady = SteadyBodies((int)(rate * seconds / LinesPerRequest), atMs);
            var flood = tenant is null ? [] : FloodOf(tenant, atMs);
            using var done = new CancellationTokenSource();
            var answers = new Dictionary<int, long>();
            double cpu = peer.CpuSeconds + (other?.CpuSeconds ?? 0);
            long started = TimeProvider.System.GetTimestamp();
            var flooding = tenant is null
                ? Task.CompletedTask
                : Task.WhenAll(Enumerable.Range(0, senders).Select(s => Task.Run(() => IsolationBench.FloodAsync(
                    new Uri((other ?? peer).Address, "loki/api/v1/push"), tenant, flood, LokiPushEncoder.ContentType, s, answers, done.Token))));
            var pace = new Pace(rate / LinesPerRequest);
            await SendAsync(new Uri(peer.Address, "loki/api/v1/push"), steady, pace);
            double took = TimeProvider.System.GetElapsedTime(started).TotalSeconds;
            await done.CancelAsync();
            await flooding;
            IsolationBench.Row(name, pace, answers, took, peer.CpuSeconds + (other?.CpuSeconds ?? 0) - cpu);
        }
    }

    private static List<byte[]> SteadyBodies(int count, long atMs)
    {
        using var batch = new LogBatch();
        var model = new LineModel(1);
        var bodies = new List<byte[]>(count);
        var numbers = new Dictionary<Labels, int>();
        for (int body = 0; body < count; body++)
        {
            batch.Clear();
            numbers.Clear();
            for (int i = 0; i < LinesPerRequest; i++)
            {
                int stream = model.NextStream();
                batch.AddEntry(Number(batch, numbers, LineModel.LabelsOf(stream)), ((atMs + body) * 1_000_000) + i, model.Next(stream, atMs));
            }
            bodies.Add(Encode(batch));
        }
        return bodies;
    }

    private static byte[][] FloodOf(string tenant, long atMs)
    {
        using var batch = new LogBatch();
        var model = new LineModel(2);
        var bodies = new byte[FloodBodies][];
        var numbers = new Dictionary<Labels, int>();
        for (int body = 0; body < FloodBodies; body++)
        {
            batch.Clear();
            numbers.Clear();
            for (int i = 0; i < LinesPerRequest; i++)
            {
                int stream = model.NextStream();
                var labels = tenant switch
                {
                    LoudStream => Labels.Of(("app", "loud")),
                    LoudStreams => Labels.Of(("app", "loud"), ("pod", string.Create(CultureInfo.InvariantCulture, $"{body}-{i % StreamsPerNewBody}"))),
                    _ => LineModel.LabelsOf(stream),
                };
                batch.AddEntry(Number(batch, numbers, labels), ((atMs + body) * 1_000_000) + i, model.Next(stream, atMs));
            }
            bodies[body] = Encode(batch);
        }
        return bodies;
    }

    /// <summary>A stream stands once in a body, with all its lines.</summary>
    private static int Number(LogBatch batch, Dictionary<Labels, int> numbers, Labels labels) =>
        numbers.TryGetValue(labels, out int number) ? number : numbers[labels] = batch.AddStream(labels);

    private static byte[] Encode(LogBatch batch)
    {
        var output = new ArrayBufferWriter<byte>(1 << 18);
        LokiPushEncoder.Encode(batch, output);
        return output.WrittenSpan.ToArray();
    }

    private static async Task SendAsync(Uri target, List<byte[]> bodies, Pace pace)
    {
        using var http = new HttpClient();
        int next = -1;
        await Task.WhenAll(SendSomeAsync(), SendSomeAsync());

        async Task SendSomeAsync()
        {
            while (Interlocked.Increment(ref next) is var number && number < bodies.Count)
            {
                long due = await pace.NextAsync();
                using var response = await IsolationBench.PostAsync(http, target, Steady, bodies[number], LokiPushEncoder.ContentType, CancellationToken.None);
                if (!response.IsSuccessStatusCode) throw new InvalidOperationException($"{target} answered {(int)response.StatusCode}: {await response.Content.ReadAsStringAsync()}");
                pace.Answered(due);
            }
        }
    }
}
