using System.Text.Unicode;
using Pharos.Core;

namespace Pharos.Bench.Logs;

/// <summary>
/// Lines as services write them, the same for the same seed: access logs as JSON and in the combined format, logfmt, JSON of
/// workers, and Java with stack traces; 200 streams, 40 of each kind. Not safe for several threads.
/// </summary>
internal sealed class LineModel(int seed)
{
    public const int Streams = 200;

    /// <summary>One line in a hundred holds this, whatever its kind.</summary>
    public const string OneInHundred = "zone=canary7";

    private static readonly string[] Apps = ["nginx", "edge", "api", "worker", "billing"];
    private static readonly string[] Paths =
    [
        "/", "/index.html", "/api/v1/orders", "/api/v1/orders/{0}", "/api/v1/users/{0}", "/api/v1/users/{0}/cart", "/checkout", "/static/app.js", "/static/site.css",
        "/health", "/search?q={0}", "/api/v2/items/{0}/reviews", "/login", "/logout",
    ];

    private static readonly string[] Agents =
    [
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
        "curl/8.8.0", "Go-http-client/2.0", "kube-probe/1.30",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0",
    ];

    private static readonly string[] Methods = ["GET", "GET", "GET", "GET", "POST", "PUT", "DELETE"];
    private static readonly string[] Events = ["order placed", "order shipped", "cache refreshed", "invoice sent", "retrying upstream call", "connection pool resized", "payment authorised"];
    private static readonly string[] Exceptions = ["java.lang.IllegalStateException: invoice already closed", "java.net.SocketTimeoutException: Read timed out", "org.postgresql.util.PSQLException: ERROR: deadlock detected"];

    private readonly Random random = new(seed);
    private readonly byte[] line = new byte[8 << 10];

    /// <summary>Index labels of a stream.</summary>
    public static Labels LabelsOf(int stream) => Labels.Of(
        ("app", AppOf(stream)), ("instance", $"{AppOf(stream)}-{stream / Apps.Length:d2}"), ("env", stream % 3 == 0 ? "staging" : "prod"), ("service_name", AppOf(stream)));

    public static string AppOf(int stream) => Apps[stream % Apps.Length];

    /// <summary>A stream by how much they write: the first ones write most.</summary>
    public int NextStream()
    {
        double pick = random.NextDouble();
        return (int)(pick * Math.Sqrt(pick) * Streams);
    }

    /// <summary>The next line of a stream, without a line break; valid until the next call.</summary>
    public ReadOnlySpan<byte> Next(int stream, long unixMs)
    {
        var at = DateTimeOffset.FromUnixTimeMilliseconds(unixMs);
        string canary = random.Next(100) == 0 ? OneInHundred : "zone=main";
        string path = string.Format(System.Globalization.CultureInfo.InvariantCulture, Paths[Skewed(Paths.Length)], random.Next(100_000));
        int status = random.Next(100) switch { < 88 => 200, < 92 => 304, < 96 => 404, < 98 => 500, _ => 503 };
        double seconds = Math.Round(Math.Exp((random.NextDouble() * 6) - 6), 3);
        int bytes = (int)Math.Exp(5 + (random.NextDouble() * 6));
        string method = Methods[random.Next(Methods.Length)];
        string agent = Agents[Skewed(Agents.Length)];
        int written;
        switch (stream % Apps.Length)
        {
            case 0:
                Utf8.TryWrite(line, $"{{\"time\":\"{at:yyyy-MM-ddTHH:mm:ss.fffZ}\",\"remote_addr\":\"10.{random.Next(4)}.{random.Next(16)}.{random.Next(256)}\",\"method\":\"{method}\",\"path\":\"{path}\",\"status\":{status},\"bytes\":{bytes},\"duration\":{seconds:0.000},\"agent\":\"{agent}\",\"tags\":\"{canary}\",\"request_id\":\"{NextGuid():N}\"}}", out written);
                break;
            case 1:
                Utf8.TryWrite(line, $"10.{random.Next(4)}.{random.Next(16)}.{random.Next(256)} - - [{at:dd/MMM/yyyy:HH:mm:ss} +0000] \"{method} {path} HTTP/1.1\" {status} {bytes} \"https://shop.example.com/?{canary}\" \"{agent}\"", out written);
                break;
            case 2:
                string level = status >= 500 ? "error" : status >= 400 ? "warn" : "info";
                Utf8.TryWrite(line, $"ts={at:yyyy-MM-ddTHH:mm:ss.fffZ} level={level} caller=handler.go:{random.Next(40) * 7} msg=\"{Events[Skewed(Events.Length)]}\" method={method} path={path} status={status} duration={seconds * 1000:0.0}ms user={random.Next(20_000)} {canary} trace_id={NextGuid():N}", out written);
                break;
            case 3:
                Utf8.TryWrite(line, $"{{\"ts\":\"{at:yyyy-MM-ddTHH:mm:ss.fffZ}\",\"level\":\"{(status >= 500 ? "error" : "info")}\",\"logger\":\"jobs.{Skewed(9)}\",\"msg\":\"{Events[Skewed(Events.Length)]}\",\"job\":{random.Next(1_000_000)},\"attempt\":{1 + Skewed(4)},\"elapsed\":{seconds:0.000},\"where\":{{\"shard\":{random.Next(16)},\"place\":\"{canary}\"}}}}", out written);
                break;
            default:
                if (status >= 500)
                {
                    Utf8.TryWrite(line, $"{at:yyyy-MM-dd HH:mm:ss.fff} ERROR [pool-{random.Next(8)}-thread-{random.Next(32)}] c.e.billing.InvoiceService - {Events[Skewed(Events.Length)]} {canary} invoice={random.Next(1_000_000)}\n{Exceptions[random.Next(Exceptions.Length)]}\n", out written);
                    for (int frame = 0; frame < 12; frame++)
                    {
                        Utf8.TryWrite(line.AsSpan(written), $"\tat com.example.billing.{(char)('A' + (frame * 7 % 26))}Handler.call(Handler{frame}.java:{40 + (frame * 13)})\n", out int more);
                        written += more;
                    }
                    break;
                }
                Utf8.TryWrite(line, $"{at:yyyy-MM-dd HH:mm:ss.fff} INFO  [pool-{random.Next(8)}-thread-{random.Next(32)}] c.e.billing.InvoiceService - {Events[Skewed(Events.Length)]} {canary} invoice={random.Next(1_000_000)} took {seconds:0.000}s", out written);
                break;
        }
        return line.AsSpan(0, written);
    }

    public Guid NextGuid()
    {
        Span<byte> bytes = stackalloc byte[16];
        random.NextBytes(bytes);
        return new Guid(bytes);
    }

    /// <summary>Small numbers more often than large ones.</summary>
    private int Skewed(int count)
    {
        double pick = random.NextDouble();
        return (int)(pick * pick * count);
    }
}
