using Microsoft.Extensions.Logging;

namespace Pharos.Rules;

/// <summary>Log messages of this room: 6000 to 6099.</summary>
internal static partial class RulesLog
{
    [LoggerMessage(6001, LogLevel.Warning, "Tenant {Tenant}: rule {Rule} of group {Group} failed: {Error}")]
    public static partial void RuleFailed(ILogger logger, string tenant, string rule, string group, string error);

    [LoggerMessage(6002, LogLevel.Warning, "Tenant {Tenant}: expanding a template of alert {Alert} failed: {Error}")]
    public static partial void TemplateFailed(ILogger logger, string tenant, string alert, string error);

    [LoggerMessage(6003, LogLevel.Warning, "Tenant {Tenant}: group {Group} missed {Missed} evaluations, because one takes longer than the interval")]
    public static partial void Slow(ILogger logger, string tenant, string group, long missed);

    [LoggerMessage(6004, LogLevel.Information, "Tenant {Tenant}: group {Group} makes up {Count} evaluations missed since {Since}")]
    public static partial void MakesUp(ILogger logger, string tenant, string group, long count, DateTimeOffset since);

    [LoggerMessage(6005, LogLevel.Warning, "Tenant {Tenant}: alerts of rule {Rule} could not be handed over, the next evaluation tries again: {Error}")]
    public static partial void SendFailed(ILogger logger, string tenant, string rule, string error);

    [LoggerMessage(6006, LogLevel.Debug, "Tenant {Tenant}: rule {Rule}: sample not stored: {Error}")]
    public static partial void SampleRefused(ILogger logger, string tenant, string rule, string error);

    [LoggerMessage(6007, LogLevel.Error, "Tenant {Tenant}: group {Group} could not be evaluated")]
    public static partial void GroupFailed(ILogger logger, string tenant, string group, Exception error);

    [LoggerMessage(6008, LogLevel.Error, "Tenant {Tenant}: stored state of group {Group} cannot be read, it starts afresh: {Error}")]
    public static partial void StateUnreadable(ILogger logger, string tenant, string group, string error);

    [LoggerMessage(6009, LogLevel.Error, "Tenant {Tenant}: stored rule group {Namespace}/{Group} cannot be read and does not run: {Error}")]
    public static partial void StoredGroupUnreadable(ILogger logger, string tenant, string @namespace, string group, string error);

    [LoggerMessage(6010, LogLevel.Warning, "Alertmanager {Url} did not take {Count} alerts: {Error}")]
    public static partial void AlertmanagerFailed(ILogger logger, string url, int count, string error);

    [LoggerMessage(6011, LogLevel.Warning, "Queue to Alertmanager {Url} is full, dropped {Count} alerts")]
    public static partial void AlertsDropped(ILogger logger, string url, int count);

    [LoggerMessage(6012, LogLevel.Error, "Tenant {Tenant}: state of group {Group} could not be stored: {Error}")]
    public static partial void StateNotStored(ILogger logger, string tenant, string group, string error);

    [LoggerMessage(6013, LogLevel.Error, "Rules of tenant {Tenant} could not be taken over")]
    public static partial void TenantFailed(ILogger logger, string tenant, Exception error);

    [LoggerMessage(6015, LogLevel.Error, "Rule files in {Folder} cannot be read; rules run as they were: {Error}")]
    public static partial void FolderUnreadable(ILogger logger, string folder, string error);

    [LoggerMessage(6016, LogLevel.Error, "Tenant {Tenant}: a rule file is not taken over, its rules run as they were before: {Error}")]
    public static partial void FileNotTaken(ILogger logger, string tenant, string error);

    [LoggerMessage(6014, LogLevel.Error, "Tenant {Tenant}: stored rule group {Namespace}/{Group} has source_tenants and does not run: ruler.tenant_federation.enabled is not set")]
    public static partial void SourceTenantsOff(ILogger logger, string tenant, string @namespace, string group);
}
