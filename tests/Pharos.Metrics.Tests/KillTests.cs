using System.Diagnostics;
using System.Globalization;

namespace Pharos.Metrics.Tests;

/// <summary>
/// kill -9 of a store under load from several senders, again and again, while it cuts heads and merges blocks.
/// PHAROS_KILLS sets how often; the default keeps the test run short.
/// </summary>
public sealed class KillTests
{
    private const int Senders = 4;
    private const int Seed = 20260301;

    [Fact]
    public async Task No_acknowledged_sample_is_lost_and_none_invented_however_often_the_process_is_killed()
    {
        int kills = int.TryParse(Environment.GetEnvironmentVariable("PHAROS_KILLS"), NumberStyles.None, CultureInfo.InvariantCulture, out int asked) ? asked : 15;
        var random = new Random(Seed);
        using var folder = Places.NewFolder();
        var acknowledged = new int[Senders];
        for (int kill = 0; kill <= kills; kill++)
        {
            // The last start only looks.
            var (found, told) = await RunAsync(folder, kill == kills ? 0 : random.Next(1, 400));
            for (int sender = 0; sender < Senders; sender++)
            {
                // A scrape in flight at the kill may be stored without having been acknowledged: one for each sender.
                Assert.True(found[sender] >= acknowledged[sender] && found[sender] <= acknowledged[sender] + 1,
                    $"seed {Seed}, start {kill}: sender {sender} was told of {acknowledged[sender]} scrapes and {found[sender]} are there");
            }
            acknowledged = told;
        }
        Assert.NotEmpty(Directory.GetDirectories(Path.Combine(folder, "metrics", "shop")));
    }

    /// <summary>Starts the host, lets it work until so many scrapes are acknowledged, and kills it.</summary>
    /// <returns>By sender: the scrapes that it found at its start, and those it had acknowledged when it died.</returns>
    private static async Task<(int[] Found, int[] Told)> RunAsync(string folder, int acknowledgements)
    {
        using var host = Process.Start(new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "pharos-crash-host"), [folder, Senders.ToString(CultureInfo.InvariantCulture)])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var errors = host.StandardError.ReadToEndAsync();
        int[] found = new int[Senders], told = new int[Senders];
        int seen = -1;
        // To the end of the pipe: what was printed before the kill counts.
        while (await host.StandardOutput.ReadLineAsync() is { } line)
        {
            var words = line.Split(' ');
            if (words[0] == "have") found[Number(words[1])] = told[Number(words[1])] = Number(words[2]);
            else if (words[0] == "ready") seen = 0;
            else told[Number(words[0])] = Number(words[1]);
            if (words.Length == 2) seen++;
            if (seen >= acknowledgements && !host.HasExited) host.Kill();
        }
        await host.WaitForExitAsync();
        Assert.True(seen >= 0, $"seed {Seed}: the store did not start: {await errors}");
        return (found, told);
    }

    private static int Number(string text) => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
}
