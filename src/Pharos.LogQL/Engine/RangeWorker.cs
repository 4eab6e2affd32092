using Pharos.Core;
using Pharos.LogQL.Pipeline;
using Pharos.LogQL.Syntax;

namespace Pharos.LogQL.Engine;

/// <summary>Reads one cursor of a range aggregation and turns its lines into series of samples. Belongs to one thread.</summary>
internal sealed class RangeWorker
{
    private const string SampleError = "SampleExtractionErr";

    private readonly RangePlan plan;
    private readonly UnwrapSyntax? unwrap;
    private readonly LinePipeline pipeline;
    private readonly LabelPredicate[] afterUnwrap;
    private readonly LabelState labels = new();
    private readonly SeriesOfLabels series;
    private readonly bool cacheable;
    private PassedLines passed;

    public RangeWorker(RangePlan plan)
    {
        this.plan = plan;
        unwrap = plan.Syntax.Range.Unwrap;
        pipeline = plan.BuildPipeline();
        afterUnwrap = unwrap is null ? [] : [.. unwrap.Filters.Select(LabelPredicate.From)];
        series = new SeriesOfLabels(plan);
        cacheable = !pipeline.ChangesLabels && unwrap is null;
    }

    public IReadOnlyCollection<SampleSeries> Series => series.All;

    public LogReadStatistics Read { get; private set; }

    /// <summary>The section that was being read when an exception came.</summary>
    public int Section { get; private set; }

    /// <summary>Reads to the end; disposes the cursor.</summary>
    public void Run(ILogCursor cursor)
    {
        long offsetNs = plan.Syntax.Range.OffsetNs;
        using (cursor)
        {
            while (cursor.MoveNext())
            {
                Section = cursor.Section;
                if (plan.IsStoredOnly && plan.IsCounting)
                {
                    int count = cursor.Count;
                    passed.Add(count, cursor.InMemory);
                    FindCounted(cursor).Add(cursor.TimestampNs + offsetNs, count, plan.IsBytes ? cursor.LineBytes : count, cursor.Section);
                    continue;
                }
                var line = new LogLine(cursor) { Labels = labels };
                if (!pipeline.ProcessLine(ref line)) continue;
                labels.Reset(cursor.Stream, cursor.Metadata);
                if (!pipeline.ProcessRest(ref line)) continue;
                double value = plan.IsBytes ? line.Bytes.Length : 1;
                if (unwrap is not null && !TryUnwrap(unwrap, out value)) continue;
                if (labels.HasError) throw PipelineError();
                passed.Add(1, cursor.InMemory);
                Find().Add(line.TimestampNs + offsetNs, 1, value, cursor.Section);
                if (!plan.IsCounting) plan.Charge(1);
            }
            Read = passed.Of(cursor.Statistics);
        }
    }

    /// <summary>The series of entries that come as one. Without metadata, streams are not decoded: there may be very many of them.</summary>
    private SampleSeries FindCounted(ILogCursor cursor)
    {
        ReadOnlySpan<byte> met = default;
        if (cursor.Metadata.IsEmpty && series.FindStored(cursor.Stream, out met) is { } known) return known;
        labels.Reset(cursor.Stream, cursor.Metadata);
        var found = Find();
        series.Keep(met, found);
        return found;
    }

    private SampleSeries Find()
    {
        if (cacheable && labels.Metadata.Series is SampleSeries known) return known;
        var found = series.Find(labels);
        if (cacheable) labels.Metadata.Series = found;
        return found;
    }

    private bool TryUnwrap(UnwrapSyntax wanted, out double value)
    {
        value = 0;
        if (labels.Get(wanted.Label) is not { Length: > 0 } text)
        {
            // A line with an error stays, so that the error comes out.
            if (!labels.HasError) return false;
        }
        else if (!labels.HasError && !TryConvert(wanted.Conversion, text, out value, out string error))
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

    private QueryException PipelineError()
    {
        var pairs = new List<(string, string)>();
        labels.CopyTo(pairs);
        var shown = LabelEncoding.ToLabels(pairs);
        return new QueryException(
            QueryErrorKind.BadData,
            $"pipeline error: '{labels.Error}' for series: '{shown}'.\nUse a label filter to intentionally skip this error. (e.g | __error__!=\"{labels.Error}\").\nTo skip all potential errors you can match empty errors.(e.g __error__=\"\")\nThe label filter can also be specified after unwrap. (e.g | unwrap latency | __error__=\"\" )\n");
    }
}
