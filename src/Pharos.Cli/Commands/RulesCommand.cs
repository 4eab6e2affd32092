using System.CommandLine;
using Pharos.Core;
using Pharos.PromQL;
using Pharos.Rules;

namespace Pharos.Cli.Commands;

/// <summary><c>pharos rules test</c>: unit tests of rules, in promtool's format.</summary>
internal static class RulesCommand
{
    public static Command Create() => new("rules", HelpText.WithExamples(
        "Unit tests of rules. Exit code 1 where one fails.",
        "pharos rules test rules_test.yml",
        "pharos rules test --run checkout rules/*_test.yml"))
    {
        Test(),
    };

    private static Command Test()
    {
        var files = new Argument<string[]>("FILE") { Description = "Test files in promtool's format; rule files stand in them.", Arity = ArgumentArity.OneOrMore };
        var run = new Option<string[]>("--run") { Description = "Only tests whose name matches this regular expression (RE2); may be given several times.", HelpName = "REGEX", AllowMultipleArgumentsPerToken = false };
        run.Validators.Add(result =>
        {
            foreach (string pattern in result.GetValueOrDefault<string[]>() ?? [])
            {
                if (!LinearRegex.TryCreate(pattern, anchored: false, dotMatchesNewline: false, out _, out string? error)) result.AddError($"--run {pattern}: {error}");
            }
        });
        var command = new Command("test", HelpText.WithExamples(
            "Feeds the series of test files to the rules, on simulated time, and compares alerts and expressions with what is expected.",
            "pharos rules test rules_test.yml",
            "pharos rules test --run checkout rules/*_test.yml")) { files, run };
        command.SetAction(async (parsed, cancel) =>
        {
            var options = new RuleTestOptions { Language = LanguageOver, Run = parsed.GetValue(run) ?? [] };
            bool failed = false;
            foreach (string file in parsed.GetValue(files)!)
            {
                var result = await RuleTestRunner.RunAsync(file, options, cancel);
                foreach (string failure in result.Failures) Console.Error.WriteLine(failure);
                Console.WriteLine(result.Passed ? $"{file}: OK, {result.Tests} tests" : $"{file}: FAILED, {result.Failures.Count} failures");
                failed |= !result.Passed;
            }
            return failed ? ExitCode.Failed : ExitCode.Done;
        });
        return command;
    }

    private static RuleTestLanguage LanguageOver(IMetricQueryable store, TimeSpan subqueryStep)
    {
        var engine = new PromQlEngine(store, new PromQlOptions { SubqueryStep = subqueryStep }, TimeProvider.System, new Instruments());
        return new RuleTestLanguage(new PromQlRuleLanguage(engine), engine);
    }
}
