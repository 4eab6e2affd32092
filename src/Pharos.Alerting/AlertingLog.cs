using Microsoft.Extensions.Logging;

namespace Pharos.Alerting;

/// <summary>Log messages of the alert router; ids 6000 to 6099.</summary>
internal static partial class AlertingLog
{
    [LoggerMessage(7001, LogLevel.Error, "Notify for alerts failed: tenant {Tenant}, {Integration}, group {GroupKey}, {Attempts} attempts: {Error}")]
    public static partial void NotifyFailed(ILogger logger, string tenant, string integration, string groupKey, int attempts, string error);

    [LoggerMessage(7002, LogLevel.Warning, "Notify attempt failed, will retry later: tenant {Tenant}, {Integration}, group {GroupKey}, attempt {Attempt}: {Error}")]
    public static partial void NotifyRetry(ILogger logger, string tenant, string integration, string groupKey, int attempt, string error);

    [LoggerMessage(7003, LogLevel.Debug, "Notify success: tenant {Tenant}, {Integration}, group {GroupKey}, {Attempts} attempts")]
    public static partial void Notified(ILogger logger, string tenant, string integration, string groupKey, int attempts);

    [LoggerMessage(7004, LogLevel.Error, "Flush of group {GroupKey} of tenant {Tenant} broke off")]
    public static partial void FlushBroke(ILogger logger, string tenant, string groupKey, Exception error);

    [LoggerMessage(7005, LogLevel.Information, "Completed loading of configuration: tenant {Tenant}, {File}, {Receivers} receivers")]
    public static partial void ConfigLoaded(ILogger logger, string tenant, string file, int receivers);

    [LoggerMessage(7006, LogLevel.Error, "Stored configuration of tenant {Tenant} does not load, the fallback is used: {Error}")]
    public static partial void StoredConfigBroken(ILogger logger, string tenant, string error);

    [LoggerMessage(7007, LogLevel.Warning, "Too many aggregation groups of tenant {Tenant}, alert {Alert} is not routed (limit: {Limit})")]
    public static partial void GroupLimit(ILogger logger, string tenant, string alert, int limit);

    [LoggerMessage(7008, LogLevel.Warning, "{Finding}")]
    public static partial void ConfigWarning(ILogger logger, string finding);

    [LoggerMessage(7009, LogLevel.Error, "Maintenance of tenant {Tenant} broke off")]
    public static partial void MaintenanceBroke(ILogger logger, string tenant, Exception error);

    [LoggerMessage(7010, LogLevel.Error, "What {Integration} was told about group {GroupKey} of tenant {Tenant} could not be stored; after a restart it may be told again")]
    public static partial void LogNotStored(ILogger logger, string tenant, string integration, string groupKey, Exception error);
}
