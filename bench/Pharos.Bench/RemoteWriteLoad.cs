using Pharos.Core;
using Pharos.Wire.RemoteWrite;

namespace Pharos.Bench;

/// <summary>
/// Remote-write requests made before the clock starts: counters that rise by seeded steps, realistic label sets,
/// split over senders by series so that each series stays in order.
/// </summary>
internal sealed class RemoteWriteLoad
{
    private const int SeriesPerRequest = 2000;

    private RemoteWriteLoad(byte[][][] requests, long samples)
    {
        Requests = requests;
        Samples = samples;
    }

    /// <summary>Bodies by sender, in the order to send.</summary>
    public byte[][][] Requests { get; }

    public long Samples { get; }

    public static RemoteWriteLoad Make(int series, int scrapes, int senders, long endMs, int seed)
    {
        const long intervalMs = 15_000;
        var random = new Random(seed);
        var labels = new Labels[series];
        var values = new double[series];
        for (int i = 0; i < series; i++)
        {
            labels[i] = Labels.Of(
                ("__name__", $"app_requests_{i % 50}_total"), ("instance", $"10.0.{i / 100 % 256}.{i % 100}:9100"), ("job", $"service-{i % 20}"),
                ("cluster", "eu-1"), ("namespace", $"ns-{i % 12}"), ("pod", $"service-{i % 20}-{i / 50:x6}"), ("status", i % 7 == 0 ? "500" : "200"));
            values[i] = random.Next(1_000_000);
        }
        var requests = new byte[senders][][];
        using var encoder = new RemoteWriteEncoder();
        using var batch = new MetricBatch();
        int perSender = (series + senders - 1) / senders;
        var bySender = Enumerable.Range(0, senders).Select(_ => new List<byte[]>()).ToArray();
        for (int scrape = 0; scrape < scrapes; scrape++)
        {
            long at = endMs - ((scrapes - 1 - scrape) * intervalMs);
            for (int sender = 0; sender < senders; sender++)
            {
                int end = Math.Min(series, (sender + 1) * perSender);
                for (int from = sender * perSender; from < end; from += SeriesPerRequest)
                {
                    batch.Clear();
                    for (int i = from; i < Math.Min(end, from + SeriesPerRequest); i++)
                    {
                        values[i] += random.Next(100);
                        batch.AddSample(batch.AddSeries(labels[i]), at, values[i]);
                    }
                    bySender[sender].Add(encoder.Encode(batch, RemoteWriteVersion.V1).ToArray());
                }
            }
        }
        for (int sender = 0; sender < senders; sender++) requests[sender] = [.. bySender[sender]];
        return new RemoteWriteLoad(requests, (long)series * scrapes);
    }

    /// <summary>Sends everything, each sender one request after the other; returns the wall seconds it took.</summary>
    public async Task<double> SendAsync(Uri target)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromMinutes(2) };
        long started = TimeProvider.System.GetTimestamp();
        await Task.WhenAll(Requests.Select(async bodies =>
        {
            foreach (byte[] body in bodies)
            {
                using var content = new ByteArrayContent(body);
                content.Headers.Add("Content-Type", RemoteWriteHeaders.ContentType(RemoteWriteVersion.V1));
                content.Headers.Add("Content-Encoding", "snappy");
                using var request = new HttpRequestMessage(HttpMethod.Post, target) { Content = content };
                request.Headers.Add(RemoteWriteHeaders.Version, RemoteWriteHeaders.VersionValue(RemoteWriteVersion.V1));
                using var response = await http.SendAsync(request);
                if (!response.IsSuccessStatusCode)
                    throw new InvalidOperationException($"{target} answered {(int)response.StatusCode}: {await response.Content.ReadAsStringAsync()}");
            }
        }));
        return TimeProvider.System.GetElapsedTime(started).TotalSeconds;
    }
}
