using Pharos.Collector.Evaluation;
using Pharos.Collector.Runtime;
using Pharos.Collector.Scraping;
using Pharos.Core;
using static Pharos.Collector.Runtime.ArgumentType;
using static Pharos.Collector.Runtime.Schema;

namespace Pharos.Collector.Components;

/// <summary><c>prometheus.scrape</c></summary>
internal static class ScrapeComponent
{
    private static readonly Dictionary<string, ScrapeProtocol> Protocols = new(StringComparer.Ordinal)
    {
        ["PrometheusProto"] = ScrapeProtocol.PrometheusProto,
        ["OpenMetricsText1.0.0"] = ScrapeProtocol.OpenMetricsText100,
        ["OpenMetricsText0.0.1"] = ScrapeProtocol.OpenMetricsText001,
        ["PrometheusText1.0.0"] = ScrapeProtocol.PrometheusText100,
        ["PrometheusText0.0.4"] = ScrapeProtocol.PrometheusText004,
    };

    public static ComponentDescriptor Descriptor { get; } = ComponentDescriptor.Of(
        "prometheus.scrape",
        "Scrapes metrics from targets.",
        Body(
            Must("targets", Targets, "What is scraped."),
            Must("forward_to", MetricsReceivers, "Where samples go."),
            May("job_name", Text, "Label job of targets that have none; by default the component's id."),
            May("scrape_interval", Duration, "60s", ""),
            May("scrape_timeout", Duration, "10s", "At most scrape_interval."),
            May("metrics_path", Text, "/metrics", ""),
            OneOf("scheme", "http", "http", "https"),
            May("params", new ArgumentType(ArgumentKind.Map, Texts)),
            May("honor_labels", false, "Labels of the page win over the target's."),
            May("honor_timestamps", true, ""),
            Refuse("honor_metadata", "metadata is always sent with its family"),
            May("track_timestamps_staleness", false, ""),
            May("extra_metrics", false, ""),
            May("enable_compression", true, ""),
            May("scrape_protocols", Texts),
            May("scrape_fallback_protocol", Text, "PrometheusText0.0.4", ""),
            May("scrape_native_histograms", false, ""),
            May("scrape_classic_histograms", false, ""),
            May("convert_classic_histograms_to_nhcb", false, "Stores classic histograms as native ones with custom buckets."),
            May("native_histogram_bucket_limit", Integer, 0, ""),
            May("native_histogram_min_bucket_factor", Float, 0.0, "Least growth from bucket to bucket; finer ones are merged."),
            May("body_size_limit", Size, 0, ""),
            May("sample_limit", Integer, 0, ""),
            May("target_limit", Integer, 0, ""),
            May("label_limit", Integer, 0, ""),
            May("label_name_length_limit", Integer, 0, ""),
            May("label_value_length_limit", Integer, 0, ""),
            OneOf("metric_name_validation_scheme", "legacy", "legacy", "utf8"),
            OneOf("metric_name_escaping_scheme", "", "", "allow-utf-8", "underscores", "dots", "values"),
            May("scrape_failure_log_file", Text, "Gets a line of JSON for each failed scrape."),
            RefuseBlock("clustering", "collectors do not share targets; give each its own"),
            HttpArguments.Client),
        [],
        Bind,
        (context, _, options) => new Instance(context, options));

    /// <param name="Source">Decides whether anything but targets and receivers changed.</param>
    private sealed record Binding(ScrapeOptions Scrape, HttpClientOptions Client, IReadOnlyList<Labels> Targets, IReadOnlyList<IMetricsReceiver> ForwardTo, Arguments Source);

