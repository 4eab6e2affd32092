using System.Diagnostics;
using System.Globalization;
using Pharos.EndToEnd.Tests.Support;

namespace Pharos.EndToEnd.Tests;

/// <summary>SIGHUP makes the processes read their configuration anew; one that does not load leaves the old at work.</summary>
public sealed class HangUpTests
{
    [Fact]
    public async Task Prometheus_takes_new_jobs_and_keeps_the_old_ones_when_the_file_is_wrong()
    {
        using var folder = Places.NewFolder();
        string config = Path.Combine(folder, "prometheus.yml");
        await File.WriteAllTextAsync(config, "scrape_configs: [{job_name: first}]\n");
        int port = RunningProgram.FreePort();
        await using var prometheus = RunningProgram.Start(
            PharosPrograms.Pharos, "prometheus", $"--config.file={config}", $"--storage.tsdb.path={Path.Combine(folder, "data")}", $"--web.listen-address=127.0.0.1:{port}");
        using var http = await PharosPrograms.ClientAsync(prometheus);

        await File.WriteAllTextAsync(config, "scrape_configs: [{job_name: first}, {job_name: second}]\n");
        await HangUpAsync(prometheus);
        await Wait.UntilAsync(async () => (await ConfigAsync(http)).Contains("second", StringComparison.Ordinal), () => $"the new job; it printed:\n{prometheus.Output}");

        await File.WriteAllTextAsync(config, "scrape_configs: [{job_nam: third}]\n");
        await HangUpAsync(prometheus);
        string line = await prometheus.WaitForLineAsync("the configuration was not reloaded, the old one goes on");
        Assert.Contains("job_nam", line + prometheus.Output, StringComparison.Ordinal);
        Assert.Contains("second", await ConfigAsync(http), StringComparison.Ordinal);
        Assert.Contains("prometheus_config_last_reload_successful 0", await http.GetStringAsync("/metrics"), StringComparison.Ordinal);
        Assert.Equal(0, await prometheus.TerminateAsync());

        static async Task<string> ConfigAsync(HttpClient http) =>
            (await MetricsOverHttp.JsonAsync(http, "/api/v1/status/config")).GetProperty("data").GetProperty("yaml").GetString()!;
    }

    [Fact]
    public async Task Alertmanager_takes_new_receivers_and_keeps_the_old_ones_when_the_file_is_wrong()
    {
        using var folder = Places.NewFolder();
        string config = Path.Combine(folder, "alertmanager.yml");
        await File.WriteAllTextAsync(config, "route: {receiver: first}\nreceivers: [{name: first}]\n");
        int port = RunningProgram.FreePort();
        await using var alertmanager = RunningProgram.Start(
            PharosPrograms.Pharos, "alertmanager", $"--config.file={config}", $"--storage.path={Path.Combine(folder, "data")}", $"--web.listen-address=127.0.0.1:{port}");
        await alertmanager.WaitForLineAsync("Alert router on");
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };

        await File.WriteAllTextAsync(config, "route: {receiver: second}\nreceivers: [{name: second}]\n");
        await HangUpAsync(alertmanager);
        await Wait.UntilAsync(async () => (await http.GetStringAsync("/api/v2/receivers")).Trim() == "[{\"labels\":{\"name\":\"second\"},\"name\":\"second\"}]", () => $"the new receiver; it printed:\n{alertmanager.Output}");

        await File.WriteAllTextAsync(config, "route: {receiver: nobody}\nreceivers: [{name: third}]\n");
        await HangUpAsync(alertmanager);
        await Wait.UntilAsync(async () => (await http.GetStringAsync("/metrics")).Contains("alertmanager_config_last_reload_successful 0", StringComparison.Ordinal), () => $"the failed reload; it printed:\n{alertmanager.Output}");
        Assert.Contains("nobody", alertmanager.Output, StringComparison.Ordinal);
        Assert.Equal("[{\"labels\":{\"name\":\"second\"},\"name\":\"second\"}]", (await http.GetStringAsync("/api/v2/receivers")).Trim());
        Assert.Equal(0, await alertmanager.TerminateAsync());
    }

    private static async Task HangUpAsync(RunningProgram program)
    {
        using var kill = Process.Start("kill", ["-HUP", program.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
    }
}
