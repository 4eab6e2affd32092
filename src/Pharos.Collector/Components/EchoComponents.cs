using System.Text;
using Pharos.Collector.Evaluation;
using Pharos.Collector.Runtime;
using Pharos.Core;
using static Pharos.Collector.Runtime.Schema;

namespace Pharos.Collector.Components;

/// <summary><c>prometheus.echo</c> and <c>loki.echo</c>: write what they get to the collector's own log.</summary>
internal static class EchoComponents
{
    public static IReadOnlyList<ComponentDescriptor> All { get; } =
    [
        ComponentDescriptor.Of(
            "prometheus.echo",
            "Writes samples to the collector's own log.",
            Body(Refuse("format", "samples are written in the text format")),
            [new ComponentExport("receiver", Capsules.Metrics, "Where samples go.")],
            _ => default(NoOptions),
            (context, _, _) => new MetricsEcho(context)),
        ComponentDescriptor.Of(
            "loki.echo",
            "Writes log lines to the collector's own log.",
            Body(),
            [new ComponentExport("receiver", Capsules.Logs, "Where log lines go.")],
            _ => default(NoOptions),
            (context, _, _) => new LogsEcho(context)),
    ];

    private readonly record struct NoOptions;

    private sealed class MetricsEcho : ComponentInstance<NoOptions>, IMetricsReceiver
    {
        public MetricsEcho(ComponentContext context)
            : base(context) => Export("receiver", Capsules.Of((IMetricsReceiver)this));

        public ValueTask AppendAsync(MetricBatch batch, CancellationToken cancel)
        {
            foreach (var sample in batch.Samples)
                RuntimeLog.Echo(Context.Logger, $"{Labels.FromEncoded(batch.LabelsOf(sample.Series))} {GoNumber.Format(sample.Value)} {sample.TimestampMs}");
            return ValueTask.CompletedTask;
        }

        protected override void Apply(NoOptions options) { }

        public override Task RunAsync(CancellationToken cancel) => WaitAsync(cancel);
    }

    private sealed class LogsEcho : ComponentInstance<NoOptions>, ILogsReceiver
    {
        public LogsEcho(ComponentContext context)
            : base(context) => Export("receiver", Capsules.Of((ILogsReceiver)this));

        public ValueTask AppendAsync(LogBatch batch, CancellationToken cancel)
        {
            foreach (var entry in batch.Entries)
                RuntimeLog.Echo(Context.Logger, $"{Labels.FromEncoded(batch.LabelsOf(entry.Stream))} {Encoding.UTF8.GetString(batch.LineOf(entry))}");
            return ValueTask.CompletedTask;
        }

        protected override void Apply(NoOptions options) { }

        public override Task RunAsync(CancellationToken cancel) => WaitAsync(cancel);
    }
}
