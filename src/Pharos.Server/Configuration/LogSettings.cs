using System.Globalization;
using Pharos.Core;
using static Pharos.Server.Configuration.LimitSetting;

namespace Pharos.Server.Configuration;

/// <summary>Limits of a tenant's logs that <see cref="LogLimits"/> holds, by Loki's names where it has them.</summary>
internal static class LogSettings
{
    public static IReadOnlyList<LimitSetting> All { get; } =
    [
        Whole("max_label_names_per_log_stream", "labels of a log stream, `service_name` not counted; Loki: max_label_names_per_series", l => l.LogLabelNamesMax, (l, v) => l with { LogLabelNamesMax = (int)v }),
        Flag("allow_structured_metadata", "false: log entries with structured metadata are refused", l => l.StructuredMetadata, (l, v) => l with { StructuredMetadata = v }),
        Flag("max_line_size_truncate", "lines over max_line_size are cut instead of refused", l => l.TruncateLines, (l, v) => l with { TruncateLines = v }),
        Text("max_line_size_truncate_identifier", "ends a line that was cut", l => l.Logs.TruncateIdentifier, (l, v) => l with { Logs = l.Logs with { TruncateIdentifier = v } }),
        Bytes("per_stream_rate_limit", "bytes of one log stream per second", l => l.StreamBytesPerSecond, (l, v) => l with { StreamBytesPerSecond = v }),
        Bytes("per_stream_rate_limit_burst", "of them at once; 0: as many as per second", l => l.StreamBurstBytes, (l, v) => l with { StreamBurstBytes = v }),
        Texts("enforced_labels", "labels that every log stream must have", l => l.Logs.EnforcedLabels, (l, v) => l with { Logs = l.Logs with { EnforcedLabels = v } }),
        new("block_ingestion_until", "RFC 3339; no logs are taken until then",
            (l, n, r) => l with { Logs = l.Logs with { BlockedUntil = Until(r.Text(n), n, r) } },
            (l, json) => json.WriteStringValue(l.Logs.BlockedUntil?.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture) ?? "")),
        Count("block_ingestion_status_code", "the answer meanwhile; 200: as if they had been taken", l => l.BlockedStatus, (l, v) => l with { BlockedStatus = v }),
        Flag("increment_duplicate_timestamp", "a log entry with the time of the one before it in its push gets one nanosecond more", l => l.IncrementDuplicateTimestamp, (l, v) => l with { IncrementDuplicateTimestamp = v }),
        Flag("reject_old_samples", "false: reject_old_samples_max_age does not count", l => l.RejectOld, (l, v) => l with { RejectOld = v }),
        Flag("discover_log_levels", "false: log entries get no `detected_level`", l => l.DetectLevels, (l, v) => l with { DetectLevels = v }),
        OtlpLogSettings.Mapping,
        new("deletion_mode", "`filter-and-delete`, or `disabled`: no log lines are deleted by request",
            (l, n, r) => l with { Logs = l.Logs with { Deletion = r.Choice(n, ("filter-and-delete", true), ("disabled", false)) } },
            (l, json) => json.WriteStringValue(l.Logs.Deletion ? "filter-and-delete" : "disabled")),
        Duration("max_query_range", "longest range in brackets of a LogQL query", l => l.Logs.RangeMax, (l, v) => l with { Logs = l.Logs with { RangeMax = v } }),
        Bytes("max_query_bytes_read", "bytes of log lines a query may read", l => l.QueryBytesMax, (l, v) => l with { QueryBytesMax = v }),
        Count("max_concurrent_tail_requests", "live tails", l => l.TailsMax, (l, v) => l with { TailsMax = v }),
        Count("max_outstanding_per_tenant", "LogQL queries that may wait to run", l => l.OutstandingMax, (l, v) => l with { OutstandingMax = v }),
        Texts("required_labels", "labels of which each selector of a LogQL query must have all", l => l.Logs.RequiredLabels, (l, v) => l with { Logs = l.Logs with { RequiredLabels = v } }),
        Count("minimum_labels_number", "labels that each selector of a LogQL query must have at least", l => l.LabelsMin, (l, v) => l with { LabelsMin = v }),
        Flag("volume_enabled", "whether `index/volume` and `volume_range` answer", l => l.Volumes, (l, v) => l with { Volumes = v }),
        Count("volume_max_series", "series of their answers; the largest are given", l => l.VolumeSeriesMax, (l, v) => l with { VolumeSeriesMax = v }),
        Flag("per_request_limits_enabled", "a LogQL query may lower its limits in `X-Loki-Query-Limits`", l => l.PerRequestLimits, (l, v) => l with { PerRequestLimits = v }),
    ];

    private static LimitSetting Flag(string name, string meaning, Func<LogLimits, bool> get, Func<LogLimits, bool, LogLimits> set) =>
        Switch(name, meaning, l => get(l.Logs), (l, v) => l with { Logs = set(l.Logs, v) });

    private static LimitSetting Count(string name, string meaning, Func<LogLimits, int> get, Func<LogLimits, int, LogLimits> set) =>
        Whole(name, meaning, l => get(l.Logs), (l, v) => l with { Logs = set(l.Logs, (int)v) });

    private static LimitSetting Bytes(string name, string meaning, Func<LogLimits, long> get, Func<LogLimits, long, LogLimits> set) =>
        new(name, meaning, (l, n, r) => l with { Logs = set(l.Logs, r.LokiSize(n)) }, (l, json) => json.WriteStringValue(get(l.Logs) == 0 ? "0" : $"{get(l.Logs)}B"));

    private static DateTimeOffset? Until(string text, Pharos.Yaml.YamlNode node, LimitReader reader)
    {
        if (text.Length == 0) return null;
        return UnixTime.TryRfc3339Ns(text, out long ns) ? UnixTime.FromNs(ns) : reader.Fail<DateTimeOffset?>(node, $"\"{text}\" is no RFC 3339 time, such as 2026-01-01T00:00:00Z", null);
    }
}
