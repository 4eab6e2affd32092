using Pharos.Core;

namespace Pharos.LogQL.Engine;

/// <summary>What all parts of one query share.</summary>
internal sealed class QueryContext(ILogQueryable store, TenantId tenant, TenantLimits limits, TimeProvider time, WorkCrew crew, CancellationToken cancel)
{
    public ILogQueryable Store { get; } = store;
    public TenantId Tenant { get; } = tenant;
    public TenantLimits Limits { get; } = limits;
    public TimeProvider Time { get; } = time;

    /// <summary>Threads that help to read.</summary>
    public WorkCrew Crew { get; } = crew;

    public CancellationToken Cancel { get; } = cancel;
    public LogReadStatistics Read { get; private set; }

    public void Add(LogReadStatistics more) => Read += more;
}
