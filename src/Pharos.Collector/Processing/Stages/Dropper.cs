using System.Text;
using Pharos.Core;

namespace Pharos.Collector.Processing.Stages;

/// <summary>Drops entries for which every configured condition holds.</summary>
internal sealed class Dropper : SimpleStage
{
    private readonly DropStage options;
    private readonly InstrumentCell dropped;
    private readonly TimeProvider time;
    private readonly LinearRegex? regex;
    private readonly string[] sources;

    public Dropper(DropStage options, IStage next, InstrumentCell dropped, TimeProvider time)
        : base(next)
    {
        this.options = options;
        this.dropped = dropped;
        this.time = time;
        sources = options.Source.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (options.Expression.Length > 0 && options.Value.Length > 0) throw new FormatException("only one of expression and value may be set");
        if (options.Value.Length > 0 && sources.Length == 0) throw new FormatException("value needs a source");
        if (sources.Length == 0 && options is { Expression: "", LongerThan: 0 } && options.OlderThan == TimeSpan.Zero)
            throw new FormatException("at least one of source, expression, older_than and longer_than must be set");
        if (options.Expression.Length > 0) regex = LinearRegex.Unanchored(options.Expression);
    }

    protected override bool Apply(LogEntry entry)
    {
        if (!Holds(entry)) return true;
        dropped.Add(1);
        return false;
    }

    private bool Holds(LogEntry entry)
    {
        if (options.LongerThan > 0 && Encoding.UTF8.GetByteCount(entry.Line) <= options.LongerThan) return false;
        if (options.OlderThan > TimeSpan.Zero && entry.TimestampNs >= time.UnixNs() - (long)options.OlderThan.TotalNanoseconds) return false;
        if (sources.Length == 0) return regex is null || regex.IsMatch(entry.Line);
        var values = new List<string>();
        foreach (string source in sources)
        {
            if (!entry.Extracted.TryGetValue(source, out object? value)) return false;
            values.Add(LogEntry.Text(value) ?? "");
        }
        string joined = string.Join(options.Separator, values);
        if (options.Value.Length > 0) return joined == options.Value;
        return regex is null || regex.IsMatch(joined);
    }
}

/// <summary>A token bucket, for all lines or for each value of a label; over it, lines wait or are dropped.</summary>
internal sealed class Limiter : SimpleStage
{
    private readonly LimitStage options;
    private readonly InstrumentCell dropped;
    private readonly TimeProvider time;
    private readonly Dictionary<string, Bucket> buckets = new(StringComparer.Ordinal);

    public Limiter(LimitStage options, IStage next, InstrumentCell dropped, TimeProvider time)
        : base(next)
    {
        if (options.Rate <= 0 || options.Burst <= 0) throw new FormatException("rate and burst must be positive");
        if (options.ByLabelName.Length > 0 && !options.Drop) throw new FormatException("by_label_name needs drop = true");
        this.options = options;
        this.dropped = dropped;
        this.time = time;
    }

    protected override bool Apply(LogEntry entry)
    {
        string key = "";
        if (options.ByLabelName.Length > 0)
        {
            key = entry.Labels.Get(options.ByLabelName);
            if (key.Length == 0) return true;
        }
        if (!buckets.TryGetValue(key, out var bucket))
        {
            if (buckets.Count >= options.MaxDistinctLabels) buckets.Clear();
            buckets[key] = bucket = new Bucket { Tokens = options.Burst, At = time.GetTimestamp() };
        }
        bucket.Tokens = Math.Min(options.Burst, bucket.Tokens + (time.GetElapsedTime(bucket.At).TotalSeconds * options.Rate));
        bucket.At = time.GetTimestamp();
        if (bucket.Tokens >= 1 || !options.Drop)
        {
            bucket.Tokens--;
            if (bucket.Tokens < 0) entry.Delay = TimeSpan.FromSeconds(-bucket.Tokens / options.Rate);
            return true;
        }
        dropped.Add(1);
        return false;
    }

    private sealed class Bucket
    {
        public double Tokens { get; set; }
        public long At { get; set; }
    }
}
