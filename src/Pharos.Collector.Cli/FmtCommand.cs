using System.CommandLine;
using Pharos.Collector.Syntax;
using Pharos.Core;

namespace Pharos.Collector.Cli;

internal static class FmtCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("file") { Description = "The file to format; - reads standard input" };
        var write = new Option<bool>("--write", "-w") { Description = "Write the result back to the file" };
        var test = new Option<bool>("--test", "-t") { Description = "Print nothing; exit with 1 where the file does not have its standard layout" };
        var command = new Command("fmt", HelpText.WithExamples(
            "Gives a configuration its standard layout.",
            "pharos-collector fmt collector.alloy",
            "pharos-collector fmt --write collector.alloy",
            "cat collector.alloy | pharos-collector fmt -")) { file, write, test };
        command.SetAction(parsed => Run(parsed.GetRequiredValue(file), parsed.GetValue(write), parsed.GetValue(test)));
        return command;
    }

    private static int Run(string file, bool write, bool test)
    {
        if (write && test) return Usage.Fail("--write and --test exclude each other", ExitCode.Usage);
        if (write && file == "-") return Usage.Fail("--write needs a file, not standard input", ExitCode.Usage);
        try
        {
            using var input = file == "-" ? Console.OpenStandardInput() : File.OpenRead(file);
            using var bytes = new MemoryStream();
            input.CopyTo(bytes);
            var source = SourceText.FromUtf8(file == "-" ? "<stdin>" : file, bytes.ToArray());
            input.Close();
            string? formatted = Formatter.Format(source, out var findings);
            if (formatted is null) return Usage.Fail(SyntaxDiagnostic.RenderAll(findings));
            if (test) return formatted == source.Text ? ExitCode.Done : ExitCode.Failed;
            if (!write) Console.Out.Write(formatted);
            else if (formatted != source.Text) File.WriteAllText(file, formatted);
            return ExitCode.Done;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or Core.ConfigurationException)
        {
            return Usage.Fail(failure.Message);
        }
    }
}
