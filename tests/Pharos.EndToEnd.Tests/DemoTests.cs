using Pharos.EndToEnd.Tests.Support;

namespace Pharos.EndToEnd.Tests;

public sealed class DemoTests
{
    [Fact]
    public async Task The_fast_demo_plays_both_stories_and_verifies_every_step()
    {
        using var folder = Places.NewFolder();
        await using var demo = RunningProgram.Start(PharosPrograms.Pharos, "demo", "--fast", "--headless", "--data-dir", folder);
        int exit = await demo.ExitAsync(TimeSpan.FromSeconds(90));
        Assert.True(exit == 0, demo.Output);
        foreach (string step in new[] { "scraped", "remote-written", "ingested", "rule evaluated", "pending", "firing", "sent", "grouped", "routed", "visible", "panic routed", "credentials mailed", "resolve delivered" })
            Assert.Contains(step, demo.Output);
        Assert.Contains("every step happened", demo.Output);
    }
}
