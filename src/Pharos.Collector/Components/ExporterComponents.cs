using System.Buffers;
using Pharos.Collector.Evaluation;
using Pharos.Collector.NodeExporter;
using Pharos.Collector.Runtime;
using Pharos.Core;
using Pharos.Wire.Exposition;
using static Pharos.Collector.Runtime.ArgumentType;
using static Pharos.Collector.Runtime.Schema;

namespace Pharos.Collector.Components;

/// <summary>Exporters: they show metrics at an address inside the process and export the target that scrapes them.</summary>
internal static class ExporterComponents
{
    private const string NoSuchSetting = "the collector has no such setting here";

    private static readonly IReadOnlyList<ComponentExport> Exports = [new("targets", "list(target)", "The target that scrapes these metrics.")];

    public static IReadOnlyList<ComponentDescriptor> All { get; } =
    [
        ComponentDescriptor.Of(
            "prometheus.exporter.unix",
            "Shows the metrics of the Linux machine under node_exporter's names.",
            Body(
                May("procfs_path", Text, "/proc", ""),
                May("sysfs_path", Text, "/sys", ""),
                May("rootfs_path", Text, "/", ""),
                May("set_collectors", Texts, "Exactly these collectors run."),
                May("enable_collectors", Texts, "These run besides the default ones."),
                May("disable_collectors", Texts, "These do not run."),
                May("include_exporter_metrics", false, "Metrics about the exporter itself; there are none beside these."),
                Refuse("udev_data_path", NoSuchSetting),
                One("filesystem",
                    May("mount_points_exclude", Text), May("fs_types_exclude", Text), Refuse("mount_timeout", NoSuchSetting),
                    Refuse("mount_points_include", NoSuchSetting), Refuse("fs_types_include", NoSuchSetting)),
                One("disk", May("device_exclude", Text), Refuse("device_include", NoSuchSetting)),
                (IEnumerable<object>)((string[])["arp", "bcache", "cpu", "ethtool", "hwmon", "ipvs", "ntp", "netclass", "netdev", "netstat", "perf", "powersupply", "runit", "supervisord", "sysctl", "systemd", "tapestats", "textfile", "vmstat"])
                    .Select(b => RefuseBlock(b, NoSuchSetting)).ToArray()),
            Exports,
            BindUnix,
            (context, services, options) => new Exporter<NodeExporterOptions>(context, services, "unix", options, o =>
            {
                var exporter = new NodeExporter.NodeExporter(o, context.Time);
                return (buffer, _) => exporter.Write(buffer);
            })),
        ComponentDescriptor.Of(
            "prometheus.exporter.self",
            "Shows the collector's own metrics.",
            Body(),
            Exports,
            _ => new SelfOptions(),
            (context, services, options) => new Exporter<SelfOptions>(context, services, "self", options, _ => services.WriteMetrics)),
    ];

    private sealed record SelfOptions;

    private static NodeExporterOptions BindUnix(Arguments a)
    {
        var defaults = new NodeExporterOptions();
        var known = NodeExporter.NodeExporter.CollectorNames;
        foreach (string argument in (string[])["set_collectors", "enable_collectors", "disable_collectors"])
        {
            foreach (string name in a.Texts(argument))
            {
                // A collector that upstream has and that is switched off anyway asks for nothing.
                if (argument != "disable_collectors" && !known.Contains(name))
                    throw a.Wrong(argument, $"there is no collector {GoString.Quote(name)}", $"there are {string.Join(", ", known)}");
            }
        }
        var chosen = a.IsSet("set_collectors") ? a.Texts("set_collectors") : known;
        return defaults with
        {
            ProcPath = a.Text("procfs_path"),
            SysPath = a.Text("sysfs_path"),
            RootFsPath = a.Text("rootfs_path"),
            Collectors = [.. chosen.Concat(a.Texts("enable_collectors")).Distinct().Except(a.Texts("disable_collectors"))],
            MountPointsExclude = a.Block("filesystem")?.TextOrNull("mount_points_exclude") ?? defaults.MountPointsExclude,
            FileSystemTypesExclude = a.Block("filesystem")?.TextOrNull("fs_types_exclude") ?? defaults.FileSystemTypesExclude,
            DevicesExclude = a.Block("disk")?.TextOrNull("device_exclude") ?? defaults.DevicesExclude,
        };
    }

    private sealed class Exporter<TOptions> : ComponentInstance<TOptions>, IDisposable
        where TOptions : notnull
    {
        private readonly Func<TOptions, Action<IBufferWriter<byte>, ExpositionFormat>> make;
        private readonly IDisposable page;
        private volatile Action<IBufferWriter<byte>, ExpositionFormat> write;

        public Exporter(
            ComponentContext context, ComponentServices services, string name, TOptions options,
            Func<TOptions, Action<IBufferWriter<byte>, ExpositionFormat>> make)
            : base(context)
        {
            this.make = make;
            write = make(options);
            page = services.Endpoints.Add(context.Id, ReadAsync);
            Export("targets", Value.Of([Labels.Of(
                ("__address__", InternalEndpoints.Address),
                ("__metrics_path__", InternalEndpoints.MetricsPath(context.Id)),
                ("instance", services.Facts.Hostname),
                ("job", "integrations/" + name))]));
        }

        protected override void Apply(TOptions options) => write = make(options);

        public override Task RunAsync(CancellationToken cancel) => WaitAsync(cancel);

        public void Dispose() => page.Dispose();

        private ValueTask<MetricsPage> ReadAsync(CancellationToken cancel)
        {
            var buffer = new ArrayBufferWriter<byte>(64 * 1024);
            write(buffer, ExpositionFormat.Text);
            return ValueTask.FromResult(new MetricsPage(buffer.WrittenSpan.ToArray(), ExpositionWriter.TextContentType));
        }
    }
}
