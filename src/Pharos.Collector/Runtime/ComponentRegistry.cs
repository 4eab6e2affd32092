using Pharos.Core;
using Pharos.Collector.Evaluation;

namespace Pharos.Collector.Runtime;

/// <summary>The kinds of components that a collector knows.</summary>
internal sealed class ComponentRegistry(IReadOnlyList<ComponentDescriptor> descriptors, IReadOnlyDictionary<string, string> refused)
{
    private readonly Dictionary<string, ComponentDescriptor> byName = descriptors.ToDictionary(d => d.Name, StringComparer.Ordinal);

    public IReadOnlyList<ComponentDescriptor> All => descriptors;

    public ComponentDescriptor? Find(string name) => byName.GetValueOrDefault(name);

    /// <summary>Why a component that upstream has is not here; null for a name that upstream does not have either.</summary>
    public string? RefusalOf(string name) => refused.GetValueOrDefault(name);

    public string? Nearest(string name) => NearestName.Of(name, byName.Keys);
}
