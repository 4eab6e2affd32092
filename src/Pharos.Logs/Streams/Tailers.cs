using System.Threading.Channels;
using Pharos.Core;

namespace Pharos.Logs.Streams;

/// <summary>An entry handed to a live tail.</summary>
public sealed record TailEntry(Labels Stream, long TimestampNs, byte[] Line, byte[] Metadata);

/// <summary>An entry that a live tail lost.</summary>
public readonly record struct DroppedEntry(Labels Stream, long TimestampNs);

/// <summary>A live tail: entries as they are stored, from the moment of its opening. A slow reader loses entries, which are counted.</summary>
public sealed class LogTail : IDisposable
{
    /// <summary>Lost entries that are named.</summary>
    public const int DroppedShownMax = 1000;

    private readonly Channel<TailEntry> channel = Channel.CreateBounded<TailEntry>(new BoundedChannelOptions(4096) { SingleReader = true });
    private readonly IReadOnlyList<Matcher> matchers;
    private readonly Tailers owner;
    private readonly Lock gate = new();
    private readonly List<DroppedEntry> dropped = [];
    private long droppedCount;

    internal LogTail(IReadOnlyList<Matcher> matchers, Tailers owner)
    {
        this.matchers = matchers;
        this.owner = owner;
    }

    public ChannelReader<TailEntry> Entries => channel.Reader;

    /// <summary>Number of entries lost since the last call, and the first <see cref="DroppedShownMax"/> of them.</summary>
    public (long Count, IReadOnlyList<DroppedEntry> First) TakeDropped()
    {
        if (Volatile.Read(ref droppedCount) == 0) return (0, []);
        lock (gate)
        {
            (long, IReadOnlyList<DroppedEntry>) taken = (droppedCount, [.. dropped]);
            droppedCount = 0;
            dropped.Clear();
            return taken;
        }
    }

    public void Dispose()
    {
        owner.Remove(this);
        channel.Writer.TryComplete();
    }

    internal bool Wants(Labels stream) => Matcher.All(matchers, stream);

    internal void Offer(TailEntry entry)
    {
        if (channel.Writer.TryWrite(entry)) return;
        lock (gate)
        {
            droppedCount++;
            if (dropped.Count < DroppedShownMax) dropped.Add(new DroppedEntry(entry.Stream, entry.TimestampNs));
        }
    }
}

/// <summary>The live tails of a tenant.</summary>
internal sealed class Tailers
{
    private volatile LogTail[] tails = [];
    private readonly Lock gate = new();

    public bool Any => tails.Length > 0;

    public LogTail Add(IReadOnlyList<Matcher> matchers)
    {
        lock (gate)
        {
            var tail = new LogTail(matchers, this);
            tails = [.. tails, tail];
            return tail;
        }
    }

    public void Remove(LogTail tail)
    {
        lock (gate) tails = [.. tails.Where(t => t != tail)];
    }

    public void Offer(Labels stream, long timestampNs, ReadOnlySpan<byte> line, ReadOnlySpan<byte> metadata)
    {
        TailEntry? entry = null;
        foreach (var tail in tails)
        {
            if (tail.Wants(stream)) tail.Offer(entry ??= new TailEntry(stream, timestampNs, line.ToArray(), metadata.ToArray()));
        }
    }
}
