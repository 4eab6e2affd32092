using Pharos.Collector.Evaluation;
using Pharos.Collector.Relabeling;
using Pharos.Collector.Runtime;
using Pharos.Core;
using static Pharos.Collector.Runtime.ArgumentType;
using static Pharos.Collector.Runtime.Schema;

namespace Pharos.Collector.Components;

/// <summary>Components that rewrite labels: <c>discovery.relabel</c>, <c>prometheus.relabel</c>, <c>loki.relabel</c>.</summary>
internal static class RelabelComponents
{
    public static ArgumentBlock Rule { get; } = RuleBlock("rule");

    public static IReadOnlyList<ComponentDescriptor> All { get; } =
    [
        ComponentDescriptor.Of(
            "discovery.relabel",
            "Rewrites the labels of targets.",
            Body(Must("targets", Targets), Rule),
            [new ComponentExport("output", "list(target)"), new ComponentExport("rules", Capsules.Rules)],
            a => new DiscoveryOptions(a.Targets("targets"), Rules(a, "rule")),
            (context, _, options) => new DiscoveryRelabel(context, options)),
        ComponentDescriptor.Of(
            "prometheus.relabel",
            "Rewrites the labels of samples on their way.",
            Body(
                Must("forward_to", MetricsReceivers),
                May("max_cache_size", Integer, 100_000, "Series whose new labels are remembered."),
                Refuse("cache_ttl", "what becomes of a series is remembered until the cache is full"),
                Rule),
            [new ComponentExport("receiver", Capsules.Metrics), new ComponentExport("rules", Capsules.Rules)],
            a => new ForwardOptions<IMetricsReceiver>(a.Capsules<IMetricsReceiver>("forward_to"), Rules(a, "rule"), a.Integer("max_cache_size", 1)),
            (context, _, options) => new MetricsRelabel(context, options)),
        ComponentDescriptor.Of(
            "loki.relabel",
            "Rewrites the labels of log lines on their way.",
            Body(
                Must("forward_to", LogsReceivers),
                May("max_cache_size", Integer, 10_000, "Label sets whose new labels are remembered."),
                Rule),
            [new ComponentExport("receiver", Capsules.Logs), new ComponentExport("rules", Capsules.Rules)],
            a => new ForwardOptions<ILogsReceiver>(a.Capsules<ILogsReceiver>("forward_to"), Rules(a, "rule"), a.Integer("max_cache_size", 1)),
            (context, _, options) => new LogsRelabel(context, options)),
    ];

    public static ArgumentBlock RuleBlock(string name) => Many(
        name,
        May("source_labels", Texts), May("separator", Text), May("regex", Text), May("target_label", Text), May("replacement", Text),
        May("modulus", Integer), May("action", Text));

    /// <exception cref="EvaluationException">A rule is not valid.</exception>
    public static IReadOnlyList<RelabelRule> Rules(Arguments arguments, string block) => [.. arguments.Blocks(block).Select(Read)];

    private static RelabelRule Read(Arguments a)
    {
        var options = new RelabelRuleOptions
        {
            SourceLabels = a.IsSet("source_labels") ? a.Texts("source_labels") : null,
            Separator = a.IsSet("separator") ? a.Text("separator") : null,
            Regex = a.IsSet("regex") ? a.Text("regex") : null,
            TargetLabel = a.IsSet("target_label") ? a.Text("target_label") : null,
            Replacement = a.IsSet("replacement") ? a.Text("replacement") : null,
            Modulus = a.IsSet("modulus") ? (ulong)Math.Max(0, a.Integer("modulus")) : null,
            Action = a.IsSet("action") ? a.Text("action") : null,
        };
        return RelabelRule.TryCreate(options, out var rule, out string? error) ? rule : throw a.Wrong(error);
    }

    private sealed record DiscoveryOptions(IReadOnlyList<Labels> Targets, IReadOnlyList<RelabelRule> Rules);

    private sealed record ForwardOptions<TReceiver>(IReadOnlyList<TReceiver> ForwardTo, IReadOnlyList<RelabelRule> Rules, int CacheSize);

    private sealed class DiscoveryRelabel : ComponentInstance<DiscoveryOptions>
    {
        public DiscoveryRelabel(ComponentContext context, DiscoveryOptions options)
            : base(context) => Apply(options);

        protected override void Apply(DiscoveryOptions options)
        {
            Export("output", Value.Of([.. options.Targets.Select(t => RelabelRule.Apply(options.Rules, t)).OfType<Labels>()]));
            Export("rules", new CapsuleValue(Capsules.Rules, options.Rules));
        }

        public override Task RunAsync(CancellationToken cancel) => WaitAsync(cancel);
    }

