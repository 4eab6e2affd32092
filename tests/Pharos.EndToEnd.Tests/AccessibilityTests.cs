using System.Text.Json;
using Microsoft.Playwright;
using Pharos.EndToEnd.Tests.Support;

namespace Pharos.EndToEnd.Tests;

/// <summary>axe looks at each view of the page, light and dark, by the rules of WCAG 2.2 A and AA.</summary>
public sealed class AccessibilityTests
{
    private static readonly (string Name, string Path)[] Views =
    [
        ("home", "/"),
        ("metrics", "/explore/metrics?q=sum+by+(status)+(rate(http_requests_total[30s]))"),
        ("logs", "/explore/logs?q=%7Bjob%3D%22checkout%22%7D"),
        ("alerts", "/alerting"),
        ("rules", "/alerting/rules"),
        ("silences", "/alerting/silences"),
        ("notifications", "/alerting/notifications"),
        ("fleet", "/fleet"),
        ("pipelines", "/fleet/pipelines"),
        ("unknown", "/nothing-here"),
    ];

    [Fact]
    public async Task No_view_breaks_a_rule_of_accessibility()
    {
        string axe = await File.ReadAllTextAsync(Path.Combine(Places.Repository, "web/node_modules/axe-core/axe.min.js"));
        await using var browser = await Browser.StartAsync();
        using var folder = Places.NewFolder();
        int port = RunningProgram.FreePort();
        await using var demo = RunningProgram.Start(PharosPrograms.Pharos, "demo", "--headless", "--data-dir", Path.Combine(folder, "demo"), "--listen", $"127.0.0.1:{port}");
        // With an alert that fires and is notified.
        await demo.WaitForLineAsync("grouped", seconds: 240);

        var violations = new List<string>();
        foreach (var scheme in (ColorScheme[])[ColorScheme.Light, ColorScheme.Dark])
        {
            var page = await browser.OpenAsync(scheme);
            foreach (var (name, path) in Views)
            {
                await page.GotoAsync($"http://127.0.0.1:{port}{path}");
                await Assertions.Expect(page.Locator("main")).ToBeVisibleAsync();
                // Live data keeps connections open, so the network never falls silent: a view is there once nothing loads.
                await Assertions.Expect(page.Locator("[aria-label=Loading]")).ToHaveCountAsync(0);
                if (name == "home") await Assertions.Expect(page.GetByTestId("node-fleet").First).ToBeVisibleAsync(new LocatorAssertionsToBeVisibleOptions { Timeout = 30_000 });
                await Browser.ShotAsync(page, $"{name}-{scheme.ToString().ToLowerInvariant()}");
                await page.EvaluateAsync(axe);
                var found = await page.EvaluateAsync<JsonElement>("() => axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'], resultTypes: ['violations'] })");
                foreach (var violation in found.GetProperty("violations").EnumerateArray())
                {
                    foreach (var node in violation.GetProperty("nodes").EnumerateArray().Take(5))
                        violations.Add($"{name} {scheme}: {violation.GetProperty("id")}: {node.GetProperty("html")} {node.GetProperty("failureSummary").GetString()!.ReplaceLineEndings(" ")}");
                }
            }
            await page.CloseAsync();
        }
        Assert.True(violations.Count == 0, string.Join('\n', violations));
    }
}
