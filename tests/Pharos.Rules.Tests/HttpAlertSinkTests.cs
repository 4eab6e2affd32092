using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;

namespace Pharos.Rules.Tests;

public sealed class HttpAlertSinkTests
{
    private static readonly Uri Url = new("http://am/prefix");

    private static Alert Named(string name, params (string Name, string Value)[] labels) => new()
    {
        Labels = Labels.Of([("alertname", name), .. labels]),
        Annotations = Labels.Of(("summary", "é\"x")),
        StartsAt = new DateTimeOffset(2026, 1, 1, 0, 0, 0, 500, TimeSpan.Zero),
        EndsAt = new DateTimeOffset(2026, 1, 1, 0, 4, 0, TimeSpan.Zero),
        GeneratorUrl = "http://p/graph",
    };

    private static HttpAlertSink Sink(HttpAlertSinkOptions options, Instruments? instruments = null) =>
        new(options, TimeProvider.System, instruments ?? new Instruments(), NullLogger.Instance);

    [Fact]
    public async Task Alerts_go_to_api_v2_with_external_labels_and_relabelled()
    {
        var receiver = new Receiver();
        await using (var sink = Sink(new HttpAlertSinkOptions
        {
            Change = a => a.Labels["alertname"] == "Drop" ? null : a with { Labels = a.Labels.Without("tmp").With("cluster", "eu") },
            Tenant = TenantId.Parse("team"),
        }))
        {
            await sink.UpdateAsync([new AlertmanagerTarget(Url, new HttpMessageInvoker(receiver)) { Change = a => a with { Labels = a.Labels.With("target", "1") } }]);
            await sink.SendAsync(TenantId.Parse("team"), [Named("A", ("severity", "page"), ("tmp", "x")), Named("Drop")], TestContext.Current.CancellationToken);
        }
        var (path, tenant, body) = Assert.Single(receiver.Requests);
        Assert.Equal("http://am/prefix/api/v2/alerts", path);
        Assert.Equal("team", tenant);
        var alert = Assert.Single(JsonDocument.Parse(body).RootElement.EnumerateArray());
        Assert.Equal("""{"alertname":"A","cluster":"eu","severity":"page","target":"1"}""", alert.GetProperty("labels").GetRawText());
        Assert.Equal("é\"x", alert.GetProperty("annotations").GetProperty("summary").GetString());
        Assert.Equal("2026-01-01T00:00:00.500Z", alert.GetProperty("startsAt").GetString());
        Assert.Equal("2026-01-01T00:04:00.000Z", alert.GetProperty("endsAt").GetString());
        Assert.Equal("http://p/graph", alert.GetProperty("generatorURL").GetString());
    }

    [Fact]
    public async Task A_long_queue_is_sent_in_batches_and_a_full_one_loses_its_oldest()
    {
        var receiver = new Receiver { Hold = new TaskCompletionSource() };
        var instruments = new Instruments();
        await using (var sink = Sink(new HttpAlertSinkOptions { QueueCapacity = 5, BatchMax = 2 }, instruments))
        {
            await sink.UpdateAsync([new AlertmanagerTarget(Url, new HttpMessageInvoker(receiver))]);
            await sink.SendAsync(TenantId.Anonymous, [Named("first")], TestContext.Current.CancellationToken);
            await receiver.Reached.Task.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
            await sink.SendAsync(TenantId.Anonymous, [.. Enumerable.Range(0, 7).Select(i => Named($"n{i}"))], TestContext.Current.CancellationToken);
            Assert.Equal(2, Value(instruments, "prometheus_notifications_dropped_total"));
            Assert.Equal(5, Value(instruments, "prometheus_notifications_queue_length"));
            receiver.Hold.SetResult();
        }
        Assert.Equal(
            ["first", "n2 n3", "n4 n5", "n6"],
            receiver.Requests.Select(r => string.Join(' ', JsonDocument.Parse(r.Body).RootElement.EnumerateArray().Select(a => a.GetProperty("labels").GetProperty("alertname").GetString()))));
        Assert.Equal(6, Value(instruments, "prometheus_notifications_sent_total"));
    }

