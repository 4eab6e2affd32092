using Pharos.Core;
using Pharos.Metrics.Append;

namespace Pharos.Metrics.Head;

/// <summary>What senders said about metric families. Used under the head's <see cref="TenantHead.Extras"/>.</summary>
internal sealed class MetadataTable
{
    /// <summary>Different senders may say different things; the newest few are kept.</summary>
    private const int PerFamilyMax = 8;
    private const int FamiliesMax = 100_000;

    private readonly Dictionary<string, List<MetricMetadata>> families = new(StringComparer.Ordinal);

    public IEnumerable<MetricMetadata> All => families.Values.SelectMany(f => f);

    public bool Has(MetricMetadata about) => families.TryGetValue(about.Family, out var known) && known.Contains(about);

    /// <summary>The limit that metadata of a family, which is not there yet, would pass; null where it may come.</summary>
    /// <param name="coming">What the same request brings besides.</param>
    public string? Passes(string family, List<MetricMetadata> coming, TenantLimits limits)
    {
        bool known = families.TryGetValue(family, out var there);
        if (limits.MetadataPerMetricMax > 0 && (there?.Count ?? 0) + coming.Count(c => c.Family == family) >= limits.MetadataPerMetricMax)
            return Refusals.MetadataPerMetric;
        if (limits.MetadataMax <= 0 || known || coming.Exists(c => c.Family == family)) return null;
        int more = coming.Select(c => c.Family).Distinct(StringComparer.Ordinal).Count(f => !families.ContainsKey(f));
        return families.Count + more >= limits.MetadataMax ? Refusals.MetadataPerUser : null;
    }

    public void Set(MetricMetadata about)
    {
        if (!families.TryGetValue(about.Family, out var known))
        {
            if (families.Count >= FamiliesMax) return;
            families[about.Family] = known = [];
        }
        if (known.Contains(about)) return;
        known.Insert(0, about);
        if (known.Count > PerFamilyMax) known.RemoveAt(PerFamilyMax);
    }

    public void Clear() => families.Clear();

    public IReadOnlyDictionary<string, IReadOnlyList<MetricMetadata>> Read(string? family, int limit)
    {
        var read = new SortedDictionary<string, IReadOnlyList<MetricMetadata>>(StringComparer.Ordinal);
        if (family is not null)
        {
            if (families.TryGetValue(family, out var known)) read[family] = [.. known];
            return read;
        }
        foreach (string name in limit > 0 ? families.Keys.Order(StringComparer.Ordinal).Take(limit) : families.Keys) read[name] = [.. families[name]];
        return read;
    }
}
