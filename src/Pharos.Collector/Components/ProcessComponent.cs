using Pharos.Collector.Evaluation;
using Pharos.Collector.Processing;
using Pharos.Collector.Runtime;
using Pharos.Core;
using static Pharos.Collector.Runtime.ArgumentType;
using static Pharos.Collector.Runtime.Schema;

namespace Pharos.Collector.Components;

/// <summary><c>loki.process</c></summary>
internal static class ProcessComponent
{
    private static readonly IReadOnlyList<ArgumentBlock> Stages = BuildStages();

    public static ComponentDescriptor Descriptor { get; } = ComponentDescriptor.Of(
        "loki.process",
        "Changes, reads and drops log lines on their way.",
        new ArgumentBody([Must("forward_to", LogsReceivers)], Stages),
        [new ComponentExport("receiver", Capsules.Logs)],
        Bind,
        (context, _, options) => new Instance(context, options));

    private sealed record Binding(IReadOnlyList<StageOptions> Stages, IReadOnlyList<ILogsReceiver> ForwardTo, Arguments Source);

    private static List<ArgumentBlock> BuildStages()
    {
        const string unused = "there is no such stage here";
        var stages = new List<ArgumentBlock>();
        stages.AddRange(
        [
            Many("stage.cri", May("max_partial_lines", Integer, 100, ""), May("max_partial_line_size", Size, 0, ""), May("max_partial_line_size_truncate", false, "")),
            Many("stage.decolorize"),
            Many("stage.docker"),
            Many("stage.drop",
                May("source", Text), May("separator", Text, ";", ""), May("expression", Text), May("value", Text), May("older_than", Duration),
                May("longer_than", Size), May("drop_counter_reason", Text, "drop_stage", "")),
            Many("stage.json", Must("expressions", TextMap), May("source", Text), May("drop_malformed", false, ""), Refuse("regex", "name each field in expressions")),
            Many("stage.label_drop", Must("values", Texts)),
            Many("stage.label_keep", Must("values", Texts)),
            Many("stage.labels", Must("values", TextMap), OneOf("source_type", "extracted", "extracted", "structured_metadata")),
            Many("stage.limit", Must("rate", Float), Must("burst", Integer), May("drop", false, ""), May("by_label_name", Text), May("max_distinct_labels", Integer, 10_000, "")),
            Many("stage.logfmt", Must("mapping", TextMap), May("source", Text), Refuse("regex", "name each field in mapping")),
            new ArgumentBlock("stage.match", new ArgumentBody(
                [
                    Must("selector", Text), OneOf("action", "keep", "keep", "drop"), May("drop_counter_reason", Text, "match_stage", ""), May("pipeline_name", Text),
                ], stages)) { Repeats = true },
            Many("stage.metrics", Metric("counter"), Metric("gauge"), Metric("histogram", Must("buckets", new ArgumentType(ArgumentKind.List, Float)))),
            Many("stage.multiline", Must("firstline", Text), May("max_wait_time", Duration, "3s", ""), May("max_lines", Integer, 128, ""), May("trim_newlines", true, "")),
            Many("stage.output", Must("source", Text)),
            Many("stage.pack", Must("labels", Texts), May("ingest_timestamp", true, "")),
            Many("stage.pattern", Must("pattern", Text), May("source", Text), May("labels_from_groups", false, "")),
            Many("stage.regex", Must("expression", Text), May("source", Text), May("labels_from_groups", false, "")),
            Many("stage.replace", Must("expression", Text), May("replace", Text), May("source", Text)),
            Many("stage.sampling", Must("rate", Float), May("drop_counter_reason", Text, "sampling_stage", "")),
            Many("stage.static_labels", Must("values", TextMap)),
            Many("stage.structured_metadata", May("values", TextMap), May("regex", Text)),
            Many("stage.structured_metadata_drop", Must("values", Texts)),
            Many("stage.template", Must("source", Text), Must("template", Text)),
            Many("stage.tenant", May("label", Text), May("source", Text), May("value", Text)),
            Many("stage.timestamp",
                Must("source", Text), Must("format", Text), May("fallback_formats", Texts), May("location", Text),
                OneOf("action_on_failure", "fudge", "fudge", "skip"), OneOf("action_on_duplicate_timestamp", "keep", "keep", "fudge")),
            .. ((string[])["stage.eventlogmessage", "stage.geoip", "stage.luhn", "stage.split_json", "stage.truncate", "stage.windowsevent"]).Select(n => RefuseBlock(n, unused)),
        ]);
        return stages;
    }

    private static ArgumentBlock Metric(string kind, params object[] more) => Many(
        "metric." + kind,
        Must("name", Text), May("description", Text), May("source", Text), May("prefix", Text, "loki_process_custom_", ""), May("max_idle_duration", Duration, "5m", ""),
        May("value", Text), kind == "histogram" ? May("action", Text) : Must("action", Text), May("match_all", false, ""), May("count_entry_bytes", false, ""), more);

    private static Binding Bind(Arguments a)
    {
        var stages = Read(a);
        try
        {
            // Building is the check; what it makes here is thrown away.
            using var check = LogPipeline.Create(stages, new LogsFanout([]), TimeProvider.System, new Instruments());
        }
        catch (ConfigurationException wrong)
        {
            throw a.Wrong(string.Join("; ", wrong.Diagnostics.Select(d => d.Message)));
        }
        return new Binding(stages, a.Capsules<ILogsReceiver>("forward_to"), a);
    }

