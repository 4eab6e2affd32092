using Pharos.Core;

namespace Pharos.Logs.Upkeep;

/// <summary>How long the streams of a tenant are kept, seen from one moment.</summary>
internal sealed class RetentionRules
{
    private readonly IReadOnlyList<LogStreamRetention> streams;
    private readonly long keepFromNs;
    private readonly long nowNs;

    public RetentionRules(TenantLimits limits, long nowNs)
    {
        this.nowNs = nowNs;
        // The highest priority counts; among equals, the shortest period. Source: Loki's retention_stream.
        streams = [.. limits.LogStreamRetention.OrderByDescending(s => s.Priority).ThenBy(s => s.Period)];
        keepFromNs = Since(limits.LogRetention);
    }

    /// <summary>Nothing ever goes.</summary>
    public bool None => keepFromNs == long.MinValue && streams.Count == 0;

    public bool HasStreams => streams.Count > 0;

    /// <summary>What is older may be gone for some stream; what is newer is kept for all.</summary>
    public long NewestKeepFromNs => streams.Select(s => Since(s.Period)).Append(keepFromNs).Max();

    /// <summary>The time before which entries of a stream go.</summary>
    public long KeepFromNs(Labels stream)
    {
        foreach (var rule in streams)
        {
            if (Matcher.All(rule.Matchers, stream)) return Since(rule.Period);
        }
        return keepFromNs;
    }

    private long Since(TimeSpan period) => period <= TimeSpan.Zero ? long.MinValue : nowNs - (period.Ticks * 100);
}
