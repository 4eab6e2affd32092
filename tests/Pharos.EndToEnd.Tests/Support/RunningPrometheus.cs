namespace Pharos.EndToEnd.Tests.Support;

/// <summary>A real Prometheus that scrapes nothing: it takes remote write and answers from its folder.</summary>
internal sealed class RunningPrometheus : IAsyncDisposable
{
    private readonly RunningProgram program;

    private RunningPrometheus(RunningProgram program, HttpClient http)
    {
        this.program = program;
        Http = http;
    }

    public HttpClient Http { get; }

    /// <param name="folder">Its database; kept whatever its samples' age.</param>
    /// <param name="port">0: a free one.</param>
    public static async Task<RunningPrometheus> StartAsync(string folder, int port = 0)
    {
        string prometheus = Places.Program("prometheus");
        Directory.CreateDirectory(folder);
        string config = Path.Combine(folder, "prometheus.yml");
        await File.WriteAllTextAsync(config, "{}\n");
        if (port == 0) port = RunningProgram.FreePort();
        var program = RunningProgram.Start(
            prometheus, $"--config.file={config}", $"--storage.tsdb.path={folder}", $"--web.listen-address=127.0.0.1:{port}",
            "--storage.tsdb.retention.time=100y", "--web.enable-admin-api", "--web.enable-remote-write-receiver", "--enable-feature=native-histograms");
        var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}/") };
        var started = new RunningPrometheus(program, http);
        await Wait.UntilAsync(async () =>
        {
            try
            {
                using var ready = await http.GetAsync("/-/ready");
                return ready.IsSuccessStatusCode;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        }, () => $"Prometheus to be ready; it printed:\n{program.Output}");
        return started;
    }

    /// <summary>Ends it as a service manager would.</summary>
    public Task<int> StopAsync() => program.TerminateAsync();

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await program.DisposeAsync();
    }
}
