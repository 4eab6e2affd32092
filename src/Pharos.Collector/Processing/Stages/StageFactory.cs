using Pharos.Core;

namespace Pharos.Collector.Processing.Stages;

/// <summary>Builds stages from their options and collects every mistake.</summary>
internal sealed class StageFactory(TimeProvider time, Instruments instruments)
{
    private readonly Counter dropped = instruments.Counter(
        "loki_process_dropped_lines_total", "A count of all log lines dropped as a result of a pipeline stage", "reason");

    public List<string> Errors { get; } = [];

    public List<IHolder> Holders { get; } = [];

    /// <summary>The first stage of the chain, whose last one passes on to <paramref name="end"/>.</summary>
    public IStage Chain(IReadOnlyList<StageOptions> stages, IStage end)
    {
        var next = end;
        for (int i = stages.Count - 1; i >= 0; i--)
        {
            try
            {
                next = Create(stages[i], next);
            }
            catch (FormatException e)
            {
                Errors.Add($"{NameOf(stages[i])}: {e.Message}");
            }
        }
        return next;
    }

    private IStage Create(StageOptions options, IStage next)
    {
        switch (options)
        {
            case StaticLabelsStage o:
                return new FunctionStage(next, e =>
                {
                    foreach (var (name, value) in o.Values) e.Labels.Set(name, value);
                    return true;
                });
            case LabelsStage o:
                if (o.SourceType is not ("extracted" or "structured_metadata")) throw new FormatException($"source_type \"{o.SourceType}\" is neither extracted nor structured_metadata");
                return new FunctionStage(next, e => LabelStages.SetLabels(o, e));
            case LabelDropStage o:
                return new FunctionStage(next, e =>
                {
                    foreach (string name in o.Values) e.Labels.Remove(name);
                    return true;
                });
            case LabelKeepStage o:
                var kept = o.Values.ToHashSet(StringComparer.Ordinal);
                return new FunctionStage(next, e =>
                {
                    foreach (var (name, _) in e.Labels.Pairs.ToArray())
                    {
                        if (!kept.Contains(name)) e.Labels.Remove(name);
                    }
                    return true;
                });
            case StructuredMetadataStage o:
                var wanted = o.Regex.Length > 0 ? LinearRegex.Anchored(o.Regex) : null;
                return new FunctionStage(next, e => LabelStages.SetMetadata(o, wanted, e));
            case StructuredMetadataDropStage o:
                return new FunctionStage(next, e =>
                {
                    foreach (string name in o.Values) e.Metadata.Remove(name);
                    return true;
                });
            case JsonStage o: return new JsonExtractor(o, next, Drop("json_stage"));
            case LogfmtStage o: return new FunctionStage(next, e => LogfmtExtractor.Apply(o, e));
            case RegexStage o: return new RegexExtractor(o, next);
            case PatternStage o: return new PatternExtractor(o, next);
            case ReplaceStage o: return new Replacer(o, next);
            case TemplateStage o: return new Templater(o, next);
            case TimestampStage o: return new TimestampReader(o, next, time);
            case OutputStage o:
                return new FunctionStage(next, e =>
                {
                    if (e.Source(o.Source) is { } line) e.Line = line;
                    return true;
                });
            case MatchStage o: return CreateMatch(o, next);
            case DropStage o: return new Dropper(o, next, Drop(o.DropCounterReason), time);
            case LimitStage o: return new Limiter(o, next, Drop("limit_stage"), time);
            case SamplingStage o:
                if (o.Rate is < 0 or > 1) throw new FormatException($"rate {o.Rate} is not between 0 and 1");
                var random = new Random(42);
                var drop = Drop(o.DropCounterReason);
                return new FunctionStage(next, _ =>
                {
                    if (random.NextDouble() < o.Rate) return true;
                    drop.Add(1);
                    return false;
                });
            case MultilineStage o: return Held(new MultilineJoiner(o, next, time));
            case CriStage o: return Held(new CriParser(o, next));
            case DockerStage: return new DockerParser(next);
            case PackStage o: return new Packer(o, next, time);
            case TenantStage o:
                if (new[] { o.Label, o.Source, o.Value }.Count(s => s.Length > 0) != 1) throw new FormatException("exactly one of label, source and value must be set");
                return new FunctionStage(next, e =>
                {
                    string tenant = o.Value.Length > 0 ? o.Value : o.Label.Length > 0 ? e.Labels.Get(o.Label) : e.Source(o.Source) ?? "";
                    if (tenant.Length > 0) e.Labels.Set(LogPipeline.TenantLabel, tenant);
                    return true;
                });
            case DecolorizeStage:
                var colours = LinearRegex.Unanchored("\x1b\\[[0-9;]*[A-Za-z]");
                return new FunctionStage(next, e =>
                {
                    if (e.Line.Contains('\x1b', StringComparison.Ordinal)) e.Line = colours.ReplaceAll(e.Line, "");
                    return true;
                });
            case MetricsStage o: return new MetricsMaker(o, next, instruments, time);
            default: throw new FormatException($"the stage {NameOf(options)} is not known");
        }
    }

    private MatchBranch CreateMatch(MatchStage options, IStage next)
    {
        if (options.Action is not ("keep" or "drop")) throw new FormatException($"action \"{options.Action}\" is neither keep nor drop");
        if (options.Action == "drop" && options.Stages.Count > 0) throw new FormatException("a match with action drop takes no stages");
        return new MatchBranch(StreamSelector.Parse(options.Selector), options.Action == "drop" ? null : Chain(options.Stages, next), next, Drop(options.DropCounterReason));
    }

    private T Held<T>(T stage)
        where T : IStage, IHolder
    {
        Holders.Add(stage);
        return stage;
    }

    private InstrumentCell Drop(string reason) => dropped.With(reason);

    private static string NameOf(StageOptions options)
    {
        string type = options.GetType().Name;
        var name = new System.Text.StringBuilder("stage.");
        foreach (char c in type[..^"Stage".Length])
        {
            if (char.IsUpper(c) && name.Length > 6) name.Append('_');
            name.Append(char.ToLowerInvariant(c));
        }
        return name.ToString();
    }
}
