namespace Pharos.Collector.Discovery;

/// <summary>A discovery as it is configured, checked, with every default filled in.</summary>
public abstract record DiscoveryOptions
{
    /// <summary>Its name in configurations and metrics, for example <c>consul</c>.</summary>
    public abstract string Mechanism { get; }

    /// <summary>Between two looks; also the time that one request may take.</summary>
    public required TimeSpan RefreshInterval { get; init; }

    /// <summary>From the end of one look to the next.</summary>
    internal virtual TimeSpan Wait => RefreshInterval;

    /// <exception cref="IOException">A file that it needs cannot be read now.</exception>
    internal abstract IDiscoverer Open(DiscoveryContext context);
}
