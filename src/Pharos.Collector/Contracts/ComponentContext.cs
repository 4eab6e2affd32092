using Microsoft.Extensions.Logging;
using Pharos.Core;

namespace Pharos.Collector;

/// <summary>What a component gets from its surroundings.</summary>
public sealed record ComponentContext
{
    /// <summary>Whole id, for example <c>prometheus.scrape.default</c>; inside a module preceded by the module's path.</summary>
    public required string Id { get; init; }

    /// <summary>The component's own folder. May not exist yet; kept over restarts.</summary>
    public required string DataFolder { get; init; }

    public required TimeProvider Time { get; init; }

    /// <summary>The component's own registry. The collector shows its metrics with the label <c>component_id</c> added.</summary>
    public required Instruments Instruments { get; init; }

    public required ILogger Logger { get; init; }

    /// <summary>Makes the handler under an <see cref="HttpClient"/>.</summary>
    public required HttpHandlerFactory Http { get; init; }

    /// <summary>For what the component sends on.</summary>
    public LiveTap Tap { get; init; } = new();
}

/// <summary>
/// Makes the handler for one HTTP client: with TLS, proxy and credentials of the options applied.
/// Tests and the in-process collector give one that never opens a socket. The caller disposes of the handler.
/// </summary>
public delegate HttpMessageHandler HttpHandlerFactory(HttpClientOptions options);
