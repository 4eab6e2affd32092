using Pharos.Core;
using Pharos.Logs;
using Pharos.LogQL;
using Pharos.LogQL.Serving;

namespace Pharos.Server.Loki;

/// <summary>What the routes for logs work with, put together once for a store.</summary>
internal sealed class LogServices : IDisposable
{
    /// <param name="running">Where queries are listed while they run.</param>
    /// <param name="externalUrl">Where the page is opened, if not at the address listened on.</param>
    public LogServices(LogStore store, QueryRegistry running, ITenantLimits limits, TimeProvider time, Instruments instruments, string? externalUrl = null)
    {
        ExternalUrl = externalUrl;
        Store = store;
        Limits = limits;
        Time = time;
        Instruments = instruments;
        Sink = new LogDistributor(store, limits, time, instruments);
        Readable = new FederatedLogs(store);
        Engine = new LogQlEngine(Readable, limits, time, instruments);
        Queries = new LogQueryService(Engine, Readable, running, time, instruments, new LogServingOptions());
    }

    public LogStore Store { get; }

    public string? ExternalUrl { get; }

    /// <summary>The store for pushes.</summary>
    public LogDistributor Sink { get; }

    public ITenantLimits Limits { get; }

    public TimeProvider Time { get; }

    public Instruments Instruments { get; }

    /// <summary>The store for reads, which may name several tenants.</summary>
    public FederatedLogs Readable { get; }

    /// <summary>For rules, which wait for nobody and get no part of an answer.</summary>
    public LogQlEngine Engine { get; }

    /// <summary>For clients.</summary>
    public LogQueryService Queries { get; }

    public void Dispose()
    {
        Queries.Dispose();
        Engine.Dispose();
    }
}
