using System.Text.RegularExpressions;

namespace Pharos.Server.Tests.Prometheus.Differential;

/// <summary>
/// The committed list of differences that the peer's older version explains. A line holds, separated by tabs: a pattern that the query
/// must match, a pattern that the difference must match, and the change that explains it. A line that explains nothing must go.
/// </summary>
internal sealed class Differences
{
    private readonly List<(string Line, Regex Query, Regex Difference)> entries = [];
    private readonly HashSet<string> used = new(StringComparer.Ordinal);

    public Differences(string path)
    {
        foreach (string line in File.ReadLines(path))
        {
            if (line.Length == 0 || line[0] == '#') continue;
            string[] parts = line.Split('\t');
            Assert.True(parts.Length == 3 && parts[2].Trim().Length > 0, $"{path}: write query, difference and reason: {line}");
            entries.Add((line, new Regex(parts[0]), new Regex(parts[1])));
        }
    }

    /// <summary>Entries that explained nothing so far.</summary>
    public IEnumerable<string> Unused => entries.Select(e => e.Line).Where(l => !used.Contains(l));

    public bool Explain(string query, string difference)
    {
        foreach (var (line, queries, differences) in entries)
        {
            if (!queries.IsMatch(query) || !differences.IsMatch(difference)) continue;
            lock (used) used.Add(line);
            return true;
        }
        return false;
    }
}
