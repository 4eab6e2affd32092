using Pharos.Collector.Runtime;

namespace Pharos.Collector.Components;

/// <summary>Every component that this collector has, and every one that it refuses by name.</summary>
internal static class AllComponents
{
    public static ComponentRegistry Registry { get; } = new(
    [
        .. ContentComponents.All,
        .. EchoComponents.All,
        .. ExporterComponents.All,
        .. RelabelComponents.All,
        ScrapeComponent.Descriptor,
        RemoteWriteComponent.Descriptor,
        LokiWriteComponent.Descriptor,
        .. DiscoveryComponents.All,
        .. FileLogComponents.All,
        ProcessComponent.Descriptor,
    ], RefusedComponents.Reasons);
}
