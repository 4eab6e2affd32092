using System.Buffers;
using System.Net;
using System.Net.Http.Headers;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Collector.Relabeling;
using Pharos.Collector.RemoteWrite;
using Pharos.Collector.Tests.Scraping;
using Pharos.Core;
using Pharos.Wire.Compression;
using Pharos.Wire.RemoteWrite;

namespace Pharos.Collector.Tests.RemoteWrite;

public sealed class RemoteWriteQueueTests : IDisposable
{
    private readonly TemporaryFolder folder = Places.NewFolder();
    private readonly FakeReceiver receiver = new();
    private readonly Instruments instruments = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Samples_arrive_with_external_labels_rules_and_headers()
    {
        var options = Options() with { ExternalLabels = Labels.Of(("edge", "berlin"), ("job", "ignored")) };
        var endpoint = options.Endpoints[0] with
        {
            Http = HttpClientOptions.Default with { Headers = new Dictionary<string, string> { ["X-Scope-OrgID"] = "shop" } },
            WriteRelabelRules = [Rule(new RelabelRuleOptions { SourceLabels = ["__name__"], Regex = "secret.*", Action = "drop" })],
        };
        await using (var queue = Queue(options with { Endpoints = [endpoint] }))
        {
            await AppendAsync(queue, ("up", 1000, 1), ("secret_total", 1000, 2));
            await receiver.HasAsync(1);
        }
        Assert.Equal(["{__name__=\"up\", edge=\"berlin\", job=\"web\"} 1000 1"], receiver.Samples);
        var headers = receiver.LastHeaders!;
        Assert.Equal("0.1.0", headers.GetValues("X-Prometheus-Remote-Write-Version").Single());
        Assert.Equal("shop", headers.GetValues("X-Scope-OrgID").Single());
        Assert.Equal(1, Metric("prometheus_remote_storage_samples_dropped_total"));
    }

    [Fact]
    public async Task A_receiver_that_is_away_loses_nothing_and_order_holds()
    {
        receiver.Answer = HttpStatusCode.ServiceUnavailable;
        await using var queue = Queue(Options());
        for (int i = 0; i < 500; i++) await AppendAsync(queue, ("a", i, i), ("b", i, i));
        await receiver.AskedAsync(3);
        Assert.Empty(receiver.Samples);
        receiver.Answer = HttpStatusCode.NoContent;
        await receiver.HasAsync(1000);
        foreach (string name in new[] { "a", "b" })
            Assert.Equal(Enumerable.Range(0, 500).Select(i => $"{{__name__=\"{name}\", job=\"web\"}} {i} {i}"), receiver.Samples.Where(s => s.Contains($"\"{name}\"", StringComparison.Ordinal)));
        Assert.True(Metric("prometheus_remote_storage_samples_retried_total") > 0);
    }

    [Fact]
    public async Task A_restart_while_the_receiver_is_away_loses_nothing()
    {
        receiver.Answer = HttpStatusCode.BadGateway;
        for (int run = 0; run < 3; run++)
        {
            await using var queue = Queue(Options(drain: TimeSpan.Zero));
            for (int i = 0; i < 100; i++) await AppendAsync(queue, ("a", (run * 100) + i, i));
        }
        receiver.Answer = HttpStatusCode.NoContent;
        await using (var queue = Queue(Options()))
        {
            await receiver.HasAsync(300);
        }
        Assert.Equal(Enumerable.Range(0, 300).Select(i => $"{{__name__=\"a\", job=\"web\"}} {i} {i % 100}"), receiver.Samples);
    }

    [Fact]
    public async Task What_was_taken_is_not_sent_again_after_a_clean_restart()
    {
        await using (var queue = Queue(Options()))
        {
            await AppendAsync(queue, ("a", 1, 1));
            await receiver.HasAsync(1);
        }
        await using (var queue = Queue(Options()))
        {
            await AppendAsync(queue, ("a", 2, 2));
            await receiver.HasAsync(2);
        }
        Assert.Equal(["{__name__=\"a\", job=\"web\"} 1 1", "{__name__=\"a\", job=\"web\"} 2 2"], receiver.Samples);
    }

