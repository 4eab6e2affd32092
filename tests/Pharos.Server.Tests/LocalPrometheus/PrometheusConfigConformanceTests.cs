using System.Text.Json;
using Pharos.Collector.Discovery;
using Pharos.Core;
using Pharos.Rules;
using Pharos.Server.Checks;
using Pharos.Server.LocalPrometheus;

namespace Pharos.Server.Tests.LocalPrometheus;

/// <summary>
/// Every file of <c>config/</c> and <c>promtool/</c> loads or is refused as Prometheus does. A refusal counts only where something other than
/// a missing feature is its cause; those that rest on one alone stand in the list. (<c>rulefmt/</c> has its own run beside the rules.)
/// </summary>
[Trait("Category", "Conformance")]
public sealed class PrometheusConfigConformanceTests
{
    private static readonly string Listed = Path.Combine(Places.Repository, "tests", "Pharos.Server.Tests", "LocalPrometheus", "listed.txt");

    [Fact]
    public async Task Every_file_agrees()
    {
        string folder = Places.Conformance("prometheus-config");
        var run = new ConformanceRun("prometheus-config");
        foreach (var one in Cases(folder)) await RunAsync(run, folder, one, one.Expect);
        int found = Cases(folder).Count;
        Assert.Equal(253, found + Directory.GetFiles(Path.Combine(folder, "rulefmt")).Length);
        run.Verify(found, ConformanceRun.ReadList(Listed));
    }

    [Fact]
    public async Task A_wrong_expectation_is_caught()
    {
        string folder = Places.Conformance("prometheus-config");
        var good = Cases(folder).Single(c => c.File == "config/global_timeout.good.yml");
        var bad = Cases(folder).Single(c => c.File == "config/jobname_dup.bad.yml");
        var run = new ConformanceRun("prometheus-config");
        await RunAsync(run, folder, good, "reject");
        await RunAsync(run, folder, bad, "accept");
        Assert.Equal(2, run.Faults(2).Count);
    }

    private static async Task RunAsync(ConformanceRun run, string folder, Case one, string expect)
    {
        string path = Path.Combine(folder, one.File);
        string? failure;
        try
        {
            await LoadAsync(one, path);
            failure = MustFail(one, expect) ? "was accepted" : null;
        }
        catch (ConfigurationException e)
        {
            var errors = e.Diagnostics.Where(d => d.Severity == Severity.Error).ToList();
            var real = errors.Where(d => !d.Message.Contains("not supported", StringComparison.Ordinal)).ToList();
            failure = !MustFail(one, expect) ? $"was refused: {errors[0]}" : real.Count == 0 ? $"was refused, but only because of a missing feature: {errors[0]}" : null;
        }
        catch (Exception e) when (e is IOException or FormatException or JsonException)
        {
            failure = !MustFail(one, expect) ? $"was refused: {e.Message}" : null;
        }
        run.Case(one.File, () => failure);
    }

    /// <summary>A fragment is as its name says.</summary>
    private static bool MustFail(Case one, string expect) => expect == "reject" || (expect == "fragment" && one.File.Contains(".bad.", StringComparison.Ordinal));

    private static async Task LoadAsync(Case one, string path)
    {
        string name = Path.GetFileName(path);
        string text = await File.ReadAllTextAsync(path);
        if (name.Contains("-sd-file", StringComparison.Ordinal) || name == "static_config.bad.yml")
        {
            // Read through a configuration that names it, then as the file it is.
            PrometheusConfig.Load($"scrape_configs: [{{job_name: x, file_sd_configs: [{{files: [{(name == "static_config.bad.yml" ? "x.yml" : path)}]}}]}}]", path);
            TargetGroups.Read(text, path.EndsWith(".json", StringComparison.Ordinal), "__meta_filepath", path);
        }
        else if (one.File.StartsWith("promtool/prometheus-config.rules", StringComparison.Ordinal) || name == "first.rules")
        {
            RuleFileReader.Parse(text, path, new RuleFileOptions { Language = CheckOnlyLanguage.PromQl });
        }
        else if (one.Expect == "fragment")
        {
            PrometheusConfig.Load($"scrape_config_files: [{path}]", Path.Combine(Path.GetDirectoryName(path)!, "main.yml"));
        }
        else if (one.File.StartsWith("promtool/", StringComparison.Ordinal))
        {
            var result = await ConfigurationChecks.PrometheusAsync(path, CancellationToken.None);
            var errors = result.Findings.Where(f => f.Severity == Severity.Error).ToList();
            if (errors.Count > 0) throw new ConfigurationException(errors);
        }
        else
        {
            PrometheusConfig.Load(text, path, one.Agent);
        }
    }

    private static List<Case> Cases(string folder)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "expect.json")));
        return
        [
            .. json.RootElement.GetProperty("cases").EnumerateArray()
                .Select(c => new Case(c.GetProperty("file").GetString()!, c.GetProperty("expect").GetString()!, c.TryGetProperty("mode", out var mode) && mode.GetString() == "agent"))
                .Where(c => !c.File.StartsWith("rulefmt/", StringComparison.Ordinal)),
        ];
    }

    private sealed record Case(string File, string Expect, bool Agent);
}
