using Pharos.Yaml;

namespace Pharos.Server.LocalPrometheus;

/// <summary>Reads the <c>storage</c> section.</summary>
internal static class StorageReader
{
    public static TsdbSettings Read(YamlSection section)
    {
        var settings = new TsdbSettings();
        if (section.Section("tsdb") is { } tsdb)
        {
            settings = new TsdbSettings { OutOfOrderWindow = tsdb.Duration("out_of_order_time_window", TimeSpan.Zero) };
            if (tsdb.Section("retention") is { } retention) settings = ReadRetention(retention, settings);
            if (tsdb.Section("chunk_encoding") is { } encoding) ReadEncoding(encoding);
            double share = tsdb.Float("stale_series_compaction_threshold", 0);
            if (share is not (>= 0 and <= 1)) tsdb.Error("stale_series_compaction_threshold", $"'storage.tsdb.stale_series_compaction_threshold' must be in the range [0, 1], got {share}");
            settings = settings with { StaleSeriesShareMax = share };
            tsdb.Done();
        }
        if (section.Section("exemplars") is { } exemplars)
        {
            if (exemplars.Has("max_exemplars")) settings = settings with { ExemplarsMax = (int)Math.Clamp(exemplars.Number("max_exemplars", 0), 0, int.MaxValue) };
            exemplars.Done();
        }
        section.Done();
        return settings;
    }

    private static TsdbSettings ReadRetention(YamlSection section, TsdbSettings settings)
    {
        settings = settings with { RetentionTime = section.DurationOrNull("time"), RetentionBytes = section.Has("size") ? section.Size("size", 0) : null };
        if (section.Has("percentage"))
        {
            double percentage = section.Float("percentage", 0);
            if (percentage > 100) section.Error("percentage", "'storage.tsdb.retention.percentage' must be in the range [0, 100]");
            settings = settings with { RetentionPercentage = percentage };
        }
        section.Done();
        return settings;
    }

    private static void ReadEncoding(YamlSection section)
    {
        string floats = section.Text("floats", "xor");
        if (floats is not ("xor" or "xor2")) section.Error("floats", $"'storage.tsdb.chunk_encoding.floats' must be 'xor' or 'xor2', or the field must be omitted entirely, got \"{floats}\"");
        else if (floats == "xor2") section.Warn("floats", "chunks are written as xor, which every reader of the block format knows");
        section.Done();
    }
}
