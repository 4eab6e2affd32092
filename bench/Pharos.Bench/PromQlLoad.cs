using System.Globalization;
using Pharos.Core;
using Pharos.Wire.RemoteWrite;

namespace Pharos.Bench;

/// <summary>How much of each family there is.</summary>
/// <param name="Hours">Of the families of 1,000 series, 15 s apart.</param>
/// <param name="MiddleHours">Of the families of 10,000 series, one minute apart.</param>
/// <param name="LargeHours">Of the family of 100,000 series, one minute apart.</param>
internal sealed record PromQlShape(double Hours, double MiddleHours, double LargeHours);

/// <summary>
/// Counters, gauges and buckets in families of 1,000, 10,000 and 100,000 series, remote-written one scrape after the other, the
/// same bytes to every system.
/// </summary>
internal sealed class PromQlLoad
{
    public const int Small = 1000, Middle = 10_000, Large = 100_000;

    private const long ShortMs = 15_000, LongMs = 60_000;
    private const int SeriesPerRequest = 2000;

    private static readonly string[] Bounds = ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "+Inf"];

    private readonly Family[] families;
    private readonly Random random = new(1);

    public PromQlLoad(PromQlShape shape, long endMs)
    {
        EndMs = endMs / LongMs * LongMs;
        families =
        [
            Counters("http_requests_total", Small, ShortMs, shape.Hours),
            Gauges("memory_bytes", Small, ShortMs, shape.Hours),
            Counters("rpc_requests_total", Middle, LongMs, shape.MiddleHours),
            Gauges("rpc_memory_bytes", Middle, LongMs, shape.MiddleHours),
            Buckets("rpc_latency_seconds_bucket", Middle, LongMs, shape.MiddleHours),
            Counters("edge_requests_total", Large, LongMs, shape.LargeHours),
        ];
    }

    /// <summary>Time of the last scrape.</summary>
    public long EndMs { get; }

    private enum Kind
    {
        Counter,
        Gauge,
        Bucket,
    }

    /// <summary>Remote-writes all samples, each request to all targets at once.</summary>
    public async Task SendAsync(IReadOnlyList<Uri> targets)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromMinutes(5) };
        using var encoder = new RemoteWriteEncoder();
        long samples = 0;
        await FillAsync(async batch =>
        {
            byte[] body = encoder.Encode(batch, RemoteWriteVersion.V1).ToArray();
            await Task.WhenAll(targets.Select(t => SendAsync(http, t, body)));
            samples += batch.SeriesCount;
        });
        Console.WriteLine($"{families.Sum(f => f.Series.Length)} series, {samples} samples");
    }

    /// <summary>Hands on all samples in the order of time, as much at once as one request takes.</summary>
    public async Task FillAsync(Func<MetricBatch, Task> take)
    {
        using var batch = new MetricBatch();
        for (long at = families.Min(f => f.StartMs); at <= EndMs; at += ShortMs)
        {
            foreach (var family in families)
            {
                if (at < family.StartMs || at % family.IntervalMs != 0) continue;
                for (int from = 0; from < family.Series.Length; from += SeriesPerRequest)
                {
                    batch.Clear();
                    for (int i = from; i < Math.Min(family.Series.Length, from + SeriesPerRequest); i++)
                        batch.AddSample(batch.AddSeries(family.Series[i]), at, Next(family, i, at));
                    await take(batch);
                }
            }
        }
    }

    private double Next(Family family, int i, long at) => family.Values[i] = family.Kind switch
    {
        Kind.Counter => family.Values[i] + random.Next(100),
        Kind.Gauge => 1e9 + random.Next(1 << 20),
        _ => (i % Bounds.Length == 0 ? 0 : family.Values[i - 1]) + (at / 1000 % 100_000) + random.Next(10),
    };

    private Family Counters(string name, int count, long intervalMs, double hours) => Make(name, count, intervalMs, hours, Kind.Counter, (i, labels) =>
    {
        labels.Add(("path", $"/p{i % 50}"));
        labels.Add(("code", i % 7 == 0 ? "500" : "200"));
        if (count == Large) labels.Add(("id", string.Create(CultureInfo.InvariantCulture, $"edge-{i:D6}")));
    });

    private Family Gauges(string name, int count, long intervalMs, double hours) => Make(name, count, intervalMs, hours, Kind.Gauge, (_, _) => { });

    private Family Buckets(string name, int count, long intervalMs, double hours) =>
        Make(name, count, intervalMs, hours, Kind.Bucket, (i, labels) => labels.Add(("le", Bounds[i % Bounds.Length])));

    private Family Make(string name, int count, long intervalMs, double hours, Kind kind, Action<int, List<(string, string)>> more)
    {
        var series = new Labels[count];
        for (int i = 0; i < count; i++)
        {
            int target = kind == Kind.Bucket ? i / Bounds.Length : i;
            var labels = new List<(string, string)>
            {
                ("__name__", name), ("instance", $"10.{target / 10_000}.{target / 100 % 100}.{target % 100}:9100"), ("job", $"service-{target % 20}"),
            };
            more(i, labels);
            series[i] = Labels.Of([.. labels]);
        }
        return new Family(kind, series, new double[count], intervalMs, (EndMs - (long)(hours * 3_600_000)) / intervalMs * intervalMs);
    }

    private static async Task SendAsync(HttpClient http, Uri target, byte[] body)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.Add("Content-Type", RemoteWriteHeaders.ContentType(RemoteWriteVersion.V1));
        content.Headers.Add("Content-Encoding", "snappy");
        using var request = new HttpRequestMessage(HttpMethod.Post, target) { Content = content };
        request.Headers.Add(RemoteWriteHeaders.Version, RemoteWriteHeaders.VersionValue(RemoteWriteVersion.V1));
        using var response = await http.SendAsync(request);
        if (!response.IsSuccessStatusCode) throw new InvalidOperationException($"{target} answered {(int)response.StatusCode}: {await response.Content.ReadAsStringAsync()}");
    }

    /// <param name="Values">Of the scrape before, by series.</param>
    private sealed record Family(Kind Kind, Labels[] Series, double[] Values, long IntervalMs, long StartMs);
}