    [Fact]
    public async Task A_refused_batch_is_dropped_counted_and_holds_up_nothing()
    {
        receiver.RefusesBefore = 2;
        await using var queue = Queue(Options());
        await AppendAsync(queue, ("a", 1, 1));
        await receiver.AskedAsync(1);
        await AppendAsync(queue, ("a", 2, 2));
        await receiver.HasAsync(1);
        Assert.Equal(["{__name__=\"a\", job=\"web\"} 2 2"], receiver.Samples);
        Assert.Equal(1, Metric("prometheus_remote_storage_samples_failed_total"));
    }

    [Fact]
    public async Task After_a_restart_a_refusal_costs_only_the_samples_it_is_about()
    {
        receiver.Answer = HttpStatusCode.BadGateway;
        await using (var queue = Queue(Options(drain: TimeSpan.Zero)))
        {
            for (int i = 0; i < 50; i++) await AppendAsync(queue, ("a", i, i));
            await receiver.AskedAsync(1);
        }
        // The receiver has the first twenty from an answer that was lost, and refuses a batch that holds any of them.
        receiver.RefusesBefore = 20;
        receiver.Answer = HttpStatusCode.NoContent;
        await using (var queue = Queue(Options()))
        {
            await receiver.HasAsync(30);
        }
        Assert.Equal(Enumerable.Range(20, 30).Select(i => $"{{__name__=\"a\", job=\"web\"}} {i} {i}"), receiver.Samples);
    }

    [Fact]
    public async Task Batches_are_no_larger_than_allowed()
    {
        var options = Options();
        await using var queue = Queue(options with { Endpoints = [options.Endpoints[0] with { SamplesPerSendMax = 40 }] });
        await AppendAsync(queue, [.. Enumerable.Range(0, 100).Select(i => ($"m{i}", 1L, (double)i))]);
        await receiver.HasAsync(100);
        Assert.Equal([40, 40, 20], receiver.BatchSizes);
    }

