using System.Globalization;
using Pharos.CrashHost;

// A store under load in a process of its own, to be killed: pharos-crash-host metrics|logs|import FOLDER SENDERS. What it prints: see Report.
int senders = int.Parse(args[2], CultureInfo.InvariantCulture);
await (args[0] switch
{
    "metrics" => MetricLoad.RunAsync(args[1], senders, new Report()),
    "logs" => LogLoad.RunAsync(args[1], senders, new Report()),
    "import" => LogImportLoad.RunAsync(args[1], new Report()),
    _ => throw new ArgumentException($"no load is called {args[0]}; say metrics, logs or import"),
});
