namespace Pharos.Core;

/// <summary>Takes log lines: the log store, or a queue to a remote one.</summary>
public interface ILogSink
{
    /// <summary>
    /// Appends what can be appended and completes when that is durable. The batch may be reused afterwards.
    /// </summary>
    /// <exception cref="StoreUnavailableException">Nothing was taken: the write log cannot be written.</exception>
    ValueTask<LogAppendResult> AppendAsync(TenantId tenant, LogBatch batch, CancellationToken cancel);
}

/// <summary>What became of a batch of log lines. What is counted is durable under the store's sync policy.</summary>
public sealed record LogAppendResult(long Entries, long Bytes, IReadOnlyList<AppendError> Errors)
{
    public bool HasErrors => Errors.Count > 0;
}

/// <summary>What a log query asks of the store. Times are Unix nanoseconds, start inclusive, end exclusive.</summary>
public sealed record LogSelection
{
    public required IReadOnlyList<Matcher> Matchers { get; init; }
    public required long StartNs { get; init; }
    public required long EndNs { get; init; }

    /// <summary>True: newest first.</summary>
    public bool Backward { get; init; }

    /// <summary>
    /// True: entries of all streams come in one order of time. False: stream by stream, oldest first within each;
    /// cheaper, and enough for metric queries.
    /// </summary>
    public bool Ordered { get; init; } = true;

    /// <summary>
    /// Byte strings that every wanted line must hold (case-sensitive). The store may use them to skip; the reader still checks, but where
    /// <see cref="ILogCursor.LineFiltersHold"/>.
    /// </summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> RequiredLiterals { get; init; } = [];

    /// <summary>Text that every wanted line holds, whatever the case of its letters. The store may use it to pass over lines; the reader still checks.</summary>
    public FoldedNeedle? RequiredFolded { get; init; }

    /// <summary>
    /// An expression that matches somewhere in every wanted line, as <see cref="LineAutomaton"/> takes it. The store may use it to pass over lines; the reader
    /// still checks.
    /// </summary>
    public string? RequiredExpression { get; init; }

    /// <summary>Byte strings that no wanted line holds. The store may use them to pass over lines; the reader still checks.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> ExcludedLiterals { get; init; } = [];

    /// <summary>An expression that matches nowhere in any wanted line, otherwise as <see cref="ExcludedLiterals"/>; as <see cref="LineAutomaton"/> takes it.</summary>
    public string? ExcludedExpression { get; init; }

    /// <summary>What the fields of every wanted line are like; null where nothing is known of them. The store may use it to skip; the reader still checks.</summary>
    public LogFieldFilter? RequiredFields { get; init; }

    /// <summary>
    /// What labels and structured metadata of every wanted entry are like, of which a label of the stream comes first; null where nothing is known of them.
    /// The store may use it to skip; the reader still checks. The filter's format says nothing here.
    /// </summary>
    public LogFieldFilter? RequiredMetadata { get; init; }

    /// <summary>
    /// Names of metadata that the reader looks at; null: all of them. The store may leave out others.
    /// </summary>
    public IReadOnlySet<string>? MetadataNames { get; init; }

    /// <summary>
    /// Set where the reader only counts entries, or the bytes of their lines, into these windows: the store may then give many entries
    /// as one (<see cref="ILogCursor.Count"/>), with the timestamp of one of them: those of a stream, and where <see cref="MetadataNames"/> says that few labels matter also
    /// those of streams that have the same of them, with these labels alone. Only for cursors without an order.
    /// </summary>
    public StepWindows? Counting { get; init; }

    /// <summary>True: the reader looks at no line, not even at its length, unless <see cref="ILogCursor.Count"/> stands for several.</summary>
    public bool LinesUnread { get; init; }
}

/// <summary>Reads log entries one after another. Spans hold until the next <see cref="MoveNext"/>.</summary>
public interface ILogCursor : IDisposable
{
    bool MoveNext();

    /// <summary>Index labels of the current entry's stream; the same instance for all entries of a stream.</summary>
    Labels Stream { get; }

    long TimestampNs { get; }

    ReadOnlySpan<byte> Line { get; }

    /// <summary>Structured metadata in the canonical form of <see cref="LabelCodec"/>; empty for none.</summary>
    ReadOnlySpan<byte> Metadata { get; }

    /// <summary>Entries that the current one stands for; more than one only where <see cref="LogSelection.Counting"/> was asked for.</summary>
    int Count => 1;

