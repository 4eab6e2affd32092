using Pharos.EndToEnd.Tests.Support;

namespace Pharos.EndToEnd.Tests;

public sealed class CommandLineTests
{
    [Theory]
    [InlineData("server")]
    [InlineData("prometheus")]
    [InlineData("alertmanager")]
    [InlineData("demo")]
    [InlineData("check")]
    [InlineData("query")]
    public async Task Every_command_has_help_with_examples(string command)
    {
        var (exit, output) = await RunningProgram.RunAsync(PharosPrograms.Pharos, command, "--help");
        Assert.Equal(0, exit);
        Assert.Contains("Examples:", output);
        Assert.Contains($"pharos {command}", output);
    }

    [Theory]
    [InlineData("run")]
    [InlineData("fmt")]
    [InlineData("validate")]
    public async Task Every_collector_command_has_help_with_examples(string command)
    {
        var (exit, output) = await RunningProgram.RunAsync(PharosPrograms.Collector, command, "--help");
        Assert.Equal(0, exit);
        Assert.Contains("Examples:", output);
    }

    [Theory]
    [InlineData("bogus")]
    [InlineData("server", "--bogus")]
    [InlineData("server", "--listen", "nowhere")]
    [InlineData("query", "range", "up", "--step", "5")]
    [InlineData("prometheus", "--enable-feature=bogus")]
    public async Task Wrong_usage_ends_with_2_and_says_what_is_wrong(params string[] arguments)
    {
        var (exit, output) = await RunningProgram.RunAsync(PharosPrograms.Pharos, arguments);
        Assert.Equal(2, exit);
        Assert.StartsWith("pharos: ", output);
    }

    [Fact]
    public async Task A_port_in_use_is_explained()
    {
        using var folder = Places.NewFolder();
        var (server, http) = await PharosPrograms.StartServerAsync(Path.Combine(folder, "a"));
        await using var _ = server;
        using var __ = http;
        var (exit, output) = await RunningProgram.RunAsync(
            PharosPrograms.Pharos, "server", "--listen", http.BaseAddress!.Authority, "--data-dir", Path.Combine(folder, "b"));
        Assert.Equal(1, exit);
        Assert.Contains($"port {http.BaseAddress.Port} on 127.0.0.1 is in use by another program", output);
    }
}
