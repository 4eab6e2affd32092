using Pharos.Collector.RemoteWrite;
using Pharos.Wire.RemoteWrite;
using Pharos.Yaml;

namespace Pharos.Server.LocalPrometheus;

/// <summary>A remote-write client as Prometheus's configuration writes it, in prometheus.yml and wherever else one is named.</summary>
internal static class RemoteWriteSection
{
    /// <summary>Reads the section to its end; null where there is no address that could be used.</summary>
    /// <param name="folder">Files in it are relative to that.</param>
    public static RemoteWriteTarget? Read(YamlSection section, string folder)
    {
        if (string.IsNullOrEmpty(section.TextOrNull("url"))) section.ErrorHere("url for remote_write is empty");
        var url = HttpClientReader.Url(section, "url");
        string message = section.Text("protobuf_message", RemoteWriteHeaders.MessageV1);
        if (message is not (RemoteWriteHeaders.MessageV1 or RemoteWriteHeaders.MessageV2))
            section.Error("protobuf_message", $"unknown type for remote write protobuf message {message}, supported: {RemoteWriteHeaders.MessageV1}, {RemoteWriteHeaders.MessageV2}");
        var clouds = new YamlDiscoverySection(section, folder);
        var cloud = CloudAccess.Read(clouds);
        var headers = section.TextMap("headers");
        HttpClientReader.CheckHeaders(section, headers.Keys, "authorization header must be changed via the basic_auth, authorization, oauth2, sigv4, azuread or google_iam parameter");
        var queue = section.Section("queue_config");
        var metadata = section.Section("metadata_config");
        var target = new RemoteWriteTarget
        {
            Url = url ?? new Uri("http://invalid/"),
            Name = section.Text("name", ""),
            RemoteTimeout = section.Duration("remote_timeout", TimeSpan.FromSeconds(30)),
            Headers = headers,
            Http = HttpClientReader.Read(section, folder) with { RoundRobinDns = section.Bool("round_robin_dns", false) },
            Cloud = cloud,
            WriteRelabelRules = PrometheusConfigReader.ReadRelabelRules(section, "write_relabel_configs", folder),
            Version2 = message != RemoteWriteHeaders.MessageV1,
            SendExemplars = section.Bool("send_exemplars", false),
            SendNativeHistograms = section.Bool("send_native_histograms", false),
            Capacity = queue?.Count("capacity", 10_000, 1) ?? 10_000,
            ShardsMin = queue?.Count("min_shards", 1, 1) ?? 1,
            ShardsMax = queue?.Count("max_shards", 50, 1) ?? 50,
            SamplesPerSendMax = queue?.Count("max_samples_per_send", 2000, 1) ?? 2000,
            BatchSendDeadline = queue?.DurationOrNull("batch_send_deadline") ?? TimeSpan.FromSeconds(5),
            BackoffMin = queue?.DurationOrNull("min_backoff") ?? TimeSpan.FromMilliseconds(30),
            BackoffMax = queue?.DurationOrNull("max_backoff") ?? TimeSpan.FromSeconds(5),
            RetryOn429 = queue?.Bool("retry_on_http_429", false) ?? false,
            SampleAgeLimit = queue?.DurationOrNull("sample_age_limit") ?? TimeSpan.Zero,
            SendMetadata = metadata?.Bool("send", true) ?? true,
            MetadataInterval = metadata?.DurationOrNull("send_interval") ?? TimeSpan.FromMinutes(1),
            MetadataPerSendMax = metadata?.Count("max_samples_per_send", 2000, 1) ?? 2000,
        };
        if (target.ShardsMin > target.ShardsMax) queue!.Error("min_shards", $"min_shards ({target.ShardsMin}) is greater than max_shards ({target.ShardsMax})");
        if (target.BackoffMin > target.BackoffMax) queue!.Error("min_backoff", "min_backoff is greater than max_backoff");
        queue?.Done();
        metadata?.Done();
        if (cloud is not null && target.Http is not { BasicAuth: null, Authorization: null, OAuth2: null }) section.ErrorHere(CloudAccess.OneWay);
        clouds.Done();
        return url is null ? null : target;
    }

    /// <summary>The client as the queue takes it.</summary>
    public static RemoteWriteEndpointOptions Endpoint(RemoteWriteTarget target) => new()
    {
        Url = target.Url,
        Name = target.Name,
        Version = target.Version2 ? RemoteWriteVersion.V2 : RemoteWriteVersion.V1,
        Timeout = target.RemoteTimeout,
        SendExemplars = target.SendExemplars,
        SendNativeHistograms = target.SendNativeHistograms,
        Http = target.Http with { Headers = target.Http.Headers.Concat(target.Headers).GroupBy(h => h.Key).ToDictionary(g => g.Key, g => g.Last().Value) },
        Cloud = target.Cloud,
        WriteRelabelRules = target.WriteRelabelRules,
        Capacity = target.Capacity,
        ShardsMin = target.ShardsMin,
        ShardsMax = target.ShardsMax,
        SamplesPerSendMax = target.SamplesPerSendMax,
        BatchSendDeadline = target.BatchSendDeadline,
        BackoffMin = target.BackoffMin,
        BackoffMax = target.BackoffMax,
        RetryOnHttp429 = target.RetryOn429,
        SampleAgeLimit = target.SampleAgeLimit,
        SendMetadata = target.SendMetadata,
        MetadataInterval = target.MetadataInterval,
        MetadataPerSendMax = target.MetadataPerSendMax,
    };
}
