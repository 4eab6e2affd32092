using System.Text;
using Pharos.Core;
using Pharos.Logs.Blocks;
using Pharos.Logs.Deletion;
using Pharos.Logs.Ingest;
using Pharos.Logs.Parts;

namespace Pharos.Logs.Streams;

/// <summary>A stream as a sender names it: the stored stream, and what its labels say about levels.</summary>
internal sealed record StreamAlias(LogStream Stream, byte[] Level);

/// <summary>All streams and parts of one tenant. Safe for several threads.</summary>
internal sealed class TenantLogs(TenantId tenant, TimeProvider time, DeleteRequests deletes)
{
    private readonly Lock gate = new();
    private readonly Dictionary<byte[], LogStream> streams = new(ByteKeys.Instance);
    private readonly Dictionary<byte[], StreamAlias> aliases = new(ByteKeys.Instance);
    private readonly Dictionary<string, Dictionary<string, List<LogStream>>> postings = new(StringComparer.Ordinal);
    private readonly List<PartFile> parts = [];
    private int active;

    public TenantId Tenant { get; } = tenant;

    public DeleteRequests Deletes { get; } = deletes;

    public TokenBucket Rate { get; } = new(time);

    public StreamChanges Changes { get; } = new();

    /// <summary>Live tails of this tenant.</summary>
    public Tailers Tailers { get; } = new();

    /// <summary>Streams with entries in memory.</summary>
    public int ActiveStreams => Volatile.Read(ref active);

    public int StreamCount
    {
        get
        {
            lock (gate) return streams.Count;
        }
    }

    public IReadOnlyList<PartFile> Parts
    {
        get
        {
            lock (gate) return [.. parts];
        }
    }

    /// <summary>The stream that a sender's label bytes stand for, where it was named before.</summary>
    public StreamAlias? FindAlias(ReadOnlySpan<byte> senderLabels)
    {
        lock (gate) return aliases.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(senderLabels, out var alias) ? alias : null;
    }

    public StreamAlias AddAlias(byte[] senderLabels, Labels stored)
    {
        lock (gate)
        {
            if (aliases.Count > 10_000 + (4 * streams.Count)) aliases.Clear();
            var alias = new StreamAlias(GetOrAdd(stored), LevelDetector.OfLabels(stored.Encoded).ToArray());
            return aliases[senderLabels] = alias;
        }
    }

    public bool Has(Labels labels)
    {
        lock (gate) return streams.TryGetValue(labels.Encoded.ToArray(), out var stream) && stream.IsActive;
    }

    public LogStream Stream(Labels labels)
    {
        lock (gate) return GetOrAdd(labels);
    }

    public void AddPart(PartFile part, List<(Labels Labels, BlockRef[] Blocks)> contents)
    {
        lock (gate)
        {
            parts.Add(part);
            foreach (var (labels, blocks) in contents) GetOrAdd(labels).AddParts(blocks);
        }
    }

    /// <summary>Notes a part whose blocks the streams have been given already.</summary>
    public void AddPart(PartFile part)
    {
        lock (gate) parts.Add(part);
    }

    /// <summary>Puts one part in the place of others whose entries it holds.</summary>
    /// <param name="part">Null: nothing is left of them.</param>
    public void ReplaceParts(IReadOnlyList<PartFile> old, PartFile? part, List<(Labels Labels, BlockRef[] Blocks)> contents)
    {
        var sources = old.ToHashSet<BlockSource>();
        lock (gate)
        {
            parts.RemoveAll(sources.Contains);
            if (part is not null) parts.Add(part);
            var blocksOf = contents.ToDictionary(c => c.Labels, c => c.Blocks);
            foreach (var stream in streams.Values) stream.ReplaceParts(sources, blocksOf.TryGetValue(stream.Labels, out var blocks) ? blocks : []);
        }
    }

    /// <summary>Labels of the streams that have blocks in a part.</summary>
    public List<Labels> StreamsOf(PartFile part)
    {
        lock (gate) return [.. streams.Values.Where(s => s.HasBlocksIn(part)).Select(s => s.Labels)];
    }

    public void RemovePart(PartFile part)
    {
        lock (gate)
        {
            parts.Remove(part);
            foreach (var stream in streams.Values) stream.RemoveParts(part);
        }
    }

    /// <summary>Forgets streams without entries. Only while no append is on its way.</summary>
    public void ForgetEmpty()
    {
        lock (gate)
        {
            foreach (var stream in streams.Values.Where(s => s.IsEmpty).ToList()) Remove(stream);
        }
    }

    /// <summary>Streams that match, sorted by labels.</summary>
    public List<LogStream> Select(IReadOnlyList<Matcher> matchers)
    {
        List<LogStream> found;
        lock (gate)
        {
            IEnumerable<LogStream> candidates = streams.Values;
            int fewest = streams.Count;
            foreach (var matcher in matchers)
            {
                if (matcher.Op != MatchOp.Equal || matcher.Value.Length == 0) continue;
                if (!postings.TryGetValue(matcher.Name, out var values) || !values.TryGetValue(matcher.Value, out var list)) return [];
                if (list.Count > fewest) continue;
                fewest = list.Count;
                candidates = list;
            }
            found = [.. candidates];
        }
        found.RemoveAll(s => !Matcher.All(matchers, s.Labels));
        found.Sort(static (a, b) => a.Labels.CompareTo(b.Labels));
        return found;
    }

    /// <summary>Sets all memory aside for a flush; streams that had any, sorted by labels.</summary>
    public List<LogStream> Freeze()
    {
        lock (gate)
        {
            var frozen = streams.Values.Where(s => s.Freeze()).ToList();
            frozen.Sort(static (a, b) => a.Labels.CompareTo(b.Labels));
            return frozen;
        }
    }

    public void CountActive()
    {
        lock (gate) Volatile.Write(ref active, streams.Values.Count(s => s.IsActive));
    }

    public void NoteNewActive() => Interlocked.Increment(ref active);

    private LogStream GetOrAdd(Labels labels)
    {
        if (streams.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(labels.Encoded, out var stream)) return stream;
        stream = new LogStream(labels);
        streams[labels.Encoded.ToArray()] = stream;
        foreach (var (name, value) in labels)
        {
            if (!postings.TryGetValue(name, out var values)) postings[name] = values = new Dictionary<string, List<LogStream>>(StringComparer.Ordinal);
            if (!values.TryGetValue(value, out var list)) values[value] = list = [];
            list.Add(stream);
        }
        return stream;
    }

    private void Remove(LogStream stream)
    {
        streams.Remove(stream.Labels.Encoded.ToArray());
        foreach (var (name, value) in stream.Labels)
        {
            var values = postings[name];
            values[value].Remove(stream);
            if (values[value].Count == 0) values.Remove(value);
            if (values.Count == 0) postings.Remove(name);
        }
        foreach (byte[] alias in aliases.Where(a => a.Value.Stream == stream).Select(a => a.Key).ToList()) aliases.Remove(alias);
    }
}
