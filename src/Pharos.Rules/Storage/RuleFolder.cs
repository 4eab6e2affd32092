using Microsoft.Extensions.Logging;
using Pharos.Core;

namespace Pharos.Rules;

/// <summary>How rule files of tenants are found and read.</summary>
/// <param name="Folder">Has a folder for each tenant with its files.</param>
/// <param name="TenantOf">The tenant whose rules are in a folder of that name; null: they are nobody's.</param>
/// <param name="Reading">How files are checked.</param>
public sealed record RuleFolderOptions(string Folder, Func<string, TenantId?> TenantOf, RuleFileOptions Reading)
{
    /// <summary>What the names of metrics begin with.</summary>
    public string MetricPrefix { get; init; } = "cortex_ruler";
}

/// <summary>
/// Rule files that somebody else writes, <c>FOLDER/TENANT/FILE</c>: each is a namespace of its name. Source: the local rule storage of Loki and Mimir.
/// A file with mistakes runs as it was when it had none. Safe for several threads.
/// </summary>
public sealed class RuleFolder(RuleFolderOptions options, TimeProvider time, Instruments instruments, ILogger logger)
{
    private readonly Lock gate = new();
    private readonly Gauge successful = instruments.Gauge(options.MetricPrefix + "_config_last_reload_successful", "Boolean set to 1 whenever the last configuration reload attempt was successful.", "user");
    private readonly Gauge successfulAt =
        instruments.Gauge(options.MetricPrefix + "_config_last_reload_successful_seconds", "Timestamp of the last successful configuration reload.", "user");

    private volatile IReadOnlyDictionary<TenantId, IReadOnlyList<RuleFile>> tenants = new Dictionary<TenantId, IReadOnlyList<RuleFile>>();
    private string lastFailure = "";

    public string Folder => options.Folder;

    public IReadOnlyCollection<TenantId> Tenants => [.. tenants.Keys];

    /// <summary>A tenant's groups, by file, then in the order of the file.</summary>
    public IReadOnlyList<StoredRuleGroup> List(TenantId tenant) =>
        tenants.TryGetValue(tenant, out var files) ? [.. files.SelectMany(f => f.Groups.Select(g => new StoredRuleGroup(f.Name, g)))] : [];

    /// <summary>Reads what has changed.</summary>
    /// <returns>Tenants whose groups are others now.</returns>
    public IReadOnlyList<TenantId> Refresh()
    {
        lock (gate)
        {
            var before = tenants;
            var now = new Dictionary<TenantId, IReadOnlyList<RuleFile>>();
            try
            {
                foreach (string folder in Directory.EnumerateDirectories(options.Folder).Where(IsShown).Order(StringComparer.Ordinal))
                {
                    if (options.TenantOf(Path.GetFileName(folder)) is not { } tenant) continue;
                    var files = Read(tenant, folder, before.GetValueOrDefault(tenant) ?? []);
                    now[tenant] = now.TryGetValue(tenant, out var others) ? [.. others, .. files] : files;
                }
                lastFailure = "";
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                if (e.Message != lastFailure) RulesLog.FolderUnreadable(logger, options.Folder, e.Message);
                lastFailure = e.Message;
                foreach (var tenant in before.Keys) successful.With(tenant.Name).Set(0);
                return [];
            }
            foreach (var (tenant, files) in now)
            {
                bool whole = files.All(f => f.IsCurrent);
                successful.With(tenant.Name).Set(whole ? 1 : 0);
                if (whole) successfulAt.With(tenant.Name).Set(time.GetUtcNow().ToUnixTimeSeconds());
            }
            foreach (var tenant in before.Keys.Where(t => !now.ContainsKey(t)))
            {
                successful.Remove(tenant.Name);
                successfulAt.Remove(tenant.Name);
            }
            tenants = now;
            return [.. before.Keys.Union(now.Keys).Where(t => !Groups(before, t).SequenceEqual(Groups(now, t)))];
        }
    }

    /// <summary>Kubernetes keeps what it mounts in folders of such names, with links to their files beside them.</summary>
    private static bool IsShown(string path) => !Path.GetFileName(path).StartsWith('.');

    private static IEnumerable<(string, RuleGroupDefinition)> Groups(IReadOnlyDictionary<TenantId, IReadOnlyList<RuleFile>> of, TenantId tenant) =>
        of.TryGetValue(tenant, out var files) ? files.SelectMany(f => f.Groups.Select(g => (f.Name, g))) : [];

    private List<RuleFile> Read(TenantId tenant, string folder, IReadOnlyList<RuleFile> before)
    {
        var files = new List<RuleFile>();
        foreach (string path in Directory.EnumerateFiles(folder).Where(IsShown).Order(StringComparer.Ordinal))
        {
            var known = before.FirstOrDefault(f => f.Path == path);
            string text = "", failure;
            try
            {
                text = File.ReadAllText(path);
                // The same objects: nothing changes for their groups.
                if (known is not null && known.Text == text)
                {
                    files.Add(known);
                    continue;
                }
                files.Add(new RuleFile(path, text, RuleFileReader.Parse(text, path, options.Reading), ""));
                continue;
            }
            catch (ConfigurationException e)
            {
                failure = e.Message;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                failure = $"{path}: {e.Message}";
            }
            if (known?.Failure != failure) RulesLog.FileNotTaken(logger, tenant.Name, failure);
            files.Add(new RuleFile(path, text, known?.Groups ?? [], failure));
        }
        return files;
    }

    /// <param name="Text">As it is now.</param>
    /// <param name="Groups">As they were when there was no mistake in it.</param>
    /// <param name="Failure">What is wrong with it; empty: nothing.</param>
    private sealed record RuleFile(string Path, string Text, IReadOnlyList<RuleGroupDefinition> Groups, string Failure)
    {
        public string Name => System.IO.Path.GetFileName(Path);

        public bool IsCurrent => Failure.Length == 0;
    }
}
