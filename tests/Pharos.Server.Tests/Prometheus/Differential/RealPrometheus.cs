using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Pharos.Server.Tests.Prometheus.Differential;

/// <summary>A real, empty Prometheus on a free port that takes remote writes.</summary>
internal sealed class RealPrometheus : IAsyncDisposable
{
    private readonly Process process;
    private readonly TemporaryFolder folder;

    private RealPrometheus(Process process, TemporaryFolder folder, Uri address)
    {
        this.process = process;
        this.folder = folder;
        Address = address;
    }

    public Uri Address { get; }

    public static async Task<RealPrometheus> StartAsync()
    {
        string prometheus = Places.Program("prometheus");
        var folder = Places.NewFolder();
        string config = Path.Combine(folder, "prometheus.yml");
        await File.WriteAllTextAsync(config, "global: {}\n");
        int port = FreePort();
        var process = Process.Start(new ProcessStartInfo(
            prometheus,
            [
                $"--config.file={config}", $"--storage.tsdb.path={Path.Combine(folder, "data")}", $"--web.listen-address=127.0.0.1:{port}",
                "--storage.tsdb.retention.time=100y", "--web.enable-remote-write-receiver", "--log.level=error",
                "--enable-feature=promql-experimental-functions,promql-duration-expr,native-histograms",
            ])
        { RedirectStandardError = true, RedirectStandardOutput = true })!;
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        var running = new RealPrometheus(process, folder, new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/")));
        using var client = new HttpClient { BaseAddress = running.Address };
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                using var ready = await client.GetAsync("/-/ready");
                if (ready.IsSuccessStatusCode) return running;
            }
            catch (HttpRequestException) when (attempt < 400 && !process.HasExited)
            {
                // Not listening yet.
            }
            Assert.True(attempt < 400 && !process.HasExited, "prometheus did not become ready");
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
        }
    }

    public async ValueTask DisposeAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        folder.Dispose();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