    private sealed class MetricsRelabel : ComponentInstance<ForwardOptions<IMetricsReceiver>>, IMetricsReceiver
    {
        private readonly MetricsFanout fanout;
        private ForwardOptions<IMetricsReceiver> options;
        private volatile MetricsRelabeler relabeler;

        public MetricsRelabel(ComponentContext context, ForwardOptions<IMetricsReceiver> options)
            : base(context)
        {
            this.options = options;
            fanout = new MetricsFanout(options.ForwardTo, context.Tap);
            relabeler = new MetricsRelabeler(options.Rules, fanout, context.Instruments, options.CacheSize);
            Export("receiver", Capsules.Of((IMetricsReceiver)this));
            Export("rules", new CapsuleValue(Capsules.Rules, options.Rules));
        }

        public ValueTask AppendAsync(MetricBatch batch, CancellationToken cancel) => relabeler.AppendAsync(batch, cancel);

        protected override void Apply(ForwardOptions<IMetricsReceiver> now)
        {
            fanout.Receivers = now.ForwardTo;
            if (now.CacheSize != options.CacheSize) relabeler = new MetricsRelabeler(now.Rules, fanout, Context.Instruments, now.CacheSize);
            else relabeler.Update(now.Rules);
            options = now;
            Export("rules", new CapsuleValue(Capsules.Rules, now.Rules));
        }

        public override Task RunAsync(CancellationToken cancel) => WaitAsync(cancel);
    }

    private sealed class LogsRelabel : ComponentInstance<ForwardOptions<ILogsReceiver>>, ILogsReceiver
    {
        private readonly LogsRelabeler relabeler;

        public LogsRelabel(ComponentContext context, ForwardOptions<ILogsReceiver> options)
            : base(context)
        {
            relabeler = new LogsRelabeler(context.Instruments, context.Tap);
            Apply(options);
            Export("receiver", Capsules.Of((ILogsReceiver)this));
        }

        public ValueTask AppendAsync(LogBatch batch, CancellationToken cancel) => relabeler.AppendAsync(batch, cancel);

        protected override void Apply(ForwardOptions<ILogsReceiver> options)
        {
            relabeler.Update(options.Rules, options.ForwardTo, options.CacheSize);
            Export("rules", new CapsuleValue(Capsules.Rules, options.Rules));
        }

        public override Task RunAsync(CancellationToken cancel) => WaitAsync(cancel);
    }
}

/// <summary>Rewrites the labels of log lines. A line that the rules drop, or that keeps no label, goes no further.</summary>
/// <param name="tap">Sees what goes on.</param>
internal sealed class LogsRelabeler(Instruments instruments, LiveTap tap) : ILogsReceiver
{
    private readonly Counter processed = instruments.Counter("loki_relabel_entries_processed", "Total number of log entries processed");
    private readonly Counter written = instruments.Counter("loki_relabel_entries_written", "Total number of log entries forwarded");
    private readonly Lock gate = new();
    private readonly Dictionary<Labels, Labels?> cache = [];
    private readonly LogsFanout fanout = new([], tap);
    private IReadOnlyList<RelabelRule> rules = [];
    private int cacheSize = 1;

    public void Update(IReadOnlyList<RelabelRule> newRules, IReadOnlyList<ILogsReceiver> receivers, int newCacheSize)
    {
        lock (gate)
        {
            rules = newRules;
            cacheSize = newCacheSize;
            cache.Clear();
            fanout.Receivers = receivers;
        }
    }

    public async ValueTask AppendAsync(LogBatch batch, CancellationToken cancel)
    {
        using var output = new LogBatch();
        Rewrite(batch, output);
        if (!output.IsEmpty) await fanout.AppendAsync(output, cancel).ConfigureAwait(false);
    }

    private void Rewrite(LogBatch batch, LogBatch output)
    {
        var streams = new int[batch.StreamCount];
        for (int i = 0; i < streams.Length; i++)
        {
            streams[i] = Map(Labels.FromEncoded(batch.LabelsOf(i))) is { IsEmpty: false } labels ? output.AddStream(labels) : -1;
        }
        int kept = 0;
        foreach (ref readonly var entry in batch.Entries)
        {
            if (streams[entry.Stream] < 0) continue;
            kept++;
            output.AddEntry(streams[entry.Stream], entry.TimestampNs, batch.LineOf(entry), batch.MetadataOf(entry));
        }
        processed.Add(batch.Entries.Length);
        written.Add(kept);
    }

    private Labels? Map(Labels labels)
    {
        lock (gate)
        {
            if (cache.TryGetValue(labels, out var known)) return known;
            if (cache.Count >= cacheSize) cache.Clear();
            return cache[labels] = RelabelRule.Apply(rules, labels);
        }
    }
}
