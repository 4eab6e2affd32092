using System.CommandLine;
using Pharos.Collector.Hosting;
using Pharos.Collector.Syntax;
using Pharos.Core;

namespace Pharos.Collector.Cli;

internal static class ValidateCommand
{
    public static Command Create()
    {
        var path = new Argument<string>("path") { Description = "A file, or a folder whose *.alloy files make one configuration" };
        var stability = Usage.StabilityOption();
        var format = Usage.FormatOption();
        var command = new Command("validate", HelpText.WithExamples(
            "Checks a configuration without running it: syntax, names, arguments, references. Exits with 1 where it finds an error.",
            "pharos-collector validate collector.alloy",
            "pharos-collector validate --stability.level experimental conf.d")) { path, stability, format };
        command.SetAction(parsed => Run(parsed.GetRequiredValue(path), parsed.GetRequiredValue(stability)));
        return command;
    }

    private static int Run(string path, string stability)
    {
        try
        {
            var findings = CollectorValidator.Validate(ConfigurationFiles.Read(path), Usage.StabilityOf(stability));
            if (findings.Count > 0) Console.Error.Write(SyntaxDiagnostic.RenderAll(findings));
            return findings.Any(f => f.Severity == Severity.Error) ? ExitCode.Failed : ExitCode.Done;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ConfigurationException)
        {
            return Usage.Fail(failure.Message);
        }
    }
}
