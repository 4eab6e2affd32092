using System.Text;
using Pharos.Core;

namespace Pharos.Collector.Tests.Tailing;

/// <summary>Keeps the lines it is sent; fails while it is told to.</summary>
internal sealed class RecordingLogs : ILogsReceiver
{
    private readonly Lock gate = new();
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
        return ValueTask.CompletedTask;
    }

    public async Task UntilAsync(Func<bool> condition, string what)
    {
        for (int i = 0; i < 4000; i++)
        {
            if (condition()) return;
            await Task.Delay(5);
        }
        Assert.Fail($"{what} did not happen; lines: {string.Join(" | ", Lines)}");
    }
}
