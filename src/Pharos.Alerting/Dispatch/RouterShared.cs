using Microsoft.Extensions.Logging;
using Pharos.Core;
using Pharos.Storage.Catalogue;

namespace Pharos.Alerting;

/// <summary>What all tenants of a router share.</summary>
internal sealed record RouterShared(
    AlertRouterOptions Options, ICatalogue Catalogue, IAlertJournal Journal, TimeProvider Time, HttpHandlerFactory? Handlers,
    RouterMetrics Metrics, NotificationHistory History, WorkTracker Work, ILogger Logger)
{
    private readonly Random random = new(Options.Seed);

    public DateTimeOffset StartedAt { get; } = Time.GetUtcNow();

    public DateTimeOffset Now => Time.GetUtcNow();

    /// <summary>Transports of a tenant's HTTP receivers: those given, else real sockets behind the tenant's firewall.</summary>
    public HttpHandlerFactory HandlersOf(TenantId tenant) => Handlers ?? new SocketHandlers(() => Options.FirewallOf(tenant)).Create;

    /// <summary>A share between 0.5 and 1.5, for waits that must not beat in step.</summary>
    public double Jitter()
    {
        lock (random) return 0.5 + random.NextDouble();
    }
}
