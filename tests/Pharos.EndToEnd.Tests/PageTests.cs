using Microsoft.Playwright;
using Pharos.EndToEnd.Tests.Support;

namespace Pharos.EndToEnd.Tests;

/// <summary>Headless Chromium walks the page while the demo runs.</summary>
public sealed class PageTests
{
    [Fact]
    public async Task The_page_shows_the_map_both_signals_a_firing_alert_and_its_notification()
    {
        await using var browser = await Browser.StartAsync();
        using var folder = Places.NewFolder();
        int port = RunningProgram.FreePort();
        await using var demo = RunningProgram.Start(PharosPrograms.Pharos, "demo", "--headless", "--data-dir", Path.Combine(folder, "demo"), "--listen", $"127.0.0.1:{port}");
        await demo.WaitForLineAsync("the page");
        string address = $"http://127.0.0.1:{port}";

        var page = await browser.OpenAsync();
        var problems = new List<string>();
        page.PageError += (_, error) => problems.Add(error);

        // The map: every lane of the road, with samples and lines flowing.
        await page.GotoAsync(address);
        await Assertions.Expect(page.GetByTestId("architecture-map")).ToBeVisibleAsync(Patient(30));
        foreach (string node in new[] { "fleet", "collectors", "metrics", "logs", "rules-metrics", "rules-logs", "routing", "receiver-payments-page" })
            await Assertions.Expect(page.GetByTestId($"node-{node}").First).ToBeVisibleAsync(Patient(30));
        await ShotAsync("home-quiet");

        // Explore metrics, once a rate can be computed.
        await demo.WaitForLineAsync("rule evaluated");
        await page.GotoAsync($"{address}/explore/metrics");
        await page.Locator(".cm-content").First.ClickAsync();
        await page.Keyboard.TypeAsync("sum by (status) (rate(http_requests_total[30s]))");
        // The newest step of a range lies a little behind now: the first rate shows some seconds after it was recorded.
        await Wait.UntilAsync(
            async () =>
            {
                await page.GetByTestId("run-query").First.ClickAsync();
                await page.WaitForTimeoutAsync(1000);
                return await page.GetByTestId("chart").First.IsVisibleAsync();
            },
            () => "a chart of the first rates");
        await ShotAsync("explore-metrics");

        // Explore logs.
        await page.GotoAsync($"{address}/explore/logs");
        await page.Locator(".cm-content").First.ClickAsync();
        await page.Keyboard.TypeAsync("{job=\"checkout\"}");
        await page.GetByTestId("run-query").First.ClickAsync();
        await Assertions.Expect(page.GetByTestId("log-row").First).ToBeVisibleAsync(Patient(30));
        await ShotAsync("explore-logs");

        // A firing alert, then its notification.
        await demo.WaitForLineAsync("10/11  routed", seconds: 170);
        await page.GotoAsync($"{address}/alerting");
        await Assertions.Expect(page.GetByText("CheckoutErrors").First).ToBeVisibleAsync(Patient(30));
        await ShotAsync("alerts");
        await page.GotoAsync($"{address}/alerting/notifications");
        await Assertions.Expect(page.GetByTestId("notification-row").First).ToBeVisibleAsync(Patient(30));
        await ShotAsync("notifications");
        await page.GotoAsync(address);
        await Assertions.Expect(page.GetByTestId("finding")).ToContainTextAsync("firing", new LocatorAssertionsToContainTextOptions { Timeout = 30_000 });
        await Assertions.Expect(page.GetByTestId("node-routing").First).ToBeVisibleAsync(Patient(30));
        await ShotAsync("home-firing");

        // The fleet.
        await page.GotoAsync($"{address}/fleet");
        await Assertions.Expect(page.GetByText("checkout-host-1").First).ToBeVisibleAsync(Patient(30));
        await ShotAsync("fleet");

        Assert.Empty(problems);
        Assert.Equal(0, await demo.TerminateAsync());

        Task ShotAsync(string name) => Browser.ShotAsync(page, name);
    }

    private static LocatorAssertionsToBeVisibleOptions Patient(int seconds) => new() { Timeout = seconds * 1000 };
}
