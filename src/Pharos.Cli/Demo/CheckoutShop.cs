using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Pharos.Core;
using Pharos.Server.Hosting;
using Pharos.Wire.Exposition;

namespace Pharos.Cli.Demo;

/// <summary>
/// A small shop that really serves <c>/metrics</c> and really writes log files, with a traffic generator inside.
/// Failures begin when <see cref="Break"/> is called.
/// </summary>
internal sealed class CheckoutShop : IAsyncDisposable
{
    private const int RequestsPerSecond = 40;

    private readonly int everySeconds;

    private readonly TimeProvider time;
    private readonly Random random;
    private readonly Instruments instruments = new();
    private readonly Counter requests;
    private readonly HistogramInstrument duration;
    private readonly StreamWriter log;
    private readonly ITimer traffic;
    private readonly Lock gate = new();
    private HttpHost? host;
    private bool broken;
    private bool leaked;
    private long scrapes;
    private long lines;
    private long served;
    private long failed;

    private CheckoutShop(TimeProvider time, string logFolder, int seed, TimeSpan every)
    {
        everySeconds = (int)every.TotalSeconds;
        this.time = time;
        random = new Random(seed);
        requests = instruments.Counter("http_requests_total", "Requests answered, by status.", "service", "status", "path");
        duration = instruments.Histogram("http_request_duration_seconds", "Time to answer.", [.01, .025, .05, .1, .25, .5, 1, 2.5], "service");
        Directory.CreateDirectory(logFolder);
        LogFile = Path.Combine(logFolder, "checkout.log");
        log = new StreamWriter(new FileStream(LogFile, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete), new UTF8Encoding(false))
        {
            AutoFlush = true,
        };
        traffic = time.CreateTimer(_ => Serve(), null, every, every);
    }

    public string LogFile { get; }

    public Uri Address => host!.Address;

    /// <summary>How often <c>/metrics</c> was read.</summary>
    public long Scrapes => Volatile.Read(ref scrapes);

    public long LinesWritten => Volatile.Read(ref lines);

    public long Served => Volatile.Read(ref served);

    public long Failed => Volatile.Read(ref failed);

    /// <summary>From now on about a third of the payments fails, slowly, and a worker panics now and then.</summary>
    public void Break()
    {
        lock (gate) broken = true;
    }

    /// <summary>Everything is well again.</summary>
    public void Mend()
    {
        lock (gate) broken = false;
    }

    public static async Task<CheckoutShop> StartAsync(
        TimeProvider time, string logFolder, int seed, TimeSpan every, BusyMeter busy, ILoggerFactory loggers, CancellationToken cancel)
    {
        var shop = new CheckoutShop(time, logFolder, seed, every);
        shop.host = await HttpHost.StartAsync("127.0.0.1", 0, loggers, application =>
        {
            application.MapGet("/metrics", async http =>
            {
                using var work = busy.Enter();
                Interlocked.Increment(ref shop.scrapes);
                http.Response.ContentType = ExpositionWriter.TextContentType;
                ExpositionWriter.Write(shop.instruments.Read(), http.Response.BodyWriter);
                await http.Response.BodyWriter.FlushAsync(http.RequestAborted);
            });
            application.MapGet("/", http => http.Response.WriteAsync("The checkout shop. Its metrics are at /metrics.\n"));
        }, cancel);
        return shop;
    }

    public async ValueTask DisposeAsync()
    {
        await traffic.DisposeAsync();
        if (host is not null) await host.DisposeAsync();
        await log.DisposeAsync();
    }

    /// <summary>The customers since the last time.</summary>
    private void Serve()
    {
        lock (gate)
        {
            var now = time.GetUtcNow();
            for (int i = 0; i < RequestsPerSecond * everySeconds; i++)
            {
                string path = random.Next(4) == 0 ? "/pay" : "/cart";
                bool fails = path == "/pay" ? broken && random.NextDouble() < 0.8 : random.NextDouble() < 0.001;
                string status = fails ? "503" : "200";
                double seconds = fails ? 0.6 + (random.NextDouble() * 0.8) : 0.01 + (random.NextDouble() * 0.08);
                requests.With("checkout", status, path).Add(1);
                duration.Observe(seconds, "checkout");
                served++;
                if (fails) failed++;
                if (fails) Write(now, "error", $"payment failed path={path} status={status} duration={seconds:0.000}s err=\"gateway timeout\"");
                else if (i % 8 == 0) Write(now, "info", $"request served path={path} status={status} duration={seconds:0.000}s");
            }
            if (!broken) return;
            if (!leaked)
            {
                leaked = true;
                Write(now, "warn", "retrying against https://shop:hunter2@gateway.example/pay");
            }
            if (now.Second % 20 == 0)
            {
                Write(now, "fatal", "panic: runtime error: invalid memory address or nil pointer dereference [worker=pay-3]");
            }
        }
    }

    private void Write(DateTimeOffset now, string level, string message)
    {
        log.Write($"ts={now:yyyy-MM-ddTHH:mm:ss.fffZ} level={level} msg=\"{message.Replace("\"", "\\\"", StringComparison.Ordinal)}\"\n");
        lines++;
    }
}