    private static Binding Bind(Arguments a)
    {
        var interval = a.PositiveDuration("scrape_interval");
        var timeout = a.PositiveDuration("scrape_timeout");
        if (timeout > interval)
        {
            if (a.IsSet("scrape_timeout"))
                throw a.Wrong("scrape_timeout", $"scrape_timeout ({GoDuration.Format(timeout)}) must not be greater than scrape_interval ({GoDuration.Format(interval)})");
            timeout = interval;
        }
        bool native = a.Flag("scrape_native_histograms");
        var protocols = a.Texts("scrape_protocols").Select(p => Protocol(a, "scrape_protocols", p)).ToList();
        if (protocols.Distinct().Count() != protocols.Count) throw a.Wrong("scrape_protocols", "a protocol is given twice");
        var defaults = new ScrapeOptions { JobName = a.Text("job_name") };
        if (protocols.Count == 0) protocols = [.. native ? [ScrapeProtocol.PrometheusProto, .. defaults.Protocols] : defaults.Protocols];
        var parameters = ((ObjectValue?)(a.Raw("params") as ObjectValue))?.Fields
            .ToDictionary(f => f.Key, f => (IReadOnlyList<string>)[.. ((ArrayValue)f.Value).Items.Select(v => v is StringValue s ? s.Text : v.ToString())]) ?? [];
        var scrape = defaults with
        {
            Interval = interval,
            Timeout = timeout,
            MetricsPath = a.Text("metrics_path"),
            Scheme = a.Text("scheme"),
            Params = parameters,
            HonorLabels = a.Flag("honor_labels"),
            HonorTimestamps = a.Flag("honor_timestamps"),
            TrackTimestampsStaleness = a.Flag("track_timestamps_staleness"),
            ExtraMetrics = a.Flag("extra_metrics"),
            EnableCompression = a.Flag("enable_compression"),
            Protocols = protocols,
            FallbackProtocol = a.TextOrNull("scrape_fallback_protocol") is { } fallback ? Protocol(a, "scrape_fallback_protocol", fallback) : null,
            ScrapeNativeHistograms = native,
            ScrapeClassicHistograms = a.Flag("scrape_classic_histograms"),
            NativeHistogramBucketLimit = a.Integer("native_histogram_bucket_limit", 0),
            BodySizeLimit = a.Size("body_size_limit"),
            SampleLimit = a.Integer("sample_limit", 0),
            TargetLimit = a.Integer("target_limit", 0),
            LabelLimit = a.Integer("label_limit", 0),
            LabelNameLengthLimit = a.Integer("label_name_length_limit", 0),
            LabelValueLengthLimit = a.Integer("label_value_length_limit", 0),
            LegacyNames = a.Text("metric_name_validation_scheme") == "legacy",
            EscapingScheme = Escaping(a),
            ConvertClassicHistograms = a.Flag("convert_classic_histograms_to_nhcb"),
            NativeHistogramMinBucketFactor = a.Float("native_histogram_min_bucket_factor"),
            FailureLogFile = a.Text("scrape_failure_log_file"),
        };
        return new Binding(scrape, HttpArguments.Read(a), a.Targets("targets"), a.Capsules<IMetricsReceiver>("forward_to"), a);
    }

    private static string Escaping(Arguments a) => a.Text("metric_name_escaping_scheme") is var scheme && scheme == "allow-utf-8" && a.Text("metric_name_validation_scheme") == "legacy"
        ? throw a.Wrong("metric_name_escaping_scheme", "allow-utf-8 asks for names that metric_name_validation_scheme = \"legacy\" refuses")
        : scheme;

    private static ScrapeProtocol Protocol(Arguments a, string argument, string name) => Protocols.TryGetValue(name.Replace("_", ".", StringComparison.Ordinal), out var protocol)
        ? protocol
        : throw a.Wrong(argument, $"{GoString.Quote(name)} is not one of {string.Join(", ", Protocols.Keys)}");

    private sealed class Instance : ComponentInstance<Binding>
    {
        private readonly MetricsFanout fanout;
        private readonly SemaphoreSlim changes = new(0);
        private volatile Binding binding;
        private volatile ScrapePool? pool;

        public Instance(ComponentContext context, Binding binding)
            : base(context)
        {
            this.binding = binding;
            fanout = new MetricsFanout(binding.ForwardTo, context.Tap);
        }

        public override object? DebugInfo => pool?.Targets.Select(t => new Dictionary<string, object?>
        {
            ["job"] = t.ScrapePool,
            ["url"] = t.ScrapeUrl.ToString(),
            ["health"] = t.Health,
            ["labels"] = t.Labels.ToDictionary().Select(l => KeyValuePair.Create(l.Key, (object?)l.Value)).ToDictionary(),
            ["last_error"] = t.LastError,
            ["last_scrape"] = t.LastScrape,
            ["last_scrape_duration"] = GoDuration.Format(t.LastScrapeDuration),
        }).ToList();

        protected override void Apply(Binding options)
        {
            binding = options;
            fanout.Receivers = options.ForwardTo;
            changes.Release();
        }

        public override async Task RunAsync(CancellationToken cancel)
        {
            while (!cancel.IsCancellationRequested)
            {
                var opened = binding;
                var options = opened.Scrape.JobName.Length > 0 ? opened.Scrape : opened.Scrape with { JobName = Context.Id };
                using var handler = Context.Http(opened.Client);
                await using var current = new ScrapePool(options, fanout, handler, Context.Time, Context.Instruments, Context.Logger, LabelCodec.Hash(System.Text.Encoding.UTF8.GetBytes(Context.Id)));
                pool = current;
                try
                {
                    while (binding.Source.EqualsExcept(opened.Source, "targets", "forward_to"))
                    {
                        await current.SyncAsync(binding.Targets).ConfigureAwait(false);
                        await changes.WaitAsync(cancel).ConfigureAwait(false);
                    }
                }
                catch (OperationCanceledException) when (cancel.IsCancellationRequested)
                {
                    return;
                }
            }
        }
    }
}
