using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Net.WebSockets;
using System.Text.Json;
using Pharos.Core;

namespace Pharos.Server.Tests.Loki;

public sealed class LokiTailTests
{
    private const long Now = LokiApi.NowNs;

    [Fact]
    public async Task A_tail_lives_an_hour_and_is_told_why_it_ends()
    {
        await using var api = await LokiApi.StartAsync();
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1), TimeProvider.System);
        using var socket = await OpenAsync(api, "{app=\"a\"}&limit=0", patience.Token);
        // A line shows that the tail has begun.
        await api.PushAsync(Push("a", 1));
        using (await FrameAsync(socket, patience.Token)) api.Time.Advance(TimeSpan.FromHours(1));
        var closed = await socket.ReceiveAsync(new byte[100].AsMemory(), patience.Token);
        Assert.Equal((WebSocketMessageType.Close, (WebSocketCloseStatus?)WebSocketCloseStatus.InternalServerError, "reached tail max duration limit"), (closed.MessageType, socket.CloseStatus, socket.CloseStatusDescription));
    }

    [Fact]
    public async Task A_client_whose_clock_is_ahead_gets_new_lines()
    {
        await using var api = await LokiApi.StartAsync();
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1), TimeProvider.System);
        using var socket = await OpenAsync(api, $"{{app=\"a\"}}&start={Now + 5_000_000_000}", patience.Token);
        await api.PushAsync(Push("a", 1));
        using var frame = await FrameAsync(socket, patience.Token);
        Assert.Equal(1, frame.RootElement.GetProperty("streams")[0].GetProperty("values").GetArrayLength());
    }

    [Fact]
    public async Task Lines_wait_for_delay_for_and_come_together()
    {
        await using var api = await LokiApi.StartAsync();
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1), TimeProvider.System);
        var clock = new Changes();
        using var socket = await OpenAsync(api, "{app=\"a\"}&limit=0&delay_for=2", patience.Token);
        int before = api.Time.WaitingTimers;
        api.Time.TimerSet += clock.Signal;
        await api.PushAsync(Push("a", 1));
        await clock.UntilAsync(() => api.Time.WaitingTimers > before, () => "the tail waits");
        await api.PushAsync(Push("a", 2));
        api.Time.Advance(TimeSpan.FromSeconds(2));
        using var frame = await FrameAsync(socket, patience.Token);
        Assert.Equal(2, frame.RootElement.GetProperty("streams").EnumerateArray().Sum(s => s.GetProperty("values").GetArrayLength()));
        Assert.Equal("delay_for can't be greater than 5\n", await api.GetAsync("/loki/api/v1/tail?query={app=\"a\"}&delay_for=6", 400));
    }

    [Fact]
    public async Task Tails_are_counted_and_the_old_form_is_spoken()
    {
        await using var api = await LokiApi.StartAsync(new TenantLimits { Logs = new LogLimits { TailsMax = 1 } });
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1), TimeProvider.System);
        using var socket = await OpenAsync(api, "{app=\"a\"}&limit=0", patience.Token, "/api/prom/tail");
        var refused = await Assert.ThrowsAsync<WebSocketException>(() => OpenAsync(api, "{app=\"a\"}", patience.Token));
        Assert.Contains("400", refused.Message);
        await api.PushAsync(Push("a", 1));
        using var frame = await FrameAsync(socket, patience.Token);
        Assert.Equal(
            """{"streams":[{"labels":"{app=\"a\", detected_level=\"unknown\", service_name=\"a\"}","entries":[{"ts":"2026-01-01T00:00:00.000000001Z","line":"line 1"}]}]}""",
            frame.RootElement.GetRawText());
    }

    [Fact]
    public async Task A_browser_names_its_tenant_in_the_address()
    {
        await using var api = await LokiApi.StartAsync(tenants: true);
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1), TimeProvider.System);
        using var socket = new ClientWebSocket();
        string address = $"ws://{api.Address.Host}:{api.Address.Port}/loki/api/v1/tail?query=%7Bapp=%22a%22%7D&limit=0";
        using (var nobody = new ClientWebSocket()) Assert.Contains("401", (await Assert.ThrowsAsync<WebSocketException>(() => nobody.ConnectAsync(new Uri(address), patience.Token))).Message);
        await socket.ConnectAsync(new Uri(address + "&X-Scope-OrgID=shop"), patience.Token);
        await api.ForTenant("other").PushAsync(Push("a", 1));
        await api.ForTenant("shop").PushAsync(Push("a", 2));
        using var frame = await FrameAsync(socket, patience.Token);
        Assert.Equal("line 2", frame.RootElement.GetProperty("streams")[0].GetProperty("values")[0][1].GetString());
    }

    /// <summary>Each of a thousand clients gets each line; how long the slowest waited stands in the test's output.</summary>
    [Fact]
    public async Task A_thousand_clients_get_each_line()
    {
        await using var api = await LokiApi.StartAsync(new TenantLimits { Logs = new LogLimits { TailsMax = 2000 } });
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2), TimeProvider.System);
        var sockets = new List<ClientWebSocket>();
        for (int i = 0; i < 1000; i++) sockets.Add(await OpenAsync(api, "{app=\"a\"}&limit=0", patience.Token));
        var slowest = new List<double>();
        for (int round = 1; round <= 5; round++)
        {
            var receiving = sockets.Select(async socket =>
            {
                using var frame = await FrameAsync(socket, patience.Token);
                long at = Stopwatch.GetTimestamp();
                return (At: at, Line: frame.RootElement.GetProperty("streams")[0].GetProperty("values")[0][1].GetString());
            }).ToList();
            long pushed = Stopwatch.GetTimestamp();
            Assert.Equal(204, (await api.PushAsync(Push("a", round))).Status);
            var received = await Task.WhenAll(receiving);
            Assert.All(received, r => Assert.Equal($"line {round}", r.Line));
            slowest.Add(received.Max(r => Stopwatch.GetElapsedTime(pushed, r.At).TotalMilliseconds));
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"slowest of 1000 clients, ms: {string.Join(" ", slowest.Select(s => s.ToString("0")))}");
        foreach (var socket in sockets) socket.Dispose();
    }

    /// <summary>A client that does not read keeps no other waiting; once it reads, it is told what it lost.</summary>
    [Fact]
    public async Task A_slow_client_loses_lines_and_the_others_do_not()
    {
        const int Pushes = 200;
        await using var api = await LokiApi.StartAsync();
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2), TimeProvider.System);
        using var slow = await OpenAsync(api, "{app=\"a\"}&limit=0", patience.Token);
        using var quick = await OpenAsync(api, "{app=\"a\"}&limit=0", patience.Token);
        string filling = new('x', 250_000);
        for (int n = 1; n <= Pushes; n++)
        {
            Assert.Equal((204, ""), await api.PushAsync(Push("a", n, filling)));
            using var frame = await WholeAsync(quick, patience.Token);
            Assert.Equal([$"line {n}"], Lines(frame));
            Assert.False(frame.RootElement.TryGetProperty("dropped_entries", out _));
        }
        var received = new List<string>();
        var lost = new List<string>();
        while (lost.Count == 0)
        {
            using var frame = await WholeAsync(slow, patience.Token);
            received.AddRange(Lines(frame));
            if (!frame.RootElement.TryGetProperty("dropped_entries", out var dropped)) continue;
            lost.AddRange(dropped.EnumerateArray().Select(d => $"line {long.Parse(d.GetProperty("timestamp").GetString()!, CultureInfo.InvariantCulture) - Now}"));
            Assert.Equal("a", dropped[0].GetProperty("labels").GetProperty("app").GetString());
        }
        while (received.Count + lost.Count < Pushes)
        {
            using var frame = await WholeAsync(slow, patience.Token);
            received.AddRange(Lines(frame));
        }
        Assert.Equal(Enumerable.Range(1, Pushes).Select(n => $"line {n}"), received.Concat(lost));

        static string[] Lines(JsonDocument frame) =>
            [.. frame.RootElement.GetProperty("streams").EnumerateArray().SelectMany(s => s.GetProperty("values").EnumerateArray()).Select(v => v[1].GetString()!.TrimEnd('x').TrimEnd())];
    }

    [Theory]
    [InlineData(null, 101), InlineData("http://SELF", 101), InlineData("https://shop.example", 101)]
    [InlineData("http://shop.example", 403), InlineData("https://shop.example:444", 403), InlineData("http://127.0.0.1:1", 403), InlineData("https://SELF", 101)]
    [InlineData("https://evil.example", 403), InlineData("null", 403), InlineData("file://SELF", 403), InlineData("http://SELF.evil.example", 403)]
    public async Task Only_pages_of_the_server_may_open_a_tail(string? origin, int status)
    {
        await using var api = await LokiApi.StartAsync(externalUrl: "https://shop.example/pharos");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/loki/api/v1/tail?query=%7Bapp=%22a%22%7D&limit=0");
        foreach (var (name, value) in ((string, string)[])[("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==")])
            request.Headers.Add(name, value);
        string host = api.Address.Authority;
        if (origin is not null) request.Headers.TryAddWithoutValidation("Origin", origin.Replace("SELF", host));
        using var response = await api.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(status, (int)response.StatusCode);
        if (status != 403) return;
        Assert.Equal($"pages of the origin {origin!.Replace("SELF", host)} may not open a tail here: open the page at {host}, or set external_url to the address that it is opened at\n", await response.Content.ReadAsStringAsync());
        Assert.Equal(0, api.Counted("loki_querier_tail_active"));
    }

    private static string Push(string app, int n, string filling) => Push(app, n).Replace($"line {n}", $"line {n} {filling}", StringComparison.Ordinal);

    private static async Task<JsonDocument> WholeAsync(ClientWebSocket socket, CancellationToken cancel)
    {
        var message = new ArrayBufferWriter<byte>();
        while (true)
        {
            var received = await socket.ReceiveAsync(message.GetMemory(64 * 1024), cancel);
            message.Advance(received.Count);
            if (received.EndOfMessage) return JsonDocument.Parse(message.WrittenMemory);
        }
    }

    private static string Push(string app, int n) => $$"""{"streams":[{"stream":{"app":"{{app}}"},"values":[["{{Now + n}}","line {{n}}"]]}]}""";

    private static async Task<ClientWebSocket> OpenAsync(LokiApi api, string query, CancellationToken cancel, string path = "/loki/api/v1/tail")
    {
        double before = api.Counted("loki_querier_tail_active");
        var socket = new ClientWebSocket();
        await socket.ConnectAsync(new Uri($"ws://{api.Address.Host}:{api.Address.Port}{path}?query={query.Replace("{", "%7B").Replace("}", "%7D").Replace("\"", "%22")}"), cancel);
        Assert.True(api.Counted("loki_querier_tail_active") > before);
        return socket;
    }

    private static async Task<JsonDocument> FrameAsync(ClientWebSocket socket, CancellationToken cancel)
    {
        var buffer = new byte[8 * 1024];
        var received = await socket.ReceiveAsync(buffer.AsMemory(), cancel);
        Assert.True(received.EndOfMessage);
        return JsonDocument.Parse(buffer.AsMemory(0, received.Count).ToArray());
    }
}