    [Fact]
    public async Task A_torn_tail_is_passed_over()
    {
        receiver.Answer = HttpStatusCode.BadGateway;
        await using (var queue = Queue(Options(drain: TimeSpan.Zero)))
        {
            await AppendAsync(queue, ("a", 1, 1));
            await AppendAsync(queue, ("a", 2, 2));
        }
        string segment = Directory.EnumerateFiles(Path.Combine(folder, "queue")).Order().First();
        using (var file = File.OpenWrite(segment)) file.SetLength(file.Length - 3);
        receiver.Answer = HttpStatusCode.NoContent;
        await using (var queue = Queue(Options()))
        {
            await AppendAsync(queue, ("a", 3, 3));
            await receiver.HasAsync(2);
        }
        Assert.Equal(["{__name__=\"a\", job=\"web\"} 1 1", "{__name__=\"a\", job=\"web\"} 3 3"], receiver.Samples);
        Assert.Equal(1, Metric("prometheus_remote_write_wal_corruptions_total"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_waits_too_long_or_is_too_much_is_given_up_and_counted_to_the_sample(bool byAge)
    {
        receiver.Answer = HttpStatusCode.BadGateway;
        var time = new SimulatedTimeProvider(TimeProvider.System.GetUtcNow());
        var options = Options(drain: TimeSpan.Zero);
        options = options with
        {
            Endpoints = [options.Endpoints[0] with { SamplesPerSendMax = 10, Capacity = 20 }],
            Wal = new RemoteWriteWalOptions { SegmentBytes = 500, BytesMax = byAge ? long.MaxValue : 2_000, KeepaliveMax = byAge ? TimeSpan.FromHours(8) : TimeSpan.FromDays(365) },
        };
        time.TimerSet += receiver.Changes.Signal;
        await using var queue = Queue(options, time);
        for (int i = 0; i < 200; i++) await AppendAsync(queue, ("a", i, i));
        await receiver.AskedAsync(1);
        string[] files = Directory.GetFiles(Path.Combine(folder, "queue"));
        Assert.True(files.Length > 10, "the queue has many segments");
        if (byAge) foreach (string file in files.Order().SkipLast(1)) File.SetLastWriteTimeUtc(file, time.GetUtcNow().UtcDateTime.AddHours(-9));
        // The samples before the last segments are given up while the receiver is away, in memory too; each counts.
        await receiver.Changes.UntilAsync(
            () =>
            {
                time.Advance(TimeSpan.FromSeconds(30));
                return Directory.GetFiles(Path.Combine(folder, "queue")).Sum(f => new FileInfo(f).Length) <= 2_000;
            },
            () => "a queue below its limit");
        receiver.Answer = HttpStatusCode.NoContent;
        await AppendAsync(queue, ("last", 1_000, 1));
        await receiver.Changes.UntilAsync(
            () =>
            {
                time.Advance(TimeSpan.FromSeconds(1));
                return receiver.Samples.Any(s => s.Contains("last", StringComparison.Ordinal));
            },
            () => "the last sample");
        double dropped = Metric("prometheus_remote_storage_samples_dropped_total");
        Assert.Equal(byAge ? "too_old" : "wal_size", instruments.Read().Single(f => f.Name == "prometheus_remote_storage_samples_dropped_total").Cells.Single(c => c.Value > 0).LabelValues[^1]);
        Assert.Equal(201, dropped + receiver.Samples.Count);
        Assert.InRange(dropped, 100, 199);
        Assert.Equal(receiver.Samples.Select(s => s).Distinct(), receiver.Samples);
    }

    [Fact]
    public async Task Sent_segments_are_deleted()
    {
        var options = Options() with { Wal = new RemoteWriteWalOptions { SegmentBytes = 200 } };
        await using (var queue = Queue(options))
        {
            for (int i = 0; i < 100; i++) await AppendAsync(queue, ("a", i, i));
            await receiver.HasAsync(100);
        }
        Assert.Single(Directory.EnumerateFiles(Path.Combine(folder, "queue")));
    }

    [Fact]
    public async Task Histograms_and_exemplars_go_in_version_2_with_metadata()
    {
        var options = Options();
        await using var queue = Queue(options with { Endpoints = [options.Endpoints[0] with { Version = RemoteWriteVersion.V2, SendNativeHistograms = true }] });
        using var batch = new MetricBatch();
        int series = batch.AddSeries(Labels.Of(("__name__", "latency_seconds")));
        batch.AddHistogram(series, 5, new Histogram { Schema = 0, Count = 3, Sum = 4, PositiveSpans = [new BucketSpan(0, 1)], PositiveBuckets = [3] });
        batch.Exemplars.Add(new BatchExemplar(series, 5, 1, Labels.Of(("trace_id", "x"))));
        batch.Metadata.Add(new MetricMetadata("latency_seconds", MetricType.Histogram, "Latency.", "seconds"));
        await queue.AppendAsync(batch, CancellationToken.None);
        await receiver.HasAsync(1);
        Assert.Equal(["{__name__=\"latency_seconds\"} 5 histogram 3"], receiver.Samples);
        Assert.Equal(1, receiver.Exemplars);
        Assert.Equal([new MetricMetadata("latency_seconds", MetricType.Histogram, "Latency.", "seconds")], receiver.Metadata);
    }

    [Fact]
    public async Task A_receiver_that_does_not_speak_version_2_is_noticed()
    {
        receiver.SpeaksVersion2 = false;
        var options = Options();
        await using (var queue = Queue(options with { Endpoints = [options.Endpoints[0] with { Version = RemoteWriteVersion.V2 }] }))
        {
            await AppendAsync(queue, ("a", 1, 1));
            await receiver.AskedAsync(1);
        }
        Assert.Equal(1, Metric("prometheus_remote_storage_samples_failed_total"));
    }

    [Theory]
    [InlineData(RemoteWriteVersion.V1)]
    [InlineData(RemoteWriteVersion.V2)]
    public async Task Start_timestamps_go_through_rules_a_restart_and_a_halved_batch_to_receivers_of_version_2(RemoteWriteVersion version)
    {
        var options = Options(drain: TimeSpan.Zero);
        options = options with { Endpoints = [options.Endpoints[0] with { Version = version, SendNativeHistograms = true }] };
        using var batch = new MetricBatch();
        foreach (string name in new[] { "a", "drop", "b" })
        {
            int series = batch.AddSeries(Labels.Of(("__name__", name)));
            batch.AddSample(series, 1000, 1);
            if (name != "b") batch.AddSampleStart(name == "a" ? 400 : 300);
            batch.AddSample(series, 2000, 2);
            batch.AddSampleStart(500);
            batch.AddHistogram(series, 3000, new Histogram { Count = 1, ZeroCount = 1 });
            batch.AddHistogramStart(name == "a" ? 600 : 700);
        }
        receiver.Answer = HttpStatusCode.BadGateway;
        await using (var queue = Queue(options))
        {
            await new MetricsRelabeler([Rule(new RelabelRuleOptions { SourceLabels = ["__name__"], Regex = "drop", Action = "drop" })], queue, instruments).AppendAsync(batch, CancellationToken.None);
        }
        // The receiver may have the first already: the batch is halved until the rest is through.
        receiver.RefusesBefore = 1500;
        receiver.Answer = HttpStatusCode.NoContent;
        await using (Queue(options with { Endpoints = [options.Endpoints[0] with { DrainTimeout = TimeSpan.FromSeconds(5) }] })) await receiver.HasAsync(4);
        bool v2 = version == RemoteWriteVersion.V2;
        Assert.Equal(
            [
                "{__name__=\"a\"} 2000 2" + (v2 ? " since 500" : ""), "{__name__=\"a\"} 3000 histogram 1" + (v2 ? " since 600" : ""),
                "{__name__=\"b\"} 2000 2" + (v2 ? " since 500" : ""), "{__name__=\"b\"} 3000 histogram 1" + (v2 ? " since 700" : ""),
            ],
            receiver.Samples.Order(StringComparer.Ordinal));
    }

    private static RemoteWriteOptions Options(TimeSpan? drain = null) => new()
    {
        Endpoints =
        [
            new RemoteWriteEndpointOptions
            {
                Url = new Uri("http://receiver/api/v1/push"),
                Name = "test",
                BatchSendDeadline = TimeSpan.FromMilliseconds(20),
                BackoffMin = TimeSpan.FromMilliseconds(1),
                BackoffMax = TimeSpan.FromMilliseconds(5),
                DrainTimeout = drain ?? TimeSpan.FromSeconds(5),
            },
        ],
    };

    private static RelabelRule Rule(RelabelRuleOptions options) => RelabelRule.TryCreate(options, out var rule, out string? error) ? rule : throw new InvalidOperationException(error);

    private RemoteWriteQueue Queue(RemoteWriteOptions options, TimeProvider? time = null) => new(
        options, folder, o => new HeadersHandler(o) { InnerHandler = new FakeHandler(receiver.TakeAsync) }, time ?? TimeProvider.System, instruments, NullLogger.Instance);

    private static async Task AppendAsync(RemoteWriteQueue queue, params (string Name, long At, double Value)[] samples)
    {
        using var batch = new MetricBatch();
        foreach (var (name, at, value) in samples) batch.AddSample(batch.AddSeries(Labels.Of(("__name__", name), ("job", "web"))), at, value);
        await queue.AppendAsync(batch, CancellationToken.None);
    }

    private double Metric(string name) => instruments.Read().Single(f => f.Name == name).Cells.Sum(c => c.Value);

    private sealed class HeadersHandler(HttpClientOptions options) : DelegatingHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            foreach (var (name, value) in options.Headers) request.Headers.Add(name, value);
            return base.SendAsync(request, cancellationToken);
        }
    }

    /// <summary>Speaks remote write as a receiver does; goes down and comes back as told.</summary>
    private sealed class FakeReceiver
    {
        private readonly Lock gate = new();
        private readonly List<string> samples = [];
        private readonly List<int> sizes = [];
        private int asked;

        /// <summary>Signalled with each request and each batch that is kept.</summary>
        public Changes Changes { get; } = new();

        public HttpStatusCode Answer { get; set; } = HttpStatusCode.NoContent;
        public long RefusesBefore { get; set; } = long.MinValue;
        public bool SpeaksVersion2 { get; set; } = true;
        public int Exemplars { get; private set; }
        public List<MetricMetadata> Metadata { get; } = [];
        public HttpRequestHeaders? LastHeaders { get; private set; }

        public IReadOnlyList<string> Samples
        {
            get
            {
                lock (gate) return [.. samples];
            }
        }

        public IReadOnlyList<int> BatchSizes
        {
            get
            {
                lock (gate) return [.. sizes];
            }
        }

        public Task HasAsync(int count) => Changes.UntilAsync(() => Samples.Count >= count, () => $"{count} samples");

        public Task AskedAsync(int times) => Changes.UntilAsync(() => Volatile.Read(ref asked) >= times, () => $"{times} requests");

        public async Task<HttpResponseMessage> TakeAsync(HttpRequestMessage request, CancellationToken cancel)
        {
            LastHeaders = request.Headers;
            Interlocked.Increment(ref asked);
            Changes.Signal();
            if (Answer != HttpStatusCode.NoContent) return new HttpResponseMessage(Answer) { Content = new StringContent("not now") };
            byte[] plain = SnappyBlock.Decode(await request.Content!.ReadAsByteArrayAsync(cancel), 1 << 24, out int length);
            using var batch = new MetricBatch();
            var decoder = new RemoteWriteDecoder();
            if (request.Content.Headers.ContentType!.Parameters.Any(p => p.Value == RemoteWriteHeaders.MessageV2)) decoder.DecodeV2(plain.AsSpan(0, length), batch, starts: true);
            else decoder.DecodeV1(plain.AsSpan(0, length), batch, starts: true);
            ArrayPool<byte>.Shared.Return(plain);
            Assert.Empty(decoder.Rejected);
            if (batch.Samples.ToArray().Any(s => s.TimestampMs < RefusesBefore)) return new HttpResponseMessage(HttpStatusCode.BadRequest) { Content = new StringContent("out of order sample") };
            lock (gate)
            {
                var starts = batch.Starts.ToDictionary(s => s.Sample, s => $" since {s.StartMs}");
                for (int i = 0; i < batch.Samples.Length; i++)
                    samples.Add($"{Labels.FromEncoded(batch.LabelsOf(batch.Samples[i].Series))} {batch.Samples[i].TimestampMs} {batch.Samples[i].Value}{starts.GetValueOrDefault(i)}");
                starts = batch.HistogramStarts.ToDictionary(s => s.Sample, s => $" since {s.StartMs}");
                for (int i = 0; i < batch.Histograms.Count; i++)
                    samples.Add($"{Labels.FromEncoded(batch.LabelsOf(batch.Histograms[i].Series))} {batch.Histograms[i].TimestampMs} histogram {batch.Histograms[i].Histogram.Count}{starts.GetValueOrDefault(i)}");
                sizes.Add(batch.Samples.Length + batch.Histograms.Count);
                Exemplars += batch.Exemplars.Count;
                Metadata.AddRange(batch.Metadata);
            }
            Changes.Signal();
            var answer = new HttpResponseMessage(HttpStatusCode.NoContent);
            if (SpeaksVersion2) answer.Headers.Add(RemoteWriteHeaders.SamplesWritten, $"{batch.Samples.Length}");
            return answer;
        }

    }
}
