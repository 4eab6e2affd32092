using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Pharos.Server.Tests.Support;

/// <summary>Helpers for tests that run another system's program.</summary>
internal static class Peers
{
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Waits until a Prometheus answers that it is ready; fails the test after half a minute, or where the program has ended.</summary>
    public static async Task ReadyAsync(Process prometheus, Uri address)
    {
        using var client = new HttpClient();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (true)
        {
            if (prometheus.HasExited) Assert.Fail($"it ended early: {await prometheus.StandardError.ReadToEndAsync(patience.Token)}");
            try
            {
                using var ready = await client.GetAsync(new Uri(address, "-/ready"), patience.Token);
                if (ready.IsSuccessStatusCode) return;
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, patience.Token);
        }
    }
}
