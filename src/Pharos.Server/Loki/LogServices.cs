using Pharos.Core;
using Pharos.Logs;
using Pharos.LogQL;

namespace Pharos.Server.Loki;

/// <summary>What the routes for logs work with, put together once for a store.</summary>
internal sealed class LogServices
{
    public LogServices(LogStore store, ITenantLimits limits, TimeProvider time, Instruments instruments)
    {
        Store = store;
        Limits = limits;
        Time = time;
        Instruments = instruments;
        Sink = new LogDistributor(store, limits, time, instruments);
        Readable = new FederatedLogs(store);
        Engine = new LogQlEngine(Readable, limits, time, instruments);
    }

    public LogStore Store { get; }

    /// <summary>The store for pushes.</summary>
    public LogDistributor Sink { get; }

    public ITenantLimits Limits { get; }

    public TimeProvider Time { get; }

    public Instruments Instruments { get; }

    /// <summary>The store for reads, which may name several tenants.</summary>
    public FederatedLogs Readable { get; }

    public LogQlEngine Engine { get; }
}