    [Fact]
    public async Task A_failed_batch_is_counted_and_not_sent_again()
    {
        var receiver = new Receiver { Status = HttpStatusCode.InternalServerError };
        var instruments = new Instruments();
        await using (var sink = Sink(new HttpAlertSinkOptions(), instruments))
        {
            await sink.UpdateAsync([new AlertmanagerTarget(Url, new HttpMessageInvoker(receiver))]);
            await sink.SendAsync(TenantId.Anonymous, [Named("a"), Named("b")], TestContext.Current.CancellationToken);
        }
        Assert.Single(receiver.Requests);
        Assert.Equal(2, Value(instruments, "prometheus_notifications_errors_total"));
        Assert.Equal(2, Value(instruments, "prometheus_notifications_dropped_total"));
    }

    [Fact]
    public async Task A_real_Alertmanager_takes_the_alerts()
    {
        string program = Places.Program("alertmanager");
        using var folder = Places.NewFolder();
        int port = FreePort();
        await File.WriteAllTextAsync(Path.Combine(folder, "am.yml"), "route: {receiver: r}\nreceivers: [{name: r}]\n", TestContext.Current.CancellationToken);
        using var process = Process.Start(new ProcessStartInfo(program)
        {
            ArgumentList = { "--config.file", Path.Combine(folder, "am.yml"), "--storage.path", Path.Combine(folder, "data"), "--web.listen-address", $"127.0.0.1:{port}", "--cluster.listen-address", "" },
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        })!;
        process.ErrorDataReceived += (_, _) => { };
        process.OutputDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        try
        {
            using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
            await UntilAsync(async () => (await http.GetAsync("/-/ready")).IsSuccessStatusCode);
            await using (var sink = Sink(new HttpAlertSinkOptions()))
            {
                await sink.UpdateAsync([new AlertmanagerTarget(http.BaseAddress, http)]);
                var alert = Named("Real", ("job", "x")) with { StartsAt = TimeProvider.System.GetUtcNow(), EndsAt = TimeProvider.System.GetUtcNow().AddMinutes(4) };
                await sink.SendAsync(TenantId.Anonymous, [alert], TestContext.Current.CancellationToken);
            }
            var alerts = JsonDocument.Parse(await http.GetStringAsync("/api/v2/alerts")).RootElement;
            Assert.Equal("""{"alertname":"Real","job":"x"}""", Assert.Single(alerts.EnumerateArray()).GetProperty("labels").GetRawText());
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
    }

    private static double Value(Instruments instruments, string name) => instruments.Read().Single(f => f.Name == name).Cells.Single().Value;

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static async Task UntilAsync(Func<Task<bool>> ready)
    {
        for (int i = 0; i < 200; i++)
        {
            try
            {
                if (await ready()) return;
            }
            catch (HttpRequestException)
            {
            }
            await Task.Delay(TimeSpan.FromMilliseconds(50), TestContext.Current.CancellationToken);
        }
        Assert.Fail("the peer did not start");
    }

    private sealed class Receiver : HttpMessageHandler
    {
        public List<(string Path, string Tenant, string Body)> Requests { get; } = [];

        public HttpStatusCode Status { get; init; } = HttpStatusCode.OK;

        public TaskCompletionSource? Hold { get; init; }

        public TaskCompletionSource Reached { get; } = new();

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            string tenant = request.Headers.TryGetValues("X-Scope-OrgID", out var values) ? values.Single() : "";
            Requests.Add((request.RequestUri!.ToString(), tenant, await request.Content!.ReadAsStringAsync(cancellationToken)));
            Reached.TrySetResult();
            if (Hold is not null) await Hold.Task;
            return new HttpResponseMessage(Status);
        }
    }
}
