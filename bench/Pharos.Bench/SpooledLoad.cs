using System.Buffers.Binary;
using Pharos.Core;
using Pharos.Wire.RemoteWrite;

namespace Pharos.Bench;

/// <summary>What is sent.</summary>
/// <param name="Series">Series that each scrape brings; rounded up to whole targets.</param>
/// <param name="ChurnPercent">Percent of the targets that are replaced after every tenth scrape, their series with them.</param>
internal sealed record LoadShape(int Series, int Scrapes, TimeSpan Step, double ChurnPercent, int Senders, int Seed);

/// <summary>
/// Remote-write bodies made before any clock starts and kept in files, one for each sender, so that every system gets the same
/// bytes, memory stays small, and making them costs nobody CPU while it is measured.
/// </summary>
internal sealed class SpooledLoad : IDisposable
{
    public const int SamplesPerRequest = 2000;

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("pharos-bench-load-");
    private readonly LoadShape shape;
    private readonly int targets;
    private readonly long[] firstScrapeEnds;

    private SpooledLoad(LoadShape shape)
    {
        this.shape = shape;
        targets = (shape.Series + SeriesModel.SeriesPerTarget - 1) / SeriesModel.SeriesPerTarget;
        firstScrapeEnds = new long[shape.Senders];
    }

    public int Targets => targets;

    public long Active => (long)targets * SeriesModel.SeriesPerTarget;

    /// <summary>Series that were ever sent.</summary>
    public long SeriesEver { get; private set; }

    public long Samples => Active * shape.Scrapes;

    public long BodyBytes { get; private set; }

    /// <param name="endMs">Time of the last scrape, Unix milliseconds.</param>
    public static SpooledLoad Make(LoadShape shape, long endMs)
    {
        var load = new SpooledLoad(shape);
        var model = new SeriesModel(shape.Seed);
        load.SeriesEver = load.Active + ((long)load.ReplacedEach * SeriesModel.SeriesPerTarget * ((shape.Scrapes - 1) / 10));
        int perSender = (load.targets + shape.Senders - 1) / shape.Senders;
        Parallel.For(0, shape.Senders, sender => load.Spool(model, sender, sender * perSender, Math.Min(load.targets, (sender + 1) * perSender), endMs));
        return load;
    }

    /// <summary>Sends the first scrape, or all others; each sender one request after the other. Returns the wall seconds it took.</summary>
    /// <param name="pace">When to send each request; null: as soon as the one before was answered.</param>
    /// <param name="tenant">Whose samples they are, where the server has several tenants.</param>
    public async Task<double> SendAsync(Uri target, bool firstScrape, Pace? pace = null, string? tenant = null)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromMinutes(5) };
        long started = TimeProvider.System.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, shape.Senders).Select(sender => Task.Run(() => SendAsync(http, target, sender, firstScrape, pace, tenant))));
        return TimeProvider.System.GetElapsedTime(started).TotalSeconds;
    }

    public void Dispose() => folder.Delete(recursive: true);

    private int ReplacedEach => (int)(targets * shape.ChurnPercent / 100);

    private string PathOf(int sender) => Path.Combine(folder.FullName, $"{sender}.bodies");

    /// <summary>After every tenth scrape the next few targets, going round, start a new life.</summary>
    private int LifeOf(int target, int scrape)
    {
        int replaced = ReplacedEach * (scrape / 10);
        return (replaced / targets) + (target < replaced % targets ? 1 : 0);
    }

    private void Spool(SeriesModel model, int sender, int from, int to, long endMs)
    {
        using var file = new FileStream(PathOf(sender), FileMode.Create, FileAccess.Write, FileShare.Read, 1 << 20);
        using var encoder = new RemoteWriteEncoder();
        using var batch = new MetricBatch();
        int stepMs = (int)shape.Step.TotalMilliseconds;
        // Making a label set takes longer than all else, and a target keeps its own for many scrapes.
        var labels = new (int Life, Labels[] Series)[Math.Max(0, to - from)];
        var inOrder = Enumerable.Range(from, Math.Max(0, to - from)).OrderBy(t => model.OffsetMs(t, stepMs)).ToArray();
        for (int scrape = 0; scrape < shape.Scrapes; scrape++)
        {
            foreach (int target in inOrder)
            {
                long at = endMs - ((long)(shape.Scrapes - scrape) * stepMs) + model.OffsetMs(target, stepMs);
                int life = LifeOf(target, scrape);
                ref var known = ref labels[target - from];
                if (known.Series is null || known.Life != life)
                    known = (life, [.. Enumerable.Range(0, SeriesModel.SeriesPerTarget).Select(series => model.LabelsOf(target, life, series))]);
                for (int series = 0; series < SeriesModel.SeriesPerTarget; series++)
                {
                    batch.AddSample(batch.AddSeries(known.Series[series]), at, model.Value(target, life, series, scrape));
                    if (batch.SeriesCount == SamplesPerRequest) Write(file, encoder, batch);
                }
            }
            if (!batch.IsEmpty) Write(file, encoder, batch);
            if (scrape == 0) firstScrapeEnds[sender] = file.Position;
        }
        lock (folder) BodyBytes += file.Position;
    }

    private static void Write(FileStream file, RemoteWriteEncoder encoder, MetricBatch batch)
    {
        var body = encoder.Encode(batch, RemoteWriteVersion.V1).Span;
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, body.Length);
        file.Write(length);
        file.Write(body);
        batch.Clear();
    }

    private async Task SendAsync(HttpClient http, Uri target, int sender, bool firstScrape, Pace? pace, string? tenant)
    {
        await using var file = new FileStream(PathOf(sender), FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 20);
        long end = firstScrape ? firstScrapeEnds[sender] : file.Length;
        file.Position = firstScrape ? 0 : firstScrapeEnds[sender];
        byte[] length = new byte[4], body = new byte[64 << 10];
        while (file.Position < end)
        {
            await file.ReadExactlyAsync(length);
            int bytes = BinaryPrimitives.ReadInt32LittleEndian(length);
            if (body.Length < bytes) body = new byte[bytes * 2];
            await file.ReadExactlyAsync(body.AsMemory(0, bytes));
            long due = pace is null ? 0 : await pace.NextAsync();
            using var content = new ByteArrayContent(body, 0, bytes);
            content.Headers.Add("Content-Type", RemoteWriteHeaders.ContentType(RemoteWriteVersion.V1));
            content.Headers.Add("Content-Encoding", "snappy");
            using var request = new HttpRequestMessage(HttpMethod.Post, target) { Content = content };
            request.Headers.Add(RemoteWriteHeaders.Version, RemoteWriteHeaders.VersionValue(RemoteWriteVersion.V1));
            if (tenant is not null) request.Headers.Add("X-Scope-OrgID", tenant);
            using var response = await http.SendAsync(request);
            if (!response.IsSuccessStatusCode)
                throw new InvalidOperationException($"{target} answered {(int)response.StatusCode}: {await response.Content.ReadAsStringAsync()}");
            pace?.Answered(due);
        }
    }
}
