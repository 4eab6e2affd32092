using Pharos.Alerting;
using Pharos.Collector.Hosting;
using Pharos.Core;
using Pharos.LogQL;
using Pharos.PromQL;
using Pharos.Rules;
using Pharos.Server.LocalPrometheus;

namespace Pharos.Server.Checks;

/// <param name="Summary">What a good file holds, for example "2 groups, 5 rules".</param>
internal sealed record CheckResult(IReadOnlyList<Diagnostic> Findings, string Summary);

/// <summary>Checks of configuration files, as <c>pharos check</c> runs them. Each reads the file and starts nothing.</summary>
internal static class ConfigurationChecks
{
    /// <summary>A prometheus.yml and the rule files that it names.</summary>
    public static Task<CheckResult> PrometheusAsync(string file, CancellationToken cancel) => ReadAsync(file, async text =>
    {
        var config = PrometheusConfig.Load(text, file);
        var findings = new List<Diagnostic>(config.Warnings);
        findings.AddRange(PrometheusFileChecks.Find(config));
        int groups = 0;
        foreach (string ruleFile in FilePatterns.Find(config.RuleFiles))
        {
            var rules = await RulesAsync(ruleFile, logql: false, cancel);
            findings.AddRange(rules.Findings);
            groups++;
        }
        return new CheckResult(findings, $"{config.ScrapeJobs.Count} scrape jobs, {groups} rule files, {config.RemoteWrite.Count} remote write targets");
    }, cancel);

    public static Task<CheckResult> RulesAsync(string file, bool logql, CancellationToken cancel) => ReadAsync(file, text =>
    {
        IRuleLanguage language = logql ? CheckOnlyLanguage.LogQl : CheckOnlyLanguage.PromQl;
        var groups = RuleFileReader.Parse(text, file, new RuleFileOptions { Language = language });
        return Task.FromResult(new CheckResult([], $"{groups.Count} groups, {groups.Sum(g => g.Rules.Count)} rules"));
    }, cancel);

    public static Task<CheckResult> AlertmanagerAsync(string file, CancellationToken cancel) => ReadAsync(file, text =>
    {
        var config = AlertmanagerConfig.Load(text, file);
        return Task.FromResult(new CheckResult([], $"{config.Receivers.Count} receivers, {config.InhibitRules.Count} inhibition rules"));
    }, cancel);

    public static Task<CheckResult> CollectorAsync(string path, CancellationToken cancel)
    {
        try
        {
            var sources = ConfigurationFiles.Read(path);
            var findings = CollectorValidator.Validate(sources).Select(d => d.ToDiagnostic()).ToList();
            return Task.FromResult(new CheckResult(findings, $"{sources.Count} files"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Task.FromResult(new CheckResult([Diagnostic.Error(new SourcePosition(path, 0, 0), e.Message)], ""));
        }
    }

    private static async Task<CheckResult> ReadAsync(string file, Func<string, Task<CheckResult>> check, CancellationToken cancel)
    {
        try
        {
            return await check(await File.ReadAllTextAsync(file, cancel));
        }
        catch (ConfigurationException e)
        {
            return new CheckResult(e.Diagnostics, "");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new CheckResult([Diagnostic.Error(new SourcePosition(file, 0, 0), $"cannot be read: {e.Message}")], "");
        }
    }
}
