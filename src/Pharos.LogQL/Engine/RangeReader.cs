using System.Runtime.InteropServices;
using Pharos.Core;
using Pharos.LogQL.Pipeline;
using Pharos.LogQL.Syntax;

namespace Pharos.LogQL.Engine;

/// <summary>What all parts of one query share.</summary>
internal sealed class QueryContext(ILogQueryable store, TenantId tenant, TenantLimits limits, TimeProvider time, CancellationToken cancel)
{
    public ILogQueryable Store { get; } = store;
    public TenantId Tenant { get; } = tenant;
    public TenantLimits Limits { get; } = limits;
    public TimeProvider Time { get; } = time;
    public CancellationToken Cancel { get; } = cancel;
    public LogReadStatistics Read { get; private set; }

    public void Add(LogReadStatistics more) => Read += more;
}

/// <summary>Reads the lines of a range aggregation and turns them into series of samples.</summary>
internal sealed class RangeReader
{
    private const string SampleError = "SampleExtractionErr";

    private readonly QueryContext context;
    private readonly RangeAggregation syntax;
    private readonly Steps steps;
    private readonly Grouping? grouping;
    private readonly LinePipeline pipeline;
    private readonly LabelPredicate[] afterUnwrap;
    private readonly LabelState labels = new();
    private readonly List<(string Name, string Value)> pairs = [];
    private readonly Dictionary<Labels, SampleSeries> series = [];
    private readonly bool counting;
    private readonly bool bytes;
    private readonly double perSecondOf;
    private long cells;

    /// <param name="pushed">The grouping of an aggregation around this one that may as well happen here.</param>
    public RangeReader(QueryContext context, RangeAggregation syntax, Steps steps, Grouping? pushed, bool hasPushed)
    {
        this.context = context;
        this.syntax = syntax;
        this.steps = steps;
        var range = syntax.Range;
        grouping = syntax.Grouping ?? (hasPushed ? pushed ?? new Grouping(false, []) : null);
        pipeline = LinePipeline.Build(range.Log.Stages, Hints.For(range, grouping), context.Time);
        afterUnwrap = range.Unwrap is null ? [] : [.. range.Unwrap.Filters.Select(LabelPredicate.From)];
        counting = range.Unwrap is null && syntax.Op is "count_over_time" or "bytes_over_time" or "bytes_rate" or "rate";
        bytes = syntax.Op is "bytes_over_time" or "bytes_rate";
        perSecondOf = syntax.Op is "rate" or "bytes_rate" ? range.RangeNs / 1e9 : 1;
    }

    public StepMatrix Evaluate()
    {
        var range = syntax.Range;
        bool cacheable = !pipeline.ChangesLabels && range.Unwrap is null;
        var selection = new LogSelection
        {
            Matchers = range.Log.Matchers,
            StartNs = steps.StartNs - range.RangeNs - range.OffsetNs + 1,
            EndNs = steps.LastNs - range.OffsetNs + 1,
            Ordered = false,
            RequiredLiterals = pipeline.RequiredLiterals,
        };
        using (var cursor = context.Store.Open(context.Tenant, selection, context.Cancel))
        {
            while (cursor.MoveNext())
            {
                labels.Reset(cursor.Stream, cursor.Metadata);
                var line = new LogLine { Bytes = cursor.Line, TimestampNs = cursor.TimestampNs, Labels = labels };
                if (!pipeline.Process(ref line)) continue;
                double value = bytes ? line.Bytes.Length : 1;
                if (range.Unwrap is not null && !TryUnwrap(range.Unwrap, out value)) continue;
                if (labels.HasError) throw PipelineError();
                Series(cacheable).Add(cursor.TimestampNs + range.OffsetNs, value);
                if (!counting) Charge(1);
            }
            context.Add(cursor.Statistics);
        }
        if (syntax.Op == "absent_over_time") return Absent();
        return new StepMatrix { Series = [.. series.Values.Select(s => s.Evaluate(steps, range.RangeNs)).Where(s => s.Any)] };
    }

