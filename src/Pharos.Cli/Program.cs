using System.CommandLine;
using Pharos.Cli.Commands;
using Pharos.Cli.Commands.Logs;
using Pharos.Cli.Commands.Tsdb;
using Pharos.Core;

var root = new RootCommand(HelpText.WithExamples(
    "Pharos: metrics, logs, alerts and the fleet that collects them, in one program.",
    "pharos demo                                      watch an incident travel through the whole stack",
    "pharos server --data-dir /var/lib/pharos         the central stack on http://127.0.0.1:3000",
    "pharos prometheus --config.file prometheus.yml   metrics and rules next to the targets",
    "pharos alertmanager --config.file alertmanager.yml"))
{
    ServerCommand.Create(),
    PrometheusCommand.Create(),
    AlertmanagerCommand.Create(),
    DemoCommand.Create(),
    CheckCommand.Create(),
    RulesCommand.Create(),
    QueryCommand.Create(),
    TsdbCommand.Create(),
    LogsCommand.Create(),
};

var parsed = root.Parse(args);
if (parsed.Errors.Count > 0)
{
    foreach (var error in parsed.Errors) Console.Error.WriteLine($"pharos: {error.Message}");
    Console.Error.WriteLine("Run it with --help to see what it takes.");
    return ExitCode.Usage;
}
// A clean stop may take its time: queues are drained and logs are closed.
return await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromMinutes(1) });
