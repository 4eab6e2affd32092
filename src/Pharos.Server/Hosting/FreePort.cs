using System.Net;
using System.Net.Sockets;

namespace Pharos.Server.Hosting;

internal static class FreePort
{
    /// <summary>A port that nobody listens on now; asked of the system.</summary>
    public static int Choose(string host)
    {
        var address = IPAddress.TryParse(host, out var parsed) ? parsed : IPAddress.Loopback;
        using var listener = new TcpListener(address, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
