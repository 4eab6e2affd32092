using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>What a look found.</summary>
/// <param name="Trouble">A part could not be read and is as it was before; null where all is well.</param>
internal readonly record struct FoundTargets(IReadOnlyList<Labels> Targets, string? Trouble = null)
{
    public static implicit operator FoundTargets(List<Labels> targets) => new(targets);
}
