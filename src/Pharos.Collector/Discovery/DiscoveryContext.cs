using Microsoft.Extensions.Logging;
using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>What discoveries get from their surroundings.</summary>
public sealed record DiscoveryContext(HttpHandlerFactory Http, TimeProvider Time, Instruments Instruments, ILogger Logger);
