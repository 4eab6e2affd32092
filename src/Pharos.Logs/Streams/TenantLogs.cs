using Pharos.Core;
using Pharos.Logs.Deletion;
using Pharos.Logs.Ingest;
using Pharos.Logs.Parts;

namespace Pharos.Logs.Streams;

/// <summary>
/// All streams and parts of one tenant: streams in memory are those that got entries since the last flush, all others stand in the
/// indexes of parts alone. Safe for several threads.
/// </summary>
internal sealed class TenantLogs(TenantId tenant, TimeProvider time, DeleteRequests deletes)
{
    private readonly Lock gate = new();
    private readonly List<PartFile> parts = [];

    // Set aside for a flush, the oldest first; more than one where flushes failed.
    private readonly List<HeadStreams> frozen = [];
    private HeadStreams current = new();
    private int active;

    public TenantId Tenant { get; } = tenant;

    public DeleteRequests Deletes { get; } = deletes;

    public TokenBucket Rate { get; } = new(time);

    /// <summary>What its entries take in memory.</summary>
    public MemoryShare Memory { get; } = new();

    public StreamChanges Changes { get; } = new();

    /// <summary>Live tails of this tenant.</summary>
    public Tailers Tailers { get; } = new();

    /// <summary>Streams with entries in memory.</summary>
    public int ActiveStreams => Volatile.Read(ref active);

    public bool IsEmpty
    {
        get
        {
            lock (gate) return parts.Count == 0 && active == 0;
        }
    }

    public IReadOnlyList<PartFile> Parts
    {
        get
        {
            lock (gate) return [.. parts];
        }
    }

    /// <summary>The stream that a sender's label bytes stand for, where it was named since the last flush.</summary>
    public StreamAlias? FindAlias(ReadOnlySpan<byte> senderLabels)
    {
        lock (gate) return current.FindAlias(senderLabels);
    }

    /// <param name="isNew">Whether the stream had no entries in memory.</param>
    public StreamAlias AddAlias(ReadOnlySpan<byte> senderLabels, Labels stored, out bool isNew)
    {
        byte[] level = LevelDetector.OfLabels(stored.Encoded).ToArray();
        lock (gate)
        {
            var alias = new StreamAlias(GetOrAdd(stored, out isNew), level);
            current.AddAlias(senderLabels, alias);
            return alias;
        }
    }

    /// <summary>Whether a stream has entries in memory.</summary>
    public bool Has(Labels labels)
    {
        lock (gate) return IsActive(labels);
    }

    public LogStream Stream(Labels labels)
    {
        lock (gate) return GetOrAdd(labels, out _);
    }

    public void AddPart(PartFile part)
    {
        lock (gate) parts.Add(part);
    }

    /// <summary>Puts one part in the place of others whose entries it holds, at once: a reader sees the old ones or the new one.</summary>
    /// <param name="part">Null: nothing is left of them.</param>
    public void ReplaceParts(IReadOnlyList<PartFile> old, PartFile? part)
    {
        lock (gate)
        {
            parts.RemoveAll(old.Contains);
            if (part is not null) parts.Add(part);
        }
    }

    /// <summary>Streams that match, as they are now.</summary>
    /// <param name="damaged">Is told of a part whose index cannot be read.</param>
    public StreamSelection Select(IReadOnlyList<Matcher> matchers, Action<PartFile, Exception> damaged)
    {
        PartFile[] inParts;
        List<List<LogStream>> inMemory;
        lock (gate)
        {
            inParts = [.. parts];
            inMemory = [.. frozen.Append(current).Select(g => g.Candidates(matchers))];
        }
        foreach (var streams in inMemory)
        {
            streams.RemoveAll(s => !Matcher.All(matchers, s.Labels));
            streams.Sort(static (a, b) => a.Labels.CompareTo(b.Labels));
        }
        return new StreamSelection(inParts, inMemory, matchers, damaged);
    }

    /// <summary>Sets all memory aside for a flush, while no append is on its way; all that waits for one, the oldest first.</summary>
    public IReadOnlyList<HeadStreams> Freeze()
    {
        lock (gate)
        {
            if (current.All.Count > 0) frozen.Add(current);
            current = new HeadStreams();
            return [.. frozen];
        }
    }

    /// <summary>What was set aside is in parts now.</summary>
    public void Flushed(IReadOnlyList<HeadStreams> written, IEnumerable<PartFile> inParts)
    {
        lock (gate)
        {
            parts.AddRange(inParts);
            frozen.RemoveAll(written.Contains);
            Volatile.Write(ref active, current.All.Count);
        }
    }

    private bool IsActive(Labels labels) => current.Find(labels.Encoded) is not null || frozen.Exists(g => g.Find(labels.Encoded) is not null);

    private LogStream GetOrAdd(Labels labels, out bool isNew)
    {
        isNew = false;
        if (current.Find(labels.Encoded) is { } stream) return stream;
        isNew = !IsActive(labels);
        if (isNew) Volatile.Write(ref active, active + 1);
        return current.Add(labels);
    }
}