    /// <summary>Bytes of the lines of these entries.</summary>
    int LineBytes => Line.Length;

    /// <summary>Fields of the lines of the current entry's block, where they are known.</summary>
    LogFields? Fields => null;

    /// <summary>The current entry's row in <see cref="Fields"/>.</summary>
    int FieldRow => 0;

    /// <summary>
    /// True: the current line holds all that the selection requires of lines (<see cref="LogSelection.RequiredLiterals"/>, <see cref="LogSelection.RequiredFolded"/>,
    /// <see cref="LogSelection.RequiredExpression"/>), and nothing that it excludes. False: the reader must look.
    /// </summary>
    bool LineFiltersHold => false;

    /// <summary>
    /// Number of the section that the current entry is in: sections are numbered by stream and, within a stream, by time. Entries of one
    /// section come from one cursor.
    /// </summary>
    int Section => 0;

    /// <summary>The current entry is in memory: no part holds it yet.</summary>
    bool InMemory => false;

    /// <summary>Work done so far, for the statistics of the answer.</summary>
    LogReadStatistics Statistics { get; }
}

/// <summary>What a log query has touched.</summary>
/// <param name="Lines">Lines that were looked at.</param>
/// <param name="Bytes">Raw bytes of them and of their structured metadata.</param>
/// <param name="Blocks">Blocks that were opened.</param>
/// <param name="BlocksSkipped">Blocks that cannot hold a wanted line, as their skip filters or the values of their fields say.</param>
public readonly record struct LogReadStatistics(long Lines, long Bytes, long Blocks, long BlocksSkipped)
{
    /// <summary>Streams that match and have something in the range.</summary>
    public long Streams { get; init; }

    /// <summary>Blocks of these in the range, open ones too, whether they were opened or not.</summary>
    public long Chunks { get; init; }

    /// <summary>The structured metadata among the bytes.</summary>
    public long MetadataBytes { get; init; }

    /// <summary>Bytes that were unpacked, as they are stored.</summary>
    public long PackedBytes { get; init; }

    /// <summary>Entries left out because the same one had come from another block.</summary>
    public long Duplicates { get; init; }

    /// <summary>Entries left out because a deletion hides them.</summary>
    public long Hidden { get; init; }

    /// <summary>Entries that passed all filters of the query. The reader of a cursor counts them.</summary>
    public long Passed { get; init; }

    /// <summary>Time that went into finding streams and blocks.</summary>
    public TimeSpan LookUp { get; init; }

    /// <summary>Time that went into reading packed bytes.</summary>
    public TimeSpan Reading { get; init; }

    /// <summary>The share of all this that came from memory; the rest is from parts.</summary>
    public LogMemoryStatistics Memory { get; init; }

    public static LogReadStatistics operator +(LogReadStatistics a, LogReadStatistics b) =>
        new(a.Lines + b.Lines, a.Bytes + b.Bytes, a.Blocks + b.Blocks, a.BlocksSkipped + b.BlocksSkipped)
        {
            Streams = a.Streams + b.Streams,
            Chunks = a.Chunks + b.Chunks,
            MetadataBytes = a.MetadataBytes + b.MetadataBytes,
            PackedBytes = a.PackedBytes + b.PackedBytes,
            Duplicates = a.Duplicates + b.Duplicates,
            Hidden = a.Hidden + b.Hidden,
            Passed = a.Passed + b.Passed,
            LookUp = a.LookUp + b.LookUp,
            Reading = a.Reading + b.Reading,
            Memory = a.Memory + b.Memory,
        };
}

/// <summary>What a log query has touched in memory. Open blocks are not packed; full ones that no part holds yet are.</summary>
/// <param name="Blocks">Full blocks that were opened.</param>
/// <param name="Lines">Lines of full blocks; so for the bytes.</param>
public readonly record struct LogMemoryStatistics(long Chunks, long Blocks, long Lines, long Bytes, long MetadataBytes, long PackedBytes)
{
    /// <summary>Lines of open blocks; so for the bytes.</summary>
    public long OpenLines { get; init; }

    public long OpenBytes { get; init; }

    public long OpenMetadataBytes { get; init; }

    public long Duplicates { get; init; }

    public long Passed { get; init; }

    public static LogMemoryStatistics operator +(LogMemoryStatistics a, LogMemoryStatistics b) =>
        new(a.Chunks + b.Chunks, a.Blocks + b.Blocks, a.Lines + b.Lines, a.Bytes + b.Bytes, a.MetadataBytes + b.MetadataBytes, a.PackedBytes + b.PackedBytes)
        {
            OpenLines = a.OpenLines + b.OpenLines,
            OpenBytes = a.OpenBytes + b.OpenBytes,
            OpenMetadataBytes = a.OpenMetadataBytes + b.OpenMetadataBytes,
            Duplicates = a.Duplicates + b.Duplicates,
            Passed = a.Passed + b.Passed,
        };
}