    private static List<StageOptions> Read(Arguments a) => [.. a.AllBlocks.Select(Stage)];

    private static StageOptions Stage(Arguments a) => a.Name switch
    {
        "stage.cri" => new CriStage(a.Integer("max_partial_lines", 1), a.Size("max_partial_line_size"), a.Flag("max_partial_line_size_truncate")),
        "stage.decolorize" => new DecolorizeStage(),
        "stage.docker" => new DockerStage(),
        "stage.drop" => new DropStage
        {
            Source = a.Text("source"),
            Separator = a.Text("separator"),
            Expression = a.Text("expression"),
            Value = a.Text("value"),
            OlderThan = a.Duration("older_than"),
            LongerThan = a.Size("longer_than"),
            DropCounterReason = a.Text("drop_counter_reason"),
        },
        "stage.json" => new JsonStage(a.TextMap("expressions"), a.Text("source"), a.Flag("drop_malformed")),
        "stage.label_drop" => new LabelDropStage(a.Texts("values")),
        "stage.label_keep" => new LabelKeepStage(a.Texts("values")),
        "stage.labels" => new LabelsStage(a.TextMap("values"), a.Text("source_type")),
        "stage.limit" => new LimitStage(a.Float("rate"), a.Integer("burst", 1), a.Flag("drop"), a.Text("by_label_name"), a.Integer("max_distinct_labels", 1)),
        "stage.logfmt" => new LogfmtStage(a.TextMap("mapping"), a.Text("source")),
        "stage.match" => new MatchStage(a.Text("selector"), Read(a), a.Text("action"), a.Text("drop_counter_reason"), a.Text("pipeline_name")),
        "stage.metrics" => new MetricsStage([.. a.AllBlocks.Select(ReadMetric)]),
        "stage.multiline" => new MultilineStage(a.Text("firstline"), a.PositiveDuration("max_wait_time"), a.Integer("max_lines", 1), a.Flag("trim_newlines")),
        "stage.output" => new OutputStage(a.Text("source")),
        "stage.pack" => new PackStage(a.Texts("labels"), a.Flag("ingest_timestamp")),
        "stage.pattern" => new PatternStage(a.Text("pattern"), a.Text("source"), a.Flag("labels_from_groups")),
        "stage.regex" => new RegexStage(a.Text("expression"), a.Text("source"), a.Flag("labels_from_groups")),
        "stage.replace" => new ReplaceStage(a.Text("expression"), a.Text("replace"), a.Text("source")),
        "stage.sampling" => new SamplingStage(a.Float("rate"), a.Text("drop_counter_reason")),
        "stage.static_labels" => new StaticLabelsStage(a.TextMap("values")),
        "stage.structured_metadata" => new StructuredMetadataStage(a.TextMap("values"), a.Text("regex")),
        "stage.structured_metadata_drop" => new StructuredMetadataDropStage(a.Texts("values")),
        "stage.template" => new TemplateStage(a.Text("source"), a.Text("template")),
        "stage.tenant" => new TenantStage(a.Text("label"), a.Text("source"), a.Text("value")),
        "stage.timestamp" => new TimestampStage(
            a.Text("source"), a.Text("format"), a.Texts("fallback_formats"), a.Text("location"), a.Text("action_on_failure"), a.Text("action_on_duplicate_timestamp")),
        _ => throw a.Wrong($"there is no stage {a.Name}"),
    };

    private static ProcessMetric ReadMetric(Arguments a)
    {
        string kind = a.Name["metric.".Length..];
        return new ProcessMetric
        {
            Kind = kind,
            Name = a.Text("name"),
            Description = a.Text("description"),
            Source = a.Text("source"),
            Prefix = a.Text("prefix"),
            MaxIdle = a.PositiveDuration("max_idle_duration"),
            Value = a.Text("value"),
            Action = a.Text("action"),
            MatchAll = a.Flag("match_all"),
            CountEntryBytes = a.Flag("count_entry_bytes"),
            Buckets = kind == "histogram" ? a.Capsules<double>("buckets") : [],
        };
    }

    private sealed class Instance : WorkerInstance<Binding, LogPipeline>, ILogsReceiver
    {
        private readonly LogsFanout fanout;

        public Instance(ComponentContext context, Binding options)
            : base(context, options)
        {
            fanout = new LogsFanout(options.ForwardTo, context.Tap);
            Export("receiver", Capsules.Of((ILogsReceiver)this));
        }

        public ValueTask AppendAsync(LogBatch batch, CancellationToken cancel) => UseAsync((pipeline, both) => pipeline.AppendAsync(batch, both), cancel);

        protected override bool NeedsAnother(Binding before, Binding now)
        {
            fanout.Receivers = now.ForwardTo;
            return !before.Source.EqualsExcept(now.Source, "forward_to");
        }

        protected override LogPipeline Open(Binding options) => LogPipeline.Create(options.Stages, fanout, Context.Time, Context.Instruments);

        protected override Task RunAsync(LogPipeline worker, CancellationToken cancel) => worker.RunAsync(cancel);

        protected override ValueTask CloseAsync(LogPipeline worker)
        {
            worker.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
