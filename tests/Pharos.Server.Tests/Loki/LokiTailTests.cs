using System.Diagnostics;
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

    private static string Push(string app, int n) => $$"""{"streams":[{"stream":{"app":"{{app}}"},"values":[["{{Now + n}}","line {{n}}"]]}]}""";

    private static async Task<ClientWebSocket> OpenAsync(LokiApi api, string query, CancellationToken cancel, string path = "/loki/api/v1/tail")
    {
        int before = api.Store.TailCount(TenantId.Anonymous);
        var socket = new ClientWebSocket();
        await socket.ConnectAsync(new Uri($"ws://{api.Address.Host}:{api.Address.Port}{path}?query={query.Replace("{", "%7B").Replace("}", "%7D").Replace("\"", "%22")}"), cancel);
        Assert.True(api.Store.TailCount(TenantId.Anonymous) > before);
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
