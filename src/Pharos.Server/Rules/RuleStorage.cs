using Microsoft.Extensions.Logging;
using Pharos.Core;
using Pharos.Rules;
using Pharos.Server.Configuration;
using Pharos.Storage.Catalogue;

namespace Pharos.Server.Rules;

/// <summary>Where the server's rules are: in its catalogue, or in files that the configuration names.</summary>
internal static class RuleStorage
{
    /// <summary>The only tenant of a Loki without multi-tenancy.</summary>
    private const string LokisTenant = "fake";

    /// <summary>Files are read before this returns.</summary>
    public static RuleStore Open(
        ServerConfig config, ICatalogue catalogue, ITenantLimits limits, IRuleLanguage metrics, IRuleLanguage logs, TimeProvider time, Instruments instruments, ILogger logger)
    {
        var folders = new Dictionary<RulePlacement, RuleFolder>();
        Add(RulePlacement.Metrics, config.Ruler.MetricRulesFolder, "cortex_ruler", new RuleFileOptions { Language = metrics, SourceTenants = config.MultitenancyEnabled && config.RulerFederationEnabled });
        Add(RulePlacement.Logs, config.Ruler.LogRulesFolder, "loki_ruler", new RuleFileOptions { Language = logs });
        var store = new RuleStore(catalogue, limits, logger) { Folders = folders };
        store.RefreshFolders();
        return store;

        void Add(RulePlacement placement, string? folder, string metricPrefix, RuleFileOptions reading)
        {
            if (folder is not null) folders[placement] = new RuleFolder(new RuleFolderOptions(folder, TenantOf, reading) { MetricPrefix = metricPrefix }, time, instruments, logger);
        }

        TenantId? TenantOf(string name)
        {
            if (!config.MultitenancyEnabled) return name == LokisTenant || name == TenantId.Anonymous.Name ? TenantId.Anonymous : null;
            return TenantId.TryParse(name, out var tenant, out _) ? tenant : null;
        }
    }
}
