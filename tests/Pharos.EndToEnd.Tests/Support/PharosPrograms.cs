using System.Text.RegularExpressions;

namespace Pharos.EndToEnd.Tests.Support;

/// <summary>The built programs, as a user starts them.</summary>
internal static partial class PharosPrograms
{
    public static string Pharos => Path.Combine(AppContext.BaseDirectory, "pharos");

    public static string Collector => Path.Combine(AppContext.BaseDirectory, "pharos-collector");

    /// <summary>Starts <c>pharos server</c> on a free port and waits until it is ready.</summary>
    public static async Task<(RunningProgram Program, HttpClient Http)> StartServerAsync(string dataFolder, string? tenant = null, params string[] more)
    {
        var program = RunningProgram.Start(Pharos, ["server", "--listen", "127.0.0.1:0", "--data-dir", dataFolder, .. more]);
        var http = await ClientAsync(program);
        if (tenant is not null) http.DefaultRequestHeaders.Add("X-Scope-OrgID", tenant);
        return (program, http);
    }

    /// <summary>Waits until a program says that it is ready; returns a client of its address.</summary>
    public static async Task<HttpClient> ClientAsync(RunningProgram program) =>
        new() { BaseAddress = new Uri(Address().Match(await program.WaitForLineAsync("ready on")).Value) };

    [GeneratedRegex("http://[^ ]+")]
    private static partial Regex Address();
}
