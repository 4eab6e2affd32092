using System.CommandLine;
using System.Globalization;
using System.Net.WebSockets;
using System.Text;

namespace Pharos.Bench.Logs;

/// <summary>Many clients of a live tail of a real server: how long a pushed line is on its way to each of them, and what that costs.</summary>
internal static class TailBench
{
    private const string Mark = "push-";

    public static Command Make(Option<string> pharos)
    {
        var clients = new Option<int>("--clients") { Description = "WebSockets that follow the line.", DefaultValueFactory = _ => 1000 };
        var pushes = new Option<int>("--pushes") { Description = "Lines, one in each push; some more before them do not count.", DefaultValueFactory = _ => 200 };
        var pause = new Option<int>("--pause") { Description = "Milliseconds between the last client's line and the next push.", DefaultValueFactory = _ => 50 };
        var command = new Command("tail", "Time from sending a push to each client's having the line, and the CPU time of it.") { clients, pushes, pause };
        command.SetAction((parsed, cancel) => RunAsync(parsed.GetValue(pharos)!, parsed.GetValue(clients), parsed.GetValue(pushes), TimeSpan.FromMilliseconds(parsed.GetValue(pause)), cancel));
        return command;
    }

    private static async Task RunAsync(string pharos, int clients, int pushes, TimeSpan pause, CancellationToken cancel)
    {
        // A server that has just started compiles what is called often; with 1,000 clients that takes more of two processors than the messages for some ten seconds.
        const int Warm = 300;
        using var peer = await Peer.StartPharosAsync(pharos, "sync: always\nlimits: {max_concurrent_tail_requests: 0}\n");
        using var http = new HttpClient();
        var rounds = Enumerable.Range(0, Warm + pushes).Select(_ => new Round(clients)).ToList();
        var sockets = new List<ClientWebSocket>();
        var address = new UriBuilder(peer.Address) { Scheme = "ws", Path = "/loki/api/v1/tail", Query = "limit=0&query=" + Uri.EscapeDataString("{app=\"tail\"}") }.Uri;
        for (int i = 0; i < clients; i++)
        {
            var socket = new ClientWebSocket();
            // Browsers and Grafana send no pongs by themselves.
            socket.Options.KeepAliveInterval = TimeSpan.Zero;
            await socket.ConnectAsync(address, cancel);
            sockets.Add(socket);
        }
        // One task to look at beside each push: looking at all readers leaves something behind at each of them, which the last push paid for.
        var broken = new TaskCompletionSource();
        var readers = sockets.Select((s, i) => ReadAsync(s, i, rounds, broken, cancel)).ToList();
        var stand = await Stand.OfAsync(peer, http, cancel);
        double server = 0, own = 0;
        for (int n = 0; n < rounds.Count; n++)
        {
            if (n == Warm) (server, own) = (peer.CpuSeconds, Environment.CpuUsage.TotalTime.TotalSeconds);
            long sent = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
            using var body = new StringContent($$"""{"streams":[{"stream":{"app":"tail"},"values":[["{{sent}}000000","level=info {{Mark}}{{n:00000}} a line as long as lines mostly are, with some=fields and=values"]]}]}""", Encoding.UTF8, "application/json");
            rounds[n].Started = TimeProvider.System.GetTimestamp();
            using var answer = await http.PostAsync(new Uri(peer.Address, "loki/api/v1/push"), body, cancel);
            answer.EnsureSuccessStatusCode();
            rounds[n].Answered = TimeProvider.System.GetElapsedTime(rounds[n].Started).TotalMilliseconds;
            await await Task.WhenAny(rounds[n].Done, broken.Task);
            // Looking costs processor time, too, which is not counted.
            var (looked, ownLooked) = (peer.CpuSeconds, Environment.CpuUsage.TotalTime.TotalSeconds);
            var now = await Stand.OfAsync(peer, http, cancel);
            (rounds[n].HeldUp, stand) = (now.Since(stand), now);
            (server, own) = (server + peer.CpuSeconds - looked, own + Environment.CpuUsage.TotalTime.TotalSeconds - ownLooked);
            await Task.Delay(pause, TimeProvider.System, cancel);
        }

        (server, own) = (peer.CpuSeconds - server, Environment.CpuUsage.TotalTime.TotalSeconds - own);
        var counted = rounds.Skip(Warm).ToList();
        var all = counted.SelectMany(r => r.Milliseconds).Order().ToArray();
        var slowest = counted.Select(r => r.Milliseconds.Max()).Order().ToArray();
        Console.WriteLine($"{clients} clients, {pushes} pushes after {Warm}, each line to each client: {all.Length} deliveries");
        Console.WriteLine("| ms from push to client | median | p99 | worst |");
        Console.WriteLine("|---|---:|---:|---:|");
        Console.WriteLine(Row("the push's own answer", counted.Select(r => r.Answered).Order().ToArray()));
        Console.WriteLine(Row("each client", all));
        Console.WriteLine(Row("the slowest client of a push", slowest));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"pushes whose slowest client waited 100 ms or more: {slowest.Count(m => m >= 100)}; CPU: server {server / pushes * 1000:0.0} ms a push, {server / all.Length * 1e6:0} µs a delivery (pings are in it); this bench {own / pushes * 1000:0.0} ms a push"));
        Console.WriteLine("| the slowest pushes: s after the first | ms until answered | first client | median | last | server queued for a processor | bench queued | server paused | bench paused |");
        Console.WriteLine("|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
        foreach (var round in counted.OrderByDescending(r => r.Milliseconds.Max()).Take(10)) Console.WriteLine(round.Row(rounds[0].Started));
        await Task.WhenAll(readers);
        foreach (var socket in sockets) socket.Abort();
        foreach (var socket in sockets) socket.Dispose();
    }

    private static string Row(string what, double[] sorted) => string.Create(CultureInfo.InvariantCulture,
        $"| {what} | {sorted[sorted.Length / 2]:0.0} | {sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * 0.99))]:0.0} | {sorted[^1]:0.0} |");

    private static async Task ReadAsync(ClientWebSocket socket, int client, List<Round> rounds, TaskCompletionSource broken, CancellationToken cancel)
    {
        try
        {
            await ReadAsync(socket, client, rounds, cancel);
        }
        catch (Exception e)
        {
            broken.TrySetException(e);
        }
    }

    private static async Task ReadAsync(ClientWebSocket socket, int client, List<Round> rounds, CancellationToken cancel)
    {
        var buffer = new byte[4096];
        byte[] mark = Encoding.ASCII.GetBytes(Mark);
        for (int n = 0; n < rounds.Count; n++)
        {
            var received = await socket.ReceiveAsync(buffer.AsMemory(), cancel);
            long at = TimeProvider.System.GetTimestamp();
            int found = buffer.AsSpan(0, received.Count).IndexOf(mark);
            if (!received.EndOfMessage || found < 0 || int.Parse(Encoding.ASCII.GetString(buffer, found + mark.Length, 5), CultureInfo.InvariantCulture) != n)
                throw new InvalidOperationException($"client {client} got another message than push {n}: {Encoding.UTF8.GetString(buffer, 0, received.Count)}");
            rounds[n].Take(client, at);
        }
    }

    /// <summary>What has held server and bench up so far: threads that had no processor, and collections.</summary>
    private sealed record Stand(IReadOnlyDictionary<string, double> ServerQueued, IReadOnlyDictionary<string, double> OwnQueued, double ServerPaused, double OwnPaused)
    {
        public static async Task<Stand> OfAsync(Peer peer, HttpClient http, CancellationToken cancel)
        {
            const string pauses = "dotnet_gc_pause_seconds_total ";
            string metrics = await http.GetStringAsync(new Uri(peer.Address, "metrics"), cancel);
            double paused = double.Parse(metrics.Split('\n').First(l => l.StartsWith(pauses, StringComparison.Ordinal)).AsSpan(pauses.Length), CultureInfo.InvariantCulture);
            return new Stand(peer.QueuedSeconds, Peer.QueuedSecondsOf(Environment.ProcessId), paused, GC.GetTotalPauseDuration().TotalSeconds);
        }

        /// <summary>Milliseconds since another one: of threads that waited at once, all together.</summary>
        public double[] Since(Stand before) =>
        [
            1000 * Since(ServerQueued, before.ServerQueued), 1000 * Since(OwnQueued, before.OwnQueued), 1000 * (ServerPaused - before.ServerPaused), 1000 * (OwnPaused - before.OwnPaused),
        ];

        private static double Since(IReadOnlyDictionary<string, double> now, IReadOnlyDictionary<string, double> before) => now.Sum(t => t.Value - before.GetValueOrDefault(t.Key));
    }

    private sealed class Round(int clients)
    {
        private readonly TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int left = clients;

        public long Started { get; set; }

        /// <summary>Milliseconds until the sender had its answer: the line is durable then.</summary>
        public double Answered { get; set; }

        /// <summary>What held server and bench up since the push before.</summary>
        public double[] HeldUp { get; set; } = [];

        /// <summary>By client.</summary>
        public double[] Milliseconds { get; } = new double[clients];

        public Task Done => done.Task;

        public string Row(long first)
        {
            double[] sorted = [.. Milliseconds.Order()];
            return string.Create(CultureInfo.InvariantCulture,
                $"| {TimeProvider.System.GetElapsedTime(first, Started).TotalSeconds:0.0} | {Answered:0.0} | {sorted[0]:0.0} | {sorted[sorted.Length / 2]:0.0} | {sorted[^1]:0.0} | {HeldUp[0]:0.0} | {HeldUp[1]:0.0} | {HeldUp[2]:0.0} | {HeldUp[3]:0.0} |");
        }

        public void Take(int client, long at)
        {
            Milliseconds[client] = TimeProvider.System.GetElapsedTime(Started, at).TotalMilliseconds;
            if (Interlocked.Decrement(ref left) == 0) done.SetResult();
        }
    }
}
