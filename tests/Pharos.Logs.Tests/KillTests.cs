namespace Pharos.Logs.Tests;

/// <summary>
/// kill -9 of a store under load from several senders, again and again, while it flushes, merges, takes deleted and expired lines off the disk and makes snapshots.
/// PHAROS_KILLS sets how often; the default keeps the test run short.
/// </summary>
public sealed class KillTests
{
    private const int Senders = 4;
    private const int Seed = 20260301;

    [Fact]
    public async Task Each_acknowledged_line_is_there_once_and_what_was_deleted_stays_away_however_often_the_process_is_killed()
    {
        int kills = CrashHostRun.Kills(10);
        var random = new Random(Seed);
        using var folder = Places.NewFolder();
        int[][] acknowledged = [.. Enumerable.Range(0, Senders).Select(_ => new int[2])];
        for (int kill = 0; kill <= kills; kill++)
        {
            // A kill may come with a disk that loses the mark.
            if (random.Next(3) == 0) File.Delete(Path.Combine(folder, "logs", "flushed"));
            // The host compares every line at its start. The last start only looks.
            var run = await CrashHostRun.OfAsync("logs", folder, Senders, kill == kills ? 0 : random.Next(1, 500));
            for (int sender = 0; sender < Senders; sender++)
            {
                for (int of = 0; of < 2; of++)
                {
                    int told = acknowledged[sender][of], found = run.Found[sender][of];
                    // One push or deletion of each sender may have been in flight at the kill.
                    Assert.True(found >= told && found <= told + 1,
                        $"seed {Seed}, start {kill}: sender {sender} was told of {told} {(of == 0 ? "pushes" : "deletions")} and {found} are there");
                }
                acknowledged[sender] = run.Told[sender];
            }
        }
        string[] parts = Directory.GetFiles(Path.Combine(folder, "logs"), "*.part", SearchOption.AllDirectories);
        // Both a flush's parts and merged ones, which have a second number.
        Assert.Contains(parts, p => Path.GetFileName(p).Contains('-'));
        // The last kill may have come between a new snapshot and the end of the old one.
        Assert.Contains(Directory.GetDirectories(Path.Combine(folder, "logs-snapshots")), f => !f.EndsWith(".tmp", StringComparison.Ordinal));
        Assert.Contains("\"processed\":true", File.ReadAllText(Path.Combine(folder, "logs", "shop", "deletions")));
    }
}
