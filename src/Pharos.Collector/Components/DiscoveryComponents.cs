using Pharos.Collector.Discovery;
using Pharos.Collector.Runtime;

namespace Pharos.Collector.Components;

/// <summary><c>discovery.*</c>: every kind of discovery as a component.</summary>
internal static class DiscoveryComponents
{
    private static readonly IReadOnlyList<ComponentExport> Exports = [new("targets", "list(target)")];

    public static IReadOnlyList<ComponentDescriptor> All { get; } = [.. DiscoveryTypes.All.Select(Describe)];

    private static ComponentDescriptor Describe(DiscoveryType type) => ComponentDescriptor.Of(
        "discovery." + type.Name,
        type.About,
        DiscoverySchema.Of(type),
        Exports,
        arguments => type.Read(new DiscoveryArguments(arguments)) ?? throw arguments.Wrong("the arguments are not complete"),
        (context, _, options) => new DiscoveryComponent(context, options));
}
