namespace Pharos.Collector.Discovery;

/// <summary>A look failed; the targets found before stay.</summary>
internal sealed class DiscoveryException : IOException
{
    public DiscoveryException() { }

    public DiscoveryException(string message) : base(message) { }

    public DiscoveryException(string message, Exception inner) : base(message, inner) { }
}
