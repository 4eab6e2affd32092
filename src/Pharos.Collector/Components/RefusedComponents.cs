namespace Pharos.Collector.Components;

/// <summary>Components that Alloy has and this collector does not, with what to do instead.</summary>
internal static class RefusedComponents
{
    private const string Kubernetes = "the cluster is asked for targets only (discovery.kubernetes); its logs and objects are not read";
    private const string Cloud = "there is no client for this; use discovery.http or discovery.file";
    private const string Otel = "OTLP is not collected here; send it to the server's /otlp endpoints";
    private const string Exporter = "run the exporter beside the collector and scrape it";
    private const string Source = "there is no receiver for this source; write its log to a file and use loki.source.file";
    private const string Never = "profiles and browser telemetry are not collected";

    public static IReadOnlyDictionary<string, string> Reasons { get; } = Build();

    private static Dictionary<string, string> Build()
    {
        var reasons = new Dictionary<string, string>(StringComparer.Ordinal);
        Add(Kubernetes,
            "discovery.kubelet", "loki.source.kubernetes", "loki.source.kubernetes_events", "loki.source.podlogs",
            "loki.rules.kubernetes", "mimir.rules.kubernetes", "mimir.alerts.kubernetes", "prometheus.operator.podmonitors", "prometheus.operator.probes",
            "prometheus.operator.scrapeconfigs", "prometheus.operator.servicemonitors", "remote.kubernetes.configmap", "remote.kubernetes.secret");
        Add(Cloud,
            "discovery.consulagent", "discovery.process", "remote.s3", "remote.vault");
        foreach (string name in (string[])["apache", "azure", "blackbox", "cadvisor", "catchpoint", "cloudwatch", "consul", "databricks", "dnsmasq", "elasticsearch", "gcp", "github",
            "kafka", "memcached", "mongodb", "mssql", "mysql", "oracledb", "postgres", "process", "redis", "snmp", "snowflake", "squid", "static", "statsd", "windows"])
            Add(Exporter, "prometheus.exporter." + name);
        Add("use the server's remote write endpoint", "prometheus.receive_http");
        Add("join the labels where the data is queried", "prometheus.enrich", "loki.enrich");
        Add("read the store from the server", "prometheus.write.queue");
        foreach (string name in (string[])["api", "aws_firehose", "awsfirehose", "azure_event_hubs", "cloudflare", "docker", "gcplog", "gelf", "heroku", "journal", "kafka", "syslog", "windowsevent"])
            Add(Source, "loki.source." + name);
        Add("use loki.process with stage.replace", "loki.secretfilter");
        foreach (string name in (string[])["auth.basic", "auth.bearer", "auth.headers", "auth.oauth2", "auth.sigv4", "auth.google", "connector.count", "connector.signaltometrics", "processor.redaction", "receiver.nginx", "connector.host_info", "connector.servicegraph", "connector.spanlogs",
            "connector.spanmetrics", "exporter.awss3", "exporter.datadog", "exporter.debug", "exporter.faro", "exporter.file", "exporter.googlecloud", "exporter.googlecloudpubsub", "exporter.kafka",
            "exporter.loadbalancing", "exporter.loki", "exporter.otlp", "exporter.otlphttp", "exporter.prometheus", "exporter.splunkhec", "exporter.syslog", "extension.jaeger_remote_sampling",
            "processor.attributes", "processor.batch", "processor.cumulativetodelta", "processor.deltatocumulative", "processor.discovery", "processor.filter", "processor.groupbyattrs",
            "processor.interval", "processor.k8sattributes", "processor.memory_limiter", "processor.metric_start_time", "processor.probabilistic_sampler", "processor.resourcedetection", "processor.servicegraph",
            "processor.span", "processor.tail_sampling", "processor.transform", "receiver.awscloudwatch", "receiver.awsecscontainermetrics", "receiver.awss3", "receiver.cloudflare", "receiver.datadog", "receiver.faro", "receiver.file_stats",
            "receiver.filelog", "receiver.fluentforward", "receiver.googlecloudpubsub", "receiver.influxdb", "receiver.jaeger", "receiver.kafka", "receiver.loki", "receiver.opencensus", "receiver.otlp", "receiver.prometheus", "receiver.solace",
            "receiver.splunkhec", "receiver.syslog", "receiver.tcplog", "receiver.vcenter", "receiver.zipkin", "storage.file"])
            Add(Otel, "otelcol." + name);
        Add(Never,
            "beyla.ebpf", "faro.receiver", "pyroscope.ebpf", "pyroscope.enrich", "pyroscope.java", "pyroscope.receive_http", "pyroscope.relabel", "pyroscope.scrape", "pyroscope.write",
            "database_observability.mysql", "database_observability.postgres");
        return reasons;

        void Add(string reason, params string[] names)
        {
            foreach (string name in names) reasons[name] = reason;
        }
    }
}
