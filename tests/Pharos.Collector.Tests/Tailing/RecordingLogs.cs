using System.Text;
using Pharos.Core;

namespace Pharos.Collector.Tests.Tailing;

/// <summary>Keeps the lines it is sent; fails while it is told to.</summary>
internal sealed class RecordingLogs : ILogsReceiver
{
    private readonly Lock gate = new();
    private readonly Changes changes = new();
    private readonly List<(Labels Labels, long TimestampNs, string Line, string Metadata)> entries = [];

    public bool Fails { get; set; }

    public int Refusals { get; private set; }

    public IReadOnlyList<(Labels Labels, long TimestampNs, string Line, string Metadata)> Entries
    {
        get
        {
            lock (gate) return [.. entries];
        }
    }

    public IReadOnlyList<string> Lines => [.. Entries.Select(e => e.Line)];

    public ValueTask AppendAsync(LogBatch batch, CancellationToken cancel)
    {
        try
        {
            Take(batch);
        }
        finally
        {
            changes.Signal();
        }
        return ValueTask.CompletedTask;
    }

    /// <summary>Looks again after each batch.</summary>
    public Task UntilAsync(Func<bool> condition, string what) => changes.UntilAsync(condition, () => $"{what}; lines: {string.Join(" | ", Lines)}");

    private void Take(LogBatch batch)
    {
        lock (gate)
        {
            if (Fails)
            {
                Refusals++;
                throw new IOException("the receiver is away");
            }
            foreach (var entry in batch.Entries)
            {
                entries.Add((Labels.FromEncoded(batch.LabelsOf(entry.Stream)), entry.TimestampNs, Encoding.UTF8.GetString(batch.LineOf(entry)),
                    Labels.FromEncoded(batch.MetadataOf(entry)).ToString()));
            }
        }
    }
}
