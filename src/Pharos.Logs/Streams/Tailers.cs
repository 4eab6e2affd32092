using System.Threading.Channels;
using Pharos.Core;

namespace Pharos.Logs.Streams;

/// <summary>An entry handed to a live tail.</summary>
public sealed record TailEntry(Labels Stream, long TimestampNs, byte[] Line, byte[] Metadata);

/// <summary>A live tail: entries as they are stored, from the moment of its opening. A slow reader loses entries, which are counted.</summary>
public sealed class LogTail : IDisposable
{
    private readonly Channel<TailEntry> channel = Channel.CreateBounded<TailEntry>(new BoundedChannelOptions(4096) { SingleReader = true });
    private readonly IReadOnlyList<Matcher> matchers;
    private readonly Tailers owner;
    private long dropped;

    internal LogTail(IReadOnlyList<Matcher> matchers, Tailers owner)
    {
        this.matchers = matchers;
        this.owner = owner;
    }

    public ChannelReader<TailEntry> Entries => channel.Reader;

    /// <summary>Entries lost since the last call.</summary>
    public long TakeDropped() => Interlocked.Exchange(ref dropped, 0);

    public void Dispose()
    {
        owner.Remove(this);
        channel.Writer.TryComplete();
    }

    internal bool Wants(Labels stream) => Matcher.All(matchers, stream);

    internal void Offer(TailEntry entry)
    {
        if (!channel.Writer.TryWrite(entry)) Interlocked.Increment(ref dropped);
    }
}

/// <summary>The live tails of a tenant.</summary>
internal sealed class Tailers
{
    private volatile LogTail[] tails = [];
    private readonly Lock gate = new();

    public bool Any => tails.Length > 0;

    public int Count => tails.Length;

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
