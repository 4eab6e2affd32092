using System.Buffers;
using Pharos.Core;
using Pharos.Wire.Exposition;

namespace Pharos.Collector.NodeExporter;

/// <summary>
/// Metrics of the Linux machine, read from /proc and /sys at each call, under node_exporter's names.
/// A collector that fails costs only itself: <c>node_scrape_collector_success</c> says so.
/// </summary>
public sealed class NodeExporter
{
    private static readonly (string Name, Action<NodeFiles, NodeOutput> Collect)[] All =
    [
        ("boottime", KernelCollectors.BootTime),
        ("conntrack", KernelCollectors.Conntrack),
        ("cpu", CpuCollectors.Cpu),
        ("diskstats", DiskCollectors.DiskStats),
        ("entropy", KernelCollectors.Entropy),
        ("filefd", KernelCollectors.FileDescriptors),
        ("filesystem", DiskCollectors.FileSystems),
        ("loadavg", CpuCollectors.LoadAverage),
        ("meminfo", MemoryCollectors.MemInfo),
        ("netdev", NetworkCollectors.Devices),
        ("netstat", NetworkCollectors.NetStat),
        ("os", KernelCollectors.OperatingSystem),
        ("pressure", CpuCollectors.Pressure),
        ("sockstat", NetworkCollectors.SockStat),
        ("stat", CpuCollectors.Stat),
        ("time", KernelCollectors.Time),
        ("uname", KernelCollectors.Uname),
        ("vmstat", MemoryCollectors.VmStat),
    ];

    private readonly NodeFiles files;
    private readonly TimeProvider time;
    private readonly (string Name, Action<NodeFiles, NodeOutput> Collect)[] collectors;

    /// <exception cref="ArgumentException">A collector of that name does not exist; the message names those that do.</exception>
    public NodeExporter(NodeExporterOptions options, TimeProvider time)
    {
        this.time = time;
        files = new NodeFiles(options, time);
        foreach (string name in options.Collectors ?? [])
        {
            if (!CollectorNames.Contains(name))
                throw new ArgumentException($"there is no collector \"{name}\"; there are {string.Join(", ", CollectorNames)}", nameof(options));
        }
        collectors = options.Collectors is null ? All : [.. All.Where(c => options.Collectors.Contains(c.Name))];
    }

    /// <summary>Names of the collectors there are, sorted.</summary>
    public static IReadOnlyList<string> CollectorNames { get; } = [.. All.Select(c => c.Name)];

    /// <summary>Writes all metrics in the Prometheus text format.</summary>
    public void Write(IBufferWriter<byte> to)
    {
        var output = new NodeOutput(new ExpositionText(to, ExpositionFormat.Text));
        var outcomes = new List<(string Name, double Seconds, bool Success)>();
        foreach (var (name, collect) in collectors)
        {
            long started = time.GetTimestamp();
            bool success = true;
            try
            {
                collect(files, output);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or IndexOutOfRangeException)
            {
                success = false;
            }
            outcomes.Add((name, time.GetElapsedTime(started).TotalSeconds, success));
        }
        output.Family("node_scrape_collector_duration_seconds", MetricType.Gauge, "node_exporter: Duration of a collector scrape.");
        foreach (var (name, seconds, _) in outcomes) output.Sample(seconds, ("collector", name));
        output.Family("node_scrape_collector_success", MetricType.Gauge, "node_exporter: Whether a collector succeeded.");
        foreach (var (name, _, success) in outcomes) output.Sample(success ? 1 : 0, ("collector", name));
        output.End();
    }
}
