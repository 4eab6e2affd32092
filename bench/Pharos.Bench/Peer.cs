using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Pharos.Bench;

/// <summary>A program under measurement: its own folder, one free port, the system's own account of what it used.</summary>
internal sealed class Peer : IDisposable
{
    private static readonly TimeSpan StartTimeMax = TimeSpan.FromMinutes(10);

    private readonly string program;
    private readonly string[] arguments;
    private readonly DirectoryInfo folder;
    private readonly string readyPath;
    private readonly HttpClient http = new() { Timeout = StartTimeMax };
    private Process process;

    private Peer(string name, string program, string[] arguments, int port, DirectoryInfo folder, string readyPath)
    {
        Name = name;
        this.program = program;
        this.arguments = arguments;
        this.folder = folder;
        this.readyPath = readyPath;
        Address = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/"));
        process = Start();
    }

    public string Name { get; }

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

    /// <summary>By thread of the process: seconds for which it was ready to run and had no processor.</summary>
    public IReadOnlyDictionary<string, double> QueuedSeconds => QueuedSecondsOf(process.Id);

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

    /// <summary>Most resident memory since <see cref="ResetPeak"/>.</summary>
    public long PeakBytes => StatusBytes("VmHWM:");

    /// <summary>Begins a new measurement of <see cref="PeakBytes"/>.</summary>
    public void ResetPeak() => File.WriteAllText($"/proc/{process.Id}/clear_refs", "5");

    /// <summary>Resident memory now that is not mapped from a file.</summary>
    public long AnonymousBytes => StatusBytes("RssAnon:");

    public long DiskBytes => folder.EnumerateFiles("*", SearchOption.AllDirectories).Sum(f => f.Length);

    /// <inheritdoc cref="QueuedSeconds"/>
    public static IReadOnlyDictionary<string, double> QueuedSecondsOf(int process)
    {
        var seconds = new Dictionary<string, double>();
        foreach (string task in Directory.EnumerateDirectories($"/proc/{process}/task"))
        {
            try
            {
                seconds[task] = double.Parse(File.ReadAllText(Path.Combine(task, "schedstat")).Split(' ')[1], CultureInfo.InvariantCulture) / 1e9;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // The thread has ended.
            }
        }
        return seconds;
    }

    private long StatusBytes(string field)
    {
        string line = File.ReadLines($"/proc/{process.Id}/status").First(l => l.StartsWith(field, StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
    }

    /// <param name="syncOrConfig">A sync policy, with limits that refuse nothing; or a whole configuration.</param>
    public static async Task<Peer> StartPharosAsync(string program, string syncOrConfig)
    {
        int port = FreePort();
        var folder = Directory.CreateTempSubdirectory("pharos-bench-");
        string config = Path.Combine(folder.FullName, "pharos.yml");
        await File.WriteAllTextAsync(config, syncOrConfig.Contains('\n', StringComparison.Ordinal) ? syncOrConfig : $"sync: {syncOrConfig}\nlimits: {{max_global_series_per_user: 0, max_global_series_per_metric: 0, ingestion_rate: 100000000, ingestion_burst_size: 100000000, ingestion_rate_mb: 100000, ingestion_burst_size_mb: 100000}}\n");
        return await ReadyAsync(new Peer("pharos", program,
            ["server", "--listen", $"127.0.0.1:{port}", "--data-dir", Path.Combine(folder.FullName, "data"), "--config", config], port, folder, "-/ready"));
    }

    public static Task<Peer> StartPrometheusAsync(string program)
    {
        int port = FreePort();
        var folder = Directory.CreateTempSubdirectory("pharos-bench-");
        string config = Path.Combine(folder.FullName, "prometheus.yml");
        File.WriteAllText(config, "global: {scrape_interval: 1h}\n");
        return ReadyAsync(new Peer("prometheus", program,
            [
                $"--config.file={config}", $"--storage.tsdb.path={Path.Combine(folder.FullName, "data")}",
                $"--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver", "--log.level=error",
            ],
            port, folder, "-/ready"));
    }

    public static Task<Peer> StartVictoriaMetricsAsync(string program)
    {
        int port = FreePort();
        var folder = Directory.CreateTempSubdirectory("pharos-bench-");
        return ReadyAsync(new Peer("victoria-metrics", program,
            [
                $"-storageDataPath={Path.Combine(folder.FullName, "data")}", $"-httpListenAddr=127.0.0.1:{port}",
                "-retentionPeriod=1y", "-loggerLevel=ERROR", "-search.latencyOffset=0s", "-search.maxUniqueTimeseries=1000000",
            ],
            port, folder, "health"));
    }

    /// <summary>kill -9.</summary>
    public void Kill()
    {
        if (!process.HasExited) process.Kill(entireProcessTree: true);
        process.WaitForExit();
    }

    /// <summary>SIGTERM, and waits for the end.</summary>
    public async Task StopAsync()
    {
        using (var kill = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)])) await kill.WaitForExitAsync();
        await process.WaitForExitAsync();
    }

    /// <summary>Starts again in the same folder, after a stop, and waits until it is ready.</summary>
    public async Task StartAgainAsync()
    {
        process.Dispose();
        process = Start();
        await ReadyAsync(this);
    }

    /// <summary>Starts again in the same folder; returns the seconds until a query over all targets is answered. Says so where some are gone.</summary>
    public async Task<double> RestartAsync(int targets)
    {
        long started = TimeProvider.System.GetTimestamp();
        await StartAgainAsync();
        string query = Uri.EscapeDataString($"count(last_over_time({SeriesModel.CountedMetric}[1h])) or vector(0)");
        using var json = JsonDocument.Parse(await http.GetStringAsync(new Uri(Address, "api/v1/query?query=" + query)));
        double seconds = TimeProvider.System.GetElapsedTime(started).TotalSeconds;
        string counted = json.RootElement.GetProperty("data").GetProperty("result")[0].GetProperty("value")[1].GetString()!;
        if (int.Parse(counted, CultureInfo.InvariantCulture) < targets) Console.WriteLine($"  {Name} has lost data: {counted} of {targets} targets are there");
        return seconds;
    }

    public void Dispose()
    {
        Kill();
        process.Dispose();
        http.Dispose();
        folder.Delete(recursive: true);
    }

    private Process Start()
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        var started = Process.Start(start) ?? throw new InvalidOperationException($"{program} does not start");
        started.OutputDataReceived += (_, _) => { };
        started.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is not null) Console.Error.WriteLine($"  {Name}: {line.Data}");
        };
        started.BeginOutputReadLine();
        started.BeginErrorReadLine();
        return started;
    }

    private static async Task<Peer> ReadyAsync(Peer peer)
    {
        long started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                using var ready = await peer.http.GetAsync(new Uri(peer.Address, peer.readyPath));
                if (ready.IsSuccessStatusCode) return peer;
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }
            if (peer.process.HasExited || TimeProvider.System.GetElapsedTime(started) > StartTimeMax)
                throw new InvalidOperationException($"{peer.program} is not ready");
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
