using Pharos.Core;

namespace Pharos.Collector.NodeExporter;

internal static class MemoryCollectors
{
    public static void MemInfo(NodeFiles files, NodeOutput output)
    {
        foreach (string line in files.ProcLines("meminfo"))
        {
            string[] fields = NodeFiles.Fields(line);
            if (fields.Length < 2) continue;
            string name = fields[0].TrimEnd(':').Replace('(', '_').Replace(")", "", StringComparison.Ordinal);
            bool kibibytes = fields.Length > 2 && fields[2] == "kB";
            output.Single(
                $"node_memory_{name}{(kibibytes ? "_bytes" : "")}", MetricType.Gauge, $"Memory information field {name}{(kibibytes ? "_bytes" : "")}.",
                double.Parse(fields[1]) * (kibibytes ? 1024 : 1));
        }
    }

    public static void VmStat(NodeFiles files, NodeOutput output)
    {
        foreach (string line in files.ProcLines("vmstat"))
        {
            string[] fields = NodeFiles.Fields(line);
            if (fields.Length < 2) continue;
            string name = fields[0];
            bool wanted = name is "oom_kill" || name.StartsWith("pgpg", StringComparison.Ordinal) || name.StartsWith("pswp", StringComparison.Ordinal)
                || (name.StartsWith("pg", StringComparison.Ordinal) && name.Contains("fault", StringComparison.Ordinal));
            if (wanted) output.Single($"node_vmstat_{name}", MetricType.Unknown, $"/proc/vmstat information field {name}.", double.Parse(fields[1]));
        }
    }
}
