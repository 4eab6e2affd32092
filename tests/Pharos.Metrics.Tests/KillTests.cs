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
        int kills = CrashHostRun.Kills(15);
        var random = new Random(Seed);
        using var folder = Places.NewFolder();
        int[] acknowledged = new int[Senders];
        for (int kill = 0; kill <= kills; kill++)
        {
            // The last start only looks.
            var run = await CrashHostRun.OfAsync("metrics", folder, Senders, kill == kills ? 0 : random.Next(1, 400));
            for (int sender = 0; sender < Senders; sender++)
            {
                int found = run.Found[sender][0];
                // A scrape in flight at the kill may be stored without having been acknowledged: one for each sender.
                Assert.True(found >= acknowledged[sender] && found <= acknowledged[sender] + 1,
                    $"seed {Seed}, start {kill}: sender {sender} was told of {acknowledged[sender]} scrapes and {found} are there");
                acknowledged[sender] = run.Told[sender][0];
            }
        }
        Assert.NotEmpty(Directory.GetDirectories(Path.Combine(folder, "metrics", "shop")));
    }
}
