namespace Pharos.Collector.Discovery;

/// <summary>A kind of discovery: <c>NAME_sd_configs</c> in prometheus.yml, <c>discovery.NAME</c> in a collector's configuration.</summary>
/// <param name="About">What it does, in a sentence.</param>
/// <param name="Read">Gives null where the section is wrong, after saying so. Asks for every key there is, whatever the others hold.</param>
/// <param name="Required">Keys that must be there.</param>
public sealed record DiscoveryType(string Name, string About, Func<IDiscoverySection, DiscoveryOptions?> Read, params IReadOnlyList<string> Required);
