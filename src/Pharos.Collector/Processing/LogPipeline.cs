using System.Text;
using Pharos.Collector.LokiWriting;
using Pharos.Collector.Processing.Stages;
using Pharos.Core;

namespace Pharos.Collector.Processing;

/// <summary>
/// Runs each log line through stages and hands on what comes out: <c>loki.process</c>. Stages that gather lines (multiline, cri) let go of
/// what waits too long when <see cref="RunAsync"/> runs.
/// </summary>
public sealed class LogPipeline : ILogsReceiver, IDisposable
{
    /// <summary>Names an entry's tenant on the way to <c>loki.write</c>; never sent.</summary>
    public const string TenantLabel = LokiWriter.TenantLabel;

    private readonly ILogsReceiver next;
    private readonly TimeProvider time;
    private readonly IStage first;
    private readonly IReadOnlyList<IHolder> holders;
    private readonly SemaphoreSlim gate = new(1, 1);
    private readonly Output output;

    private LogPipeline(IStage first, IReadOnlyList<IHolder> holders, Output output, ILogsReceiver next, TimeProvider time)
    {
        this.first = first;
        this.holders = holders;
        this.output = output;
        this.next = next;
        this.time = time;
    }

    /// <summary>Builds a pipeline.</summary>
    /// <exception cref="ConfigurationException">A stage is configured wrongly; all mistakes are in it.</exception>
    public static LogPipeline Create(IReadOnlyList<StageOptions> stages, ILogsReceiver next, TimeProvider time, Instruments instruments)
    {
        var output = new Output();
        var factory = new StageFactory(time, instruments);
        var first = factory.Chain(stages, output);
        if (factory.Errors.Count > 0) throw new ConfigurationException([.. factory.Errors.Select(e => Diagnostic.Error(SourcePosition.None, e))]);
        return new LogPipeline(first, factory.Holders, output, next, time);
    }

    public async ValueTask AppendAsync(LogBatch batch, CancellationToken cancel)
    {
        await gate.WaitAsync(cancel);
        try
        {
            output.Clear();
            for (int i = 0; i < batch.Entries.Length; i++) first.Process(Read(batch, i));
            await ForwardAsync(cancel);
        }
        finally
        {
            gate.Release();
        }
    }

    /// <summary>Lets go of gathered lines that waited too long, until cancelled; then of all.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        if (holders.Count == 0)
        {
            try
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, time, cancel);
            }
            catch (OperationCanceledException)
            {
                // Nothing is held.
            }
            return;
        }
        try
        {
            while (true)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(250), time, cancel);
                await FlushAsync(all: false, cancel);
            }
        }
        catch (OperationCanceledException)
        {
            await FlushAsync(all: true, CancellationToken.None);
        }
    }

    public void Dispose()
    {
        gate.Dispose();
        output.Dispose();
    }

    private async Task FlushAsync(bool all, CancellationToken cancel)
    {
        await gate.WaitAsync(cancel);
        try
        {
            output.Clear();
            foreach (var holder in holders) holder.Flush(all);
            await ForwardAsync(cancel);
        }
        catch (IOException)
        {
            // The lines were held when the receiver failed; they stay in the output and go with the next batch.
            output.Keep();
        }
        finally
        {
            gate.Release();
        }
    }

    private async ValueTask ForwardAsync(CancellationToken cancel)
    {
        if (output.Delay > TimeSpan.Zero) await Task.Delay(output.Delay, time, cancel);
        if (!output.Batch.IsEmpty) await next.AppendAsync(output.Batch, cancel);
    }

    private static LogEntry Read(LogBatch batch, int index)
    {
        var entry = batch.Entries[index];
        var metadata = batch.MetadataOf(entry);
        return new LogEntry
        {
            Labels = new LabelsBuilder(Labels.FromEncoded(batch.LabelsOf(entry.Stream))),
            TimestampNs = entry.TimestampNs,
            Line = Encoding.UTF8.GetString(batch.LineOf(entry)),
            Metadata = metadata.IsEmpty ? new LabelsBuilder() : new LabelsBuilder(Labels.FromEncoded(metadata)),
        };
    }

    /// <summary>The end of the chain: gathers entries into a batch.</summary>
    internal sealed class Output : IStage, IDisposable
    {
        private readonly Dictionary<Labels, int> streams = [];
        private bool keep;

        public LogBatch Batch { get; } = new();

        public TimeSpan Delay { get; private set; }

        public void Clear()
        {
            if (keep)
            {
                keep = false;
                return;
            }
            Batch.Clear();
            streams.Clear();
            Delay = TimeSpan.Zero;
        }

        /// <summary>The next <see cref="Clear"/> leaves what is there.</summary>
        public void Keep() => keep = true;

        public void Process(LogEntry entry)
        {
            var labels = entry.Labels.ToLabels();
            // Without labels there is no stream it could belong to.
            if (labels.IsEmpty) return;
            if (!streams.TryGetValue(labels, out int stream)) streams[labels] = stream = Batch.AddStream(labels);
            Batch.AddEntry(stream, entry.TimestampNs, Encoding.UTF8.GetBytes(entry.Line), entry.Metadata.Pairs.Count == 0 ? default : entry.Metadata.ToLabels().Encoded);
            if (entry.Delay > Delay) Delay = entry.Delay;
        }

        public void Dispose() => Batch.Dispose();
    }
}