/// <summary>Size of what a selector matches.</summary>
public readonly record struct LogVolume(long Streams, long Chunks, long Entries, long Bytes);

/// <summary>Reads logs.</summary>
public interface ILogQueryable
{
    /// <exception cref="QueryException">A limit was passed.</exception>
    ILogCursor Open(TenantId tenant, LogSelection selection, CancellationToken cancel);

    /// <summary>
    /// Opens a selection without an order for several threads: each entry comes from one of the cursors, each of which belongs to one thread.
    /// </summary>
    /// <param name="cursorsMax">Most cursors that are of use; there may be fewer, but one at least.</param>
    /// <exception cref="QueryException">A limit was passed.</exception>
    IReadOnlyList<ILogCursor> OpenSplit(TenantId tenant, LogSelection selection, int cursorsMax, CancellationToken cancel) => [Open(tenant, selection, cancel)];

    /// <summary>Opens an ordered selection for several threads: sections can be read side by side, and their entries put in order.</summary>
    /// <exception cref="QueryException">A limit was passed.</exception>
    ILogSections OpenSections(TenantId tenant, LogSelection selection, CancellationToken cancel) => new WholeSelection(Open(tenant, selection, cancel), selection);

    /// <summary>Label sets of streams that match any of the matcher lists (none: all) and have entries in the range, sorted.</summary>
    IReadOnlyList<Labels> Streams(
        TenantId tenant, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, long startNs, long endNs, CancellationToken cancel);

    /// <summary>Label names of the streams that match and have entries in the range, in byte order.</summary>
    IReadOnlyCollection<string> LabelNames(TenantId tenant, IReadOnlyList<Matcher> matchers, long startNs, long endNs, CancellationToken cancel)
    {
        var names = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var stream in Streams(tenant, [matchers], startNs, endNs, cancel))
        {
            foreach (var label in stream) names.Add(label.Name);
        }
        return names;
    }

    /// <summary>Values of a label in the streams that match and have entries in the range, in byte order.</summary>
    IReadOnlyCollection<string> LabelValues(TenantId tenant, string name, IReadOnlyList<Matcher> matchers, long startNs, long endNs, CancellationToken cancel)
    {
        var values = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var stream in Streams(tenant, [matchers], startNs, endNs, cancel))
        {
            if (stream.TryGetValue(name, out string? value)) values.Add(value);
        }
        return values;
    }

    /// <summary>Entries and bytes per stream, from headers alone.</summary>
    IReadOnlyList<(Labels Stream, LogVolume Volume)> Volumes(
        TenantId tenant, IReadOnlyList<Matcher> matchers, long startNs, long endNs, CancellationToken cancel);

    /// <summary>Bytes per stream for each step of a range, from headers alone: steps without any are left out.</summary>
    /// <param name="stepNs">Length of a step; the last one may be shorter.</param>
    /// <returns>For each stream its steps, numbered from 0, rising.</returns>
    IReadOnlyList<(Labels Stream, IReadOnlyList<(int Step, long Bytes)> Steps)> VolumesBySteps(
        TenantId tenant, IReadOnlyList<Matcher> matchers, long startNs, long endNs, long stepNs, CancellationToken cancel)
    {
        var found = new SortedDictionary<Labels, List<(int, long)>>();
        int step = 0;
        for (long at = startNs; at < endNs; at += stepNs, step++)
        {
            foreach (var (stream, volume) in Volumes(tenant, matchers, at, Math.Min(endNs, at + stepNs), cancel))
            {
                if (!found.TryGetValue(stream, out var steps)) found[stream] = steps = [];
                steps.Add((step, volume.Bytes));
            }
        }
        return [.. found.Select(f => (f.Key, (IReadOnlyList<(int, long)>)f.Value))];
    }
}
