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
            await socket.ConnectAsync(address, cancel);
            sockets.Add(socket);
        }
        var readers = sockets.Select((s, i) => ReadAsync(s, i, rounds, cancel)).ToList();
        double server = 0, own = 0;
        for (int n = 0; n < rounds.Count; n++)
        {
            if (n == Warm) (server, own) = (peer.CpuSeconds, Environment.CpuUsage.TotalTime.TotalSeconds);
            long now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
            using var body = new StringContent($$"""{"streams":[{"stream":{"app":"tail"},"values":[["{{now}}000000","level=info {{Mark}}{{n:00000}} a line as long as lines mostly are, with some=fields and=values"]]}]}""", Encoding.UTF8, "application/json");
            rounds[n].Started = TimeProvider.System.GetTimestamp();
            using var answer = await http.PostAsync(new Uri(peer.Address, "loki/api/v1/push"), body, cancel);
            answer.EnsureSuccessStatusCode();
            rounds[n].Answered = TimeProvider.System.GetElapsedTime(rounds[n].Started).TotalMilliseconds;
            await await Task.WhenAny(rounds[n].Done, Task.WhenAny(readers).Unwrap());
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
        foreach (var socket in sockets) socket.Abort();
        foreach (var socket in sockets) socket.Dispose();
    }

    private static string Row(string what, double[] sorted) => string.Create(CultureInfo.InvariantCulture,
        $"| {what} | {sorted[sorted.Length / 2]:0.0} | {sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * 0.99))]:0.0} | {sorted[^1]:0.0} |");

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

    private sealed class Round(int clients)
    {
        private readonly TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int left = clients;

        public long Started { get; set; }

        /// <summary>Milliseconds until the sender had its answer: the line is durable then.</summary>
        public double Answered { get; set; }

        /// <summary>By client.</summary>
        public double[] Milliseconds { get; } = new double[clients];

        public Task Done => done.Task;

        public void Take(int client, long at)
        {
            Milliseconds[client] = TimeProvider.System.GetElapsedTime(Started, at).TotalMilliseconds;
            if (Interlocked.Decrement(ref left) == 0) done.SetResult();
        }
    }
}
