using System.Diagnostics;
using System.Globalization;

namespace Pharos.Testing;

/// <summary>One life of a store under load in a process of its own (<c>Pharos.CrashHost</c>), ended by kill -9.</summary>
/// <param name="Found">By sender: its counts at the start.</param>
/// <param name="Told">By sender: its counts that were acknowledged when the process died.</param>
public sealed record CrashHostRun(int[][] Found, int[][] Told)
{
    /// <summary>How often to kill: the variable PHAROS_KILLS, or else so often that a test run stays short.</summary>
    public static int Kills(int usual) =>
        int.TryParse(Environment.GetEnvironmentVariable("PHAROS_KILLS"), NumberStyles.None, CultureInfo.InvariantCulture, out int asked) ? asked : usual;

    /// <summary>Starts the host, lets it work until so many acknowledgements were told, and kills it.</summary>
    /// <param name="store">metrics, logs or import.</param>
    /// <param name="acknowledgements">0: as soon as it has started and told what it found.</param>
    public static async Task<CrashHostRun> OfAsync(string store, string folder, int senders, int acknowledgements)
    {
        string[] arguments = [store, folder, senders.ToString(CultureInfo.InvariantCulture)];
        using var host = Process.Start(new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "pharos-crash-host"), arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var errors = host.StandardError.ReadToEndAsync();
        int[][] found = new int[senders][], told = new int[senders][];
        int seen = -1;
        // To the end of the pipe: what was printed before the kill counts.
        while (await host.StandardOutput.ReadLineAsync() is { } line)
        {
            string[] words = line.Split(' ');
            if (words[0] == "have")
            {
                found[Number(words[1])] = told[Number(words[1])] = [.. words[2..].Select(Number)];
            }
            else
            {
                if (words[0] != "ready") told[Number(words[0])] = [.. words[1..].Select(Number)];
                seen++;
            }
            if (seen >= acknowledgements && !host.HasExited) host.Kill();
        }
        await host.WaitForExitAsync();
        Assert.True(seen >= 0, $"the store did not start: {await errors}");
        Assert.True(seen >= acknowledgements, $"the store stopped by itself: {await errors}");
        return new CrashHostRun(found, told);
    }

    private static int Number(string text) => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
}
