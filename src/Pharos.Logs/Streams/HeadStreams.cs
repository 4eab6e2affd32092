using System.Runtime.InteropServices;
using Pharos.Core;

namespace Pharos.Logs.Streams;

/// <summary>A stream as a sender names it: the stored stream, and what its labels say about levels.</summary>
internal sealed record StreamAlias(LogStream Stream, byte[] Level);

/// <summary>The streams that got entries between two flushes. Guarded by its tenant's lock.</summary>
internal sealed class HeadStreams
{
    /// <summary>A sender's label bytes that are not known are read again, at some microseconds.</summary>
    private const int AliasesMax = 50_000;

    // The keys are the labels' own bytes.
    private readonly Dictionary<byte[], LogStream> streams = new(ByteKeys.Instance);
    private readonly Dictionary<byte[], StreamAlias> aliases = new(ByteKeys.Instance);
    private readonly List<LogStream> byNumber = [];
    private readonly PairPostings postings = new();

    public IReadOnlyList<LogStream> All => byNumber;

    public LogStream? Find(ReadOnlySpan<byte> labels) => streams.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(labels, out var stream) ? stream : null;

    public StreamAlias? FindAlias(ReadOnlySpan<byte> senderLabels) =>
        aliases.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(senderLabels, out var alias) ? alias : null;

    public void AddAlias(ReadOnlySpan<byte> senderLabels, StreamAlias alias)
    {
        if (aliases.Count >= AliasesMax) aliases.Clear();
        aliases[senderLabels.SequenceEqual(alias.Stream.Labels.Encoded) ? KeyOf(alias.Stream.Labels) : senderLabels.ToArray()] = alias;
    }

    public LogStream Add(Labels labels)
    {
        var stream = new LogStream(labels);
        streams.Add(KeyOf(labels), stream);
        postings.Add(labels.Encoded, byNumber.Count);
        byNumber.Add(stream);
        return stream;
    }

    /// <summary>Streams that may match: those with all pairs that the matchers ask for.</summary>
    public List<LogStream> Candidates(IReadOnlyList<Matcher> matchers)
    {
        int[]? fewest = null;
        foreach (var matcher in matchers)
        {
            if (matcher.Op != MatchOp.Equal || matcher.Value.Length == 0) continue;
            int[] having = postings.Find(LabelPair.Of(matcher.NameUtf8.Span, System.Text.Encoding.UTF8.GetBytes(matcher.Value)));
            if (fewest is null || having.Length < fewest.Length) fewest = having;
        }
        if (fewest is null) return [.. byNumber];
        var found = new List<LogStream>(fewest.Length);
        foreach (int number in fewest) found.Add(byNumber[number]);
        return found;
    }

    private static byte[] KeyOf(Labels labels) =>
        MemoryMarshal.TryGetArray(labels.EncodedMemory, out var bytes) && bytes.Array is { } array && array.Length == bytes.Count ? array : labels.Encoded.ToArray();
}
