using System.Net;
using System.Net.Sockets;

namespace Pharos.Alerting;

/// <summary>Addresses that receivers must not reach. Names follow Mimir's <c>alertmanager_receivers_firewall_*</c>.</summary>
/// <param name="BlockPrivate">Loopback, link-local, private and unspecified addresses.</param>
public sealed record ReceiverFirewall(IReadOnlyList<IPNetwork> BlockedNetworks, bool BlockPrivate)
{
    public static ReceiverFirewall Open { get; } = new([], false);

    public bool IsOpen => !BlockPrivate && BlockedNetworks.Count == 0;

    public bool Blocks(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        return (BlockPrivate && IsPrivate(address)) || BlockedNetworks.Any(n => n.Contains(address));
    }

    /// <summary>The addresses of a name that may be reached; never none.</summary>
    /// <exception cref="IOException">All are blocked.</exception>
    internal async ValueTask<IPAddress[]> ResolveAsync(string host, CancellationToken cancel)
    {
        var allowed = Array.FindAll(await Dns.GetHostAddressesAsync(host, cancel), a => !Blocks(a));
        return allowed.Length > 0 ? allowed : throw new IOException($"the address of {host} is blocked for receivers");
    }

    private static bool IsPrivate(IPAddress address)
    {
        if (IPAddress.IsLoopback(address) || address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any)) return true;
        if (address.AddressFamily == AddressFamily.InterNetworkV6)
            return address.IsIPv6LinkLocal || address.IsIPv6UniqueLocal || address.IsIPv6SiteLocal || address.IsIPv6Multicast;
        var b = address.GetAddressBytes();
        return b[0] is 10 or 0 || (b[0] == 172 && b[1] is >= 16 and <= 31) || (b[0] == 192 && b[1] == 168)
            || (b[0] == 169 && b[1] == 254) || (b[0] == 100 && b[1] is >= 64 and <= 127);
    }
}
