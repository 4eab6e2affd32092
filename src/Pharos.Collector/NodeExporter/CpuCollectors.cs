using Pharos.Core;

namespace Pharos.Collector.NodeExporter;

internal static class CpuCollectors
{
    /// <summary>Clock ticks per second in /proc; 100 on every Linux that .NET runs on (USER_HZ).</summary>
    private const double TicksPerSecond = 100;

    private static readonly string[] Modes = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"];

    public static void Cpu(NodeFiles files, NodeOutput output)
    {
        var cpus = files.ProcLines("stat").Where(l => l.StartsWith("cpu", StringComparison.Ordinal) && l.Length > 3 && char.IsAsciiDigit(l[3]))
            .Select(NodeFiles.Fields).ToList();
        output.Family("node_cpu_seconds_total", MetricType.Counter, "Seconds the CPUs spent in each mode.");
        foreach (string[] fields in cpus)
        {
            for (int i = 0; i < Modes.Length && i + 1 < fields.Length; i++)
                output.Sample(double.Parse(fields[i + 1]) / TicksPerSecond, ("cpu", fields[0][3..]), ("mode", Modes[i]));
        }
        output.Family("node_cpu_guest_seconds_total", MetricType.Counter, "Seconds the CPUs spent in guests (VMs) for each mode.");
        foreach (string[] fields in cpus.Where(f => f.Length > 10))
        {
            output.Sample(double.Parse(fields[9]) / TicksPerSecond, ("cpu", fields[0][3..]), ("mode", "user"));
            output.Sample(double.Parse(fields[10]) / TicksPerSecond, ("cpu", fields[0][3..]), ("mode", "nice"));
        }
    }

    public static void Stat(NodeFiles files, NodeOutput output)
    {
        foreach (string[] fields in files.ProcLines("stat").Select(NodeFiles.Fields).Where(f => f.Length > 1))
        {
            double value = double.TryParse(fields[1], out double number) ? number : 0;
            switch (fields[0])
            {
                case "intr":
                    output.Single("node_intr_total", MetricType.Counter, "Total number of interrupts serviced.", value);
                    break;
                case "ctxt":
                    output.Single("node_context_switches_total", MetricType.Counter, "Total number of context switches.", value);
                    break;
                case "processes":
                    output.Single("node_forks_total", MetricType.Counter, "Total number of forks.", value);
                    break;
                case "procs_running":
                    output.Single("node_procs_running", MetricType.Gauge, "Number of processes in runnable state.", value);
                    break;
                case "procs_blocked":
                    output.Single("node_procs_blocked", MetricType.Gauge, "Number of processes blocked waiting for I/O to complete.", value);
                    break;
            }
        }
    }

    public static void LoadAverage(NodeFiles files, NodeOutput output)
    {
        string[] fields = NodeFiles.Fields(files.ProcText("loadavg"));
        output.Single("node_load1", MetricType.Gauge, "1m load average.", double.Parse(fields[0]));
        output.Single("node_load5", MetricType.Gauge, "5m load average.", double.Parse(fields[1]));
        output.Single("node_load15", MetricType.Gauge, "15m load average.", double.Parse(fields[2]));
    }

    public static void Pressure(NodeFiles files, NodeOutput output)
    {
        foreach (string resource in new[] { "cpu", "io", "memory" })
        {
            if (files.ProcTextOrNull($"pressure/{resource}") is not { } text) continue;
            foreach (string line in text.Split('\n'))
            {
                string[] fields = NodeFiles.Fields(line);
                string? total = fields.FirstOrDefault(f => f.StartsWith("total=", StringComparison.Ordinal));
                if (total is null) continue;
                double seconds = double.Parse(total[6..]) / 1e6;
                if (fields[0] == "some")
                    output.Single($"node_pressure_{resource}_waiting_seconds_total", MetricType.Counter, $"Total time in seconds that processes have waited for {Waited(resource)}.", seconds);
                else if (resource != "cpu")
                    output.Single($"node_pressure_{resource}_stalled_seconds_total", MetricType.Counter, $"Total time in seconds no process could make progress due to {Waited(resource)}.", seconds);
            }
        }

        static string Waited(string resource) => resource switch { "cpu" => "CPU time", "io" => "IO congestion", _ => "memory congestion" };
    }
}
