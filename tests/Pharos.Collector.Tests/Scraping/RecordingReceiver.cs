using Pharos.Core;

namespace Pharos.Collector.Tests.Scraping;

/// <summary>Keeps what it is sent as text, and lets a test wait for the next batch.</summary>
internal sealed class RecordingReceiver : IMetricsReceiver, IDisposable
{
    private readonly Lock gate = new();
    private readonly List<string> lines = [];
    private readonly SemaphoreSlim batches = new(0);

    public List<MetricMetadata> Metadata { get; } = [];

    /// <summary>Of the last batch.</summary>
    public IReadOnlyList<BatchStart> Starts { get; private set; } = [];

    /// <inheritdoc cref="Starts"/>
    public IReadOnlyList<BatchStart> HistogramStarts { get; private set; } = [];

    public IReadOnlyList<string> Take()
    {
        lock (gate)
        {
            string[] taken = [.. lines];
            lines.Clear();
            return taken;
        }
    }

    public async Task NextBatchAsync() => Assert.True(await batches.WaitAsync(TimeSpan.FromSeconds(20)), "no batch came");

    public void Dispose() => batches.Dispose();

    public ValueTask AppendAsync(MetricBatch batch, CancellationToken cancel)
    {
        lock (gate)
        {
            foreach (var sample in batch.Samples)
            {
                string value = SampleValue.IsStale(sample.Value) ? "stale" : $"{sample.Value}";
                lines.Add($"{Labels.FromEncoded(batch.LabelsOf(sample.Series))} {value} @{sample.TimestampMs}");
            }
            foreach (var (series, timestampMs, histogram) in batch.Histograms)
                lines.Add($"{Labels.FromEncoded(batch.LabelsOf(series))} {Text(histogram)} @{timestampMs}");
            Metadata.AddRange(batch.Metadata);
            (Starts, HistogramStarts) = ([.. batch.Starts], [.. batch.HistogramStarts]);
        }
        batches.Release();
        return ValueTask.CompletedTask;
    }

    private static string Text(Histogram h) => FormattableString.Invariant(
        $"schema {h.Schema} count {h.Count} sum {h.Sum} bounds {string.Join(',', h.CustomValues)} buckets {string.Join(',', h.PositiveBuckets)} spans {string.Join(',', h.PositiveSpans.Select(s => $"{s.Offset}+{s.Length}"))}");
}

/// <summary>Answers requests from a function, without a socket.</summary>
internal sealed class FakeHandler(Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> answer) : HttpMessageHandler
{
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => answer(request, cancellationToken);
}
