using Pharos.Collector.RemoteWrite;
using Pharos.Collector.Runtime;
using Pharos.Core;
using Pharos.Wire.RemoteWrite;
using static Pharos.Collector.Runtime.ArgumentType;
using static Pharos.Collector.Runtime.Schema;

namespace Pharos.Collector.Components;

/// <summary><c>prometheus.remote_write</c></summary>
internal static class RemoteWriteComponent
{
    public static ComponentDescriptor Descriptor { get; } = ComponentDescriptor.Of(
        "prometheus.remote_write",
        "Sends samples to remote write endpoints, over a queue on disk.",
        Body(
            May("external_labels", TextMap, "Labels of samples that do not have them."),
            Many("endpoint",
                Must("url", Text), May("name", Text), May("remote_timeout", Duration, "30s", ""), May("headers", TextMap),
                May("send_exemplars", true, ""), May("send_native_histograms", false, ""),
                May("round_robin_dns", false, ""),
                OneOf("protobuf_message", "prometheus.WriteRequest", "prometheus.WriteRequest", "io.prometheus.write.v2.Request"),
                One("queue_config",
                    May("capacity", Integer, 10_000, ""), May("min_shards", Integer, 1, ""), May("max_shards", Integer, 50, ""),
                    May("max_samples_per_send", Integer, 2_000, ""), May("batch_send_deadline", Duration, "5s", ""),
                    May("min_backoff", Duration, "30ms", ""), May("max_backoff", Duration, "5s", ""),
                    May("retry_on_http_429", true, ""), May("sample_age_limit", Duration, "0s", "")),
                One("metadata_config", May("send", true, ""), May("send_interval", Duration, "1m", ""), May("max_samples_per_send", Integer, 2_000, "")),
                RelabelComponents.RuleBlock("write_relabel_config"),
                DiscoverySchema.PartsOf(endpoint => CloudAccess.Read(endpoint)),
                HttpArguments.Client),
            One("wal",
                May("truncate_frequency", Duration, "30s", "How often what every endpoint has is given back."),
                Refuse("min_keepalive_time", "what every endpoint has is given back at once, and nothing earlier"),
                May("max_keepalive_time", Duration, "8h", "Samples that waited longer are given up."))),
        [new ComponentExport("receiver", Capsules.Metrics)],
        Bind,
        (context, _, options) => new Instance(context, options));

    private static RemoteWriteOptions Bind(Arguments a)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var endpoint in a.Blocks("endpoint"))
        {
            string name = endpoint.TextOrNull("name") ?? endpoint.Text("url");
            if (!names.Add(name)) throw endpoint.Wrong("name", $"two endpoints have the name {GoString.Quote(name)}", "give each its own name");
        }
        var options = new RemoteWriteOptions
        {
            ExternalLabels = Labels.Of(a.TextMap("external_labels")),
            Endpoints = [.. a.Blocks("endpoint").Select(Endpoint)],
        };
        return a.Block("wal") is { } wal
            ? options with { Wal = new RemoteWriteWalOptions { CheckInterval = wal.PositiveDuration("truncate_frequency"), KeepaliveMax = wal.PositiveDuration("max_keepalive_time") } }
            : options;
    }

    private static RemoteWriteEndpointOptions Endpoint(Arguments a)
    {
        var options = new RemoteWriteEndpointOptions
        {
            Url = a.Url("url"),
            Name = a.Text("name"),
            Version = a.Text("protobuf_message") == "io.prometheus.write.v2.Request" ? RemoteWriteVersion.V2 : RemoteWriteVersion.V1,
            Timeout = a.PositiveDuration("remote_timeout"),
            SendExemplars = a.Flag("send_exemplars"),
            SendNativeHistograms = a.Flag("send_native_histograms"),
            Http = HttpArguments.Read(a, a.TextMap("headers")) with { RoundRobinDns = a.Flag("round_robin_dns") },
            Cloud = CloudAccess.Read(new DiscoveryArguments(a)),
            WriteRelabelRules = RelabelComponents.Rules(a, "write_relabel_config"),
        };
        if (options.Cloud is not null && options.Http is not { BasicAuth: null, Authorization: null, OAuth2: null }) throw a.Wrong(CloudAccess.OneWay);
        if (a.Block("queue_config") is { } queue)
        {
            int shards = queue.Integer("min_shards", 1);
            options = options with
            {
                Capacity = queue.Integer("capacity", 1),
                ShardsMin = shards,
                ShardsMax = queue.Integer("max_shards", shards),
                SamplesPerSendMax = queue.Integer("max_samples_per_send", 1),
                BatchSendDeadline = queue.PositiveDuration("batch_send_deadline"),
                BackoffMin = queue.PositiveDuration("min_backoff"),
                BackoffMax = queue.PositiveDuration("max_backoff"),
                RetryOnHttp429 = queue.Flag("retry_on_http_429"),
                SampleAgeLimit = queue.Duration("sample_age_limit"),
            };
        }
        return a.Block("metadata_config") is { } metadata
            ? options with { SendMetadata = metadata.Flag("send"), MetadataInterval = metadata.PositiveDuration("send_interval"), MetadataPerSendMax = metadata.Integer("max_samples_per_send", 1) }
            : options;
    }

    private sealed class Instance : WorkerInstance<RemoteWriteOptions, RemoteWriteQueue>, IMetricsReceiver
    {
        public Instance(ComponentContext context, RemoteWriteOptions options)
            : base(context, options) => Export("receiver", Capsules.Of((IMetricsReceiver)this));

        public ValueTask AppendAsync(MetricBatch batch, CancellationToken cancel) => UseAsync((queue, both) => queue.AppendAsync(batch, both), cancel);

        protected override RemoteWriteQueue Open(RemoteWriteOptions options) =>
            new(options, Context.DataFolder, Context.Http, Context.Time, Context.Instruments, Context.Logger);

        protected override Task RunAsync(RemoteWriteQueue worker, CancellationToken cancel) => WaitAsync(cancel);

        protected override ValueTask CloseAsync(RemoteWriteQueue worker) => worker.DisposeAsync();
    }
}
