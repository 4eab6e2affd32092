using Pharos.Core;
using Pharos.LogQL.Pipeline;
using Pharos.LogQL.Syntax;

namespace Pharos.LogQL.Engine;

/// <summary>What all workers of a range aggregation share. Safe for several threads.</summary>
internal sealed class RangePlan
{
    private readonly QueryContext context;
    private readonly StepWindows windows;
    private readonly double perSecondOf;
    private long cells;

    /// <param name="hasPushed">Whether <paramref name="pushed"/>, the grouping of an aggregation around this one, may as well happen here.</param>
    public RangePlan(QueryContext context, RangeAggregation syntax, Steps steps, Grouping? pushed, bool hasPushed)
    {
        this.context = context;
        Syntax = syntax;
        Steps = steps;
        Grouping = syntax.Grouping ?? (hasPushed ? pushed ?? new Grouping(false, []) : null);
        IsCounting = syntax.Range.Unwrap is null && syntax.Op is "count_over_time" or "bytes_over_time" or "bytes_rate" or "rate";
        IsBytes = syntax.Op is "bytes_over_time" or "bytes_rate";
        perSecondOf = syntax.Op is "rate" or "bytes_rate" ? syntax.Range.RangeNs / 1e9 : 1;
        IsStoredOnly = syntax.Range.Log.Stages.Count == 0 && syntax.Range.Unwrap is null;
        windows = new StepWindows(steps, syntax.Range.RangeNs);
    }

    public RangeAggregation Syntax { get; }

    public Steps Steps { get; }

    public Grouping? Grouping { get; }

    /// <summary>Samples need not be kept: only their number and sum count.</summary>
    public bool IsCounting { get; }

    public bool IsBytes { get; }

    /// <summary>Nothing but stored entries, their number and their length, counts.</summary>
    public bool IsStoredOnly { get; }

    public LinePipeline BuildPipeline() => LinePipeline.Build(Syntax.Range.Log.Stages, Hints.For(Syntax.Range, Grouping), context.Time);

    public LogSelection Selection()
    {
        var range = Syntax.Range;
        var pipeline = BuildPipeline();
        return pipeline.StoredLines.Narrow(new LogSelection
        {
            Matchers = range.Log.Matchers,
            StartNs = Steps.StartNs - range.RangeNs - range.OffsetNs + 1,
            EndNs = Steps.LastNs - range.OffsetNs + 1,
            Ordered = false,
            RequiredFields = FieldFilter.For(range.Log.Stages),
            RequiredMetadata = MetadataFilter.For(range.Log.Stages),
            MetadataNames = range.Unwrap is null && range.Log.Stages.All(s => s is LineFilterSyntax) && Grouping is { Without: false } by ? NamesOf(by) : null,
            Counting = IsStoredOnly && IsCounting ? windows with { Steps = Steps with { StartNs = Steps.StartNs - range.OffsetNs } } : null,
            LinesUnread = IsStoredOnly && !IsBytes,
        });
    }

    /// <summary>Names of metadata that a grouping looks at: one that a stream has too goes by another name.</summary>
    private static HashSet<string> NamesOf(Grouping by)
    {
        var names = by.Labels.ToHashSet(StringComparer.Ordinal);
        foreach (string name in by.Labels)
        {
            if (name.EndsWith(LabelState.ExtractedSuffix, StringComparison.Ordinal)) names.Add(name[..^LabelState.ExtractedSuffix.Length]);
        }
        return names;
    }

    public SampleSeries NewSeries(Labels labels)
    {
        Charge(IsCounting ? Steps.Count * 2L : 1);
        return IsCounting
            ? new CountingSeries(labels, windows, perSecondOf)
            : new KeepingSeries(labels, windows, WindowFunctions.Of(Syntax.Op, Syntax.Parameter, Syntax.Range.RangeNs));
    }

    /// <exception cref="QueryException">The query would hold too many samples.</exception>
    public void Charge(long more)
    {
        long so = Interlocked.Add(ref cells, more);
        if (context.Limits.QuerySamplesMax > 0 && so > context.Limits.QuerySamplesMax)
        {
            throw new QueryException(
                QueryErrorKind.Execution,
                $"the query would hold more than {context.Limits.QuerySamplesMax} samples at once; narrow the selector, shorten the time range, or aggregate with sum by (…)");
        }
    }
}
