using System.CommandLine;
using Pharos.Collector.Cli;
using Pharos.Core;

var root = new RootCommand(HelpText.WithExamples(
    "The Pharos collector: runs Alloy configurations next to what they watch.",
    "pharos-collector run /etc/pharos/collector.alloy   run a configuration",
    "pharos-collector run /etc/pharos/conf.d            run all *.alloy files of a folder as one",
    "pharos-collector validate collector.alloy          check a configuration without running it",
    "pharos-collector fmt --write collector.alloy       give a file its standard layout"))
{
    RunCommand.Create(),
    FmtCommand.Create(),
    ValidateCommand.Create(),
};

var parsed = root.Parse(args);
if (parsed.Errors.Count > 0)
{
    foreach (var error in parsed.Errors) Console.Error.WriteLine($"pharos-collector: {error.Message}");
    Console.Error.WriteLine("Run it with --help to see what it takes.");
    return ExitCode.Usage;
}
return await parsed.InvokeAsync();
