using System.Globalization;
using System.Text;
using Pharos.Core;
using Pharos.Templates;

namespace Pharos.Collector.Processing.Stages;

/// <summary>Counts and measures lines; labels of a line become labels of the metric. Series that stay idle go away.</summary>
internal sealed class MetricsMaker : SimpleStage
{
    private readonly List<Metric> metrics = [];
    private readonly TimeProvider time;

    public MetricsMaker(MetricsStage options, IStage next, Instruments instruments, TimeProvider time)
        : base(next)
    {
        this.time = time;
        foreach (var metric in options.Metrics) metrics.Add(new Metric(metric, instruments));
    }

    protected override bool Apply(LogEntry entry)
    {
        foreach (var metric in metrics) metric.Observe(entry, time);
        return true;
    }

    private sealed class Metric
    {
        private readonly ProcessMetric options;
        private readonly LabelledInstrument instrument;
        private readonly string source;
        private readonly Dictionary<Labels, long> lastSeen = [];
        private long sweptAt;

        public Metric(ProcessMetric options, Instruments instruments)
        {
            this.options = options;
            source = options.Source.Length > 0 ? options.Source : options.Name;
            bool right = options.Kind switch
            {
                "counter" => options.Action is "inc" or "add",
                "gauge" => options.Action is "inc" or "dec" or "set" or "add" or "sub",
                "histogram" => options.Buckets.Count > 0,
                _ => throw new FormatException($"metric {options.Name}: unknown kind \"{options.Kind}\""),
            };
            if (!right) throw new FormatException($"metric {options.Name}: {(options.Kind == "histogram" ? "buckets must be given" : $"action \"{options.Action}\" does not fit a {options.Kind}")}");
            if (options.MatchAll && options is { Kind: "counter", Source.Length: > 0 }) throw new FormatException($"metric {options.Name}: match_all takes no source");
            if (options.CountEntryBytes && (!options.MatchAll || options.Action != "add")) throw new FormatException($"metric {options.Name}: count_entry_bytes needs match_all and action add");
            var type = options.Kind switch { "counter" => MetricType.Counter, "gauge" => MetricType.Gauge, _ => MetricType.Histogram };
            instrument = instruments.Labelled(options.Prefix + options.Name, options.Description, type, [.. options.Buckets]);
        }

        public void Observe(LogEntry entry, TimeProvider time)
        {
            object? value = null;
            if (!options.MatchAll)
            {
                if (!entry.Extracted.TryGetValue(source, out value)) return;
                if (options.Value.Length > 0 && LogEntry.Text(value) != options.Value) return;
            }
            double number = 1;
            if (options.CountEntryBytes) number = Encoding.UTF8.GetByteCount(entry.Line);
            else if (options.Kind == "histogram" || options.Action is "set" or "add" or "sub")
            {
                if (Number(value) is not { } given) return;
                number = given;
            }
            var labels = entry.Labels.ToLabels();
            Sweep(time);
            lastSeen[labels] = time.GetTimestamp();
            switch (options.Action)
            {
                case "set": instrument.With(labels).Set(number); break;
                case "dec" or "sub": instrument.With(labels).Add(-number); break;
                case "inc": instrument.With(labels).Add(1); break;
                case "add": instrument.With(labels).Add(number); break;
                default: instrument.Observe(labels, number); break;
            }
        }

        private void Sweep(TimeProvider time)
        {
            if (time.GetElapsedTime(sweptAt) < TimeSpan.FromSeconds(30)) return;
            sweptAt = time.GetTimestamp();
            foreach (var (labels, _) in lastSeen.Where(s => time.GetElapsedTime(s.Value) > options.MaxIdle).ToList())
            {
                lastSeen.Remove(labels);
                instrument.Remove(labels);
            }
        }

        private static double? Number(object? value)
        {
            if (value is double number) return number;
            if (LogEntry.Text(value) is not { } text) return null;
            if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out number)) return number;
            return GoDuration.TryParse(text, out var duration) ? duration.Seconds : null;
        }
    }
}
