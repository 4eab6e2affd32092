using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Pharos.Bench;

/// <summary>A program under measurement: its own folder, one free port, the system's own account of what it used.</summary>
internal sealed class Peer : IDisposable
{
    private readonly Process process;
    private readonly DirectoryInfo folder;

    private Peer(Process process, DirectoryInfo folder, Uri address)
    {
        this.process = process;
        this.folder = folder;
        Address = address;
    }

    public Uri Address { get; }

    /// <summary>User and system time of the process so far.</summary>
    public double CpuSeconds
    {
        get
        {
            process.Refresh();
            return process.TotalProcessorTime.TotalSeconds;
        }
    }

    /// <summary>Resident memory now.</summary>
    public long ResidentBytes
    {
        get
        {
            process.Refresh();
            return process.WorkingSet64;
        }
    }

    /// <summary>The program's data folder.</summary>
    public string DataFolder => Path.Combine(folder.FullName, "data");

    public long DiskBytes => folder.EnumerateFiles("*", SearchOption.AllDirectories).Sum(f => f.Length);

    public static async Task<Peer> StartPharosAsync(string program, string sync)
    {
        int port = FreePort();
        var folder = Directory.CreateTempSubdirectory("pharos-bench-");
        string config = Path.Combine(folder.FullName, "pharos.yml");
        await File.WriteAllTextAsync(config, $"sync: {sync}\n");
        return await StartAsync(program, ["server", "--listen", $"127.0.0.1:{port}", "--data-dir", Path.Combine(folder.FullName, "data"), "--config", config], port, folder);
    }

    public static Task<Peer> StartPrometheusAsync(string program)
    {
        int port = FreePort();
        var folder = Directory.CreateTempSubdirectory("pharos-bench-");
        string config = Path.Combine(folder.FullName, "prometheus.yml");
        File.WriteAllText(config, "global: {scrape_interval: 1h}\n");
        return StartAsync(
            program,
            [
                $"--config.file={config}", $"--storage.tsdb.path={Path.Combine(folder.FullName, "data")}",
                $"--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver", "--log.level=error",
            ],
            port, folder);
    }

    public void Dispose()
    {
        if (!process.HasExited) process.Kill(entireProcessTree: true);
        process.WaitForExit();
        process.Dispose();
        folder.Delete(recursive: true);
    }

    private static async Task<Peer> StartAsync(string program, string[] arguments, int port, DirectoryInfo folder)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} does not start");
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is not null) Console.Error.WriteLine($"  {Path.GetFileName(program)}: {line.Data}");
        };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var address = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/"));
        using var http = new HttpClient();
        long started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                using var ready = await http.GetAsync(new Uri(address, "-/ready"));
                if (ready.IsSuccessStatusCode) return new Peer(process, folder, address);
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }
            if (process.HasExited || TimeProvider.System.GetElapsedTime(started).TotalSeconds > 30)
                throw new InvalidOperationException($"{program} is not ready");
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System);
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