    private bool TryUnwrap(UnwrapSyntax unwrap, out double value)
    {
        value = 0;
        if (labels.Get(unwrap.Label) is not { Length: > 0 } text)
        {
            // A line with an error stays, so that the error comes out.
            if (!labels.HasError) return false;
        }
        else if (!labels.HasError && !TryConvert(unwrap.Conversion, text, out value, out string error))
        {
            labels.Fail(SampleError, error);
        }
        foreach (var filter in afterUnwrap)
        {
            if (!filter.Holds(labels)) return false;
        }
        return true;
    }

    private static bool TryConvert(string conversion, string text, out double value, out string error)
    {
        error = "";
        switch (conversion)
        {
            case "bytes":
                return Numbers.TrySize(text, out value, out error);
            case "duration" or "duration_seconds":
                bool read = Numbers.TryGoDuration(text, out double ns, out error);
                value = ns / 1e9;
                return read;
            default:
                if (Numbers.TryFloat(text, out value)) return true;
                error = $"strconv.ParseFloat: parsing {GoString.Quote(text)}: invalid syntax";
                return false;
        }
    }

    private SampleSeries Series(bool cacheable)
    {
        if (cacheable && labels.Metadata.Series is SampleSeries known) return known;
        var found = FindSeries();
        if (cacheable) labels.Metadata.Series = found;
        return found;
    }

    private SampleSeries FindSeries()
    {
        labels.CopyTo(pairs);
        if (syntax.Range.Unwrap is { } unwrap) pairs.RemoveAll(p => p.Name == unwrap.Label);
        if (grouping is not null) pairs.RemoveAll(p => grouping.Labels.Contains(p.Name) == grouping.Without);
        var key = LabelEncoding.ToLabels(pairs);
        ref var found = ref CollectionsMarshal.GetValueRefOrAddDefault(series, key, out bool exists);
        if (!exists)
        {
            Charge(counting ? steps.Count * 2L : 1);
            found = counting
                ? new CountingSeries(key, steps, syntax.Range.RangeNs, perSecondOf)
                : new KeepingSeries(key, WindowFunctions.Of(syntax.Op, syntax.Parameter, syntax.Range.RangeNs));
        }
        return found!;
    }

    private void Charge(long more)
    {
        cells += more;
        if (context.Limits.QuerySamplesMax > 0 && cells > context.Limits.QuerySamplesMax)
        {
            throw new QueryException(
                QueryErrorKind.Execution,
                $"the query would hold more than {context.Limits.QuerySamplesMax} samples at once; narrow the selector, shorten the time range, or aggregate with sum by (…)");
        }
    }

    private StepMatrix Absent()
    {
        // Labels that the selector pins to one value, and only once.
        var pinned = syntax.Range.Log.Matchers.Where(m => m.Op == MatchOp.Equal && m.Value.Length > 0)
            .Where(m => syntax.Range.Log.Matchers.Count(o => o.Name == m.Name) == 1)
            .Select(m => (m.Name, m.Value)).ToList();
        var result = new StepSeries(LabelEncoding.ToLabels(pinned), steps.Count);
        var present = series.Values.Select(s => s.Evaluate(steps, syntax.Range.RangeNs)).ToList();
        for (int i = 0; i < steps.Count; i++)
        {
            int step = i;
            if (!present.Any(s => s.Present[step])) result.Set(i, 1);
        }
        return new StepMatrix { Series = result.Any ? [result] : [] };
    }

    private QueryException PipelineError()
    {
        labels.CopyTo(pairs);
        var shown = LabelEncoding.ToLabels(pairs);
        return new QueryException(
            QueryErrorKind.BadData,
            $"pipeline error: '{labels.Error}' for series: '{shown}'.\nUse a label filter to intentionally skip this error. (e.g | __error__!=\"{labels.Error}\").\nTo skip all potential errors you can match empty errors.(e.g __error__=\"\")\nThe label filter can also be specified after unwrap. (e.g | unwrap latency | __error__=\"\" )\n");
    }
}
