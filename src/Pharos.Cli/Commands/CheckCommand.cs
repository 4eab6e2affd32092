using System.CommandLine;
using Pharos.Server.Checks;
using Pharos.Core;

namespace Pharos.Cli.Commands;

/// <summary>Checks configuration files before they are deployed. Nothing is started.</summary>
internal static class CheckCommand
{
    public static Command Create() => new("check", HelpText.WithExamples(
        "Checks configuration files: every mistake with file, line and column. Exit code 1 where there is one.",
        "pharos check config prometheus.yml",
        "pharos check rules rules/*.yml",
        "pharos check rules --language logql loki-rules.yml",
        "pharos check alertmanager alertmanager.yml",
        "pharos check collector config.alloy"))
    {
        Kind("config", "prometheus.yml files, and the rule files that they name.", "pharos check config prometheus.yml", ConfigurationChecks.PrometheusAsync),
        Rules(),
        Kind("alertmanager", "alertmanager.yml files, and the templates that they name.", "pharos check alertmanager alertmanager.yml", ConfigurationChecks.AlertmanagerAsync),
        Kind("collector", "Collector configuration: files or folders of *.alloy files.", "pharos check collector config.alloy", ConfigurationChecks.CollectorAsync),
    };

    private static Command Kind(string name, string description, string example, Func<string, CancellationToken, Task<CheckResult>> check)
    {
        var files = Files();
        var command = new Command(name, HelpText.WithExamples(description, example)) { files };
        command.SetAction((parsed, cancel) => CheckAsync(parsed.GetValue(files)!, check, cancel));
        return command;
    }

    private static Command Rules()
    {
        var files = Files();
        var language = new Option<string>("--language") { Description = "Language of the expressions: promql or logql.", DefaultValueFactory = _ => "promql" };
        language.AcceptOnlyFromAmong("promql", "logql");
        var command = new Command("rules", HelpText.WithExamples("Rule files.", "pharos check rules rules/*.yml", "pharos check rules --language logql loki-rules.yml")) { files, language };
        command.SetAction((parsed, cancel) =>
        {
            bool logql = parsed.GetValue(language) == "logql";
            return CheckAsync(parsed.GetValue(files)!, (file, token) => ConfigurationChecks.RulesAsync(file, logql, token), cancel);
        });
        return command;
    }

    private static Argument<string[]> Files() => new("FILE") { Description = "Files to check.", Arity = ArgumentArity.OneOrMore };

    private static async Task<int> CheckAsync(string[] files, Func<string, CancellationToken, Task<CheckResult>> check, CancellationToken cancel)
    {
        bool failed = false;
        foreach (string file in files)
        {
            var result = await check(file, cancel);
            foreach (var finding in result.Findings)
            {
                var writer = finding.Severity == Severity.Error ? Console.Error : Console.Out;
                writer.WriteLine($"{finding.Severity.ToString().ToLowerInvariant()}: {finding}");
            }
            bool bad = result.Findings.Any(f => f.Severity == Severity.Error);
            failed |= bad;
            Console.WriteLine(bad ? $"{file}: FAILED, {result.Findings.Count(f => f.Severity == Severity.Error)} errors" : $"{file}: OK, {result.Summary}");
        }
        return failed ? ExitCode.Failed : ExitCode.Done;
    }
}
