using Pharos.Core;

namespace Pharos.Collector.NodeExporter;

internal static class KernelCollectors
{
    public static void BootTime(NodeFiles files, NodeOutput output)
    {
        string? line = files.ProcLines("stat").FirstOrDefault(l => l.StartsWith("btime ", StringComparison.Ordinal));
        if (line is not null) output.Single("node_boot_time_seconds", MetricType.Gauge, "Node boot time, in unixtime.", double.Parse(NodeFiles.Fields(line)[1]));
    }

    public static void Conntrack(NodeFiles files, NodeOutput output)
    {
        if (files.ProcTextOrNull("sys/net/netfilter/nf_conntrack_count") is { } entries)
            output.Single("node_nf_conntrack_entries", MetricType.Gauge, "Number of currently allocated flow entries for connection tracking.", double.Parse(entries));
        if (files.ProcTextOrNull("sys/net/netfilter/nf_conntrack_max") is { } limit)
            output.Single("node_nf_conntrack_entries_limit", MetricType.Gauge, "Maximum size of connection tracking table.", double.Parse(limit));
    }

    public static void Entropy(NodeFiles files, NodeOutput output)
    {
        output.Single("node_entropy_available_bits", MetricType.Gauge, "Bits of available entropy.", double.Parse(files.ProcText("sys/kernel/random/entropy_avail")));
        output.Single("node_entropy_pool_size_bits", MetricType.Gauge, "Bits of entropy pool.", double.Parse(files.ProcText("sys/kernel/random/poolsize")));
    }

    public static void FileDescriptors(NodeFiles files, NodeOutput output)
    {
        string[] fields = NodeFiles.Fields(files.ProcText("sys/fs/file-nr"));
        output.Single("node_filefd_allocated", MetricType.Gauge, "File descriptor statistics: allocated.", double.Parse(fields[0]));
        output.Single("node_filefd_maximum", MetricType.Gauge, "File descriptor statistics: maximum.", double.Parse(fields[2]));
    }

    public static void OperatingSystem(NodeFiles files, NodeOutput output)
    {
        string root = files.RootFsPath.TrimEnd('/');
        string? path = new[] { $"{root}/etc/os-release", $"{root}/usr/lib/os-release" }.FirstOrDefault(File.Exists);
        if (path is null) return;
        var values = File.ReadAllLines(path).Select(l => l.Split('=', 2)).Where(p => p.Length == 2).ToDictionary(p => p[0], p => p[1].Trim('"', '\''));
        output.Family("node_os_info", MetricType.Gauge, "A metric with a constant '1' value labeled by build_id, id, id_like, image_id, image_version, name, pretty_name, variant, variant_id, version, version_codename, version_id.");
        output.Sample(
            1, ("build_id", Value("BUILD_ID")), ("id", Value("ID")), ("id_like", Value("ID_LIKE")), ("name", Value("NAME")), ("pretty_name", Value("PRETTY_NAME")),
            ("version", Value("VERSION")), ("version_codename", Value("VERSION_CODENAME")), ("version_id", Value("VERSION_ID")));

        string Value(string key) => values.GetValueOrDefault(key, "");
    }

    public static void Time(NodeFiles files, NodeOutput output)
    {
        output.Single("node_time_seconds", MetricType.Gauge, "System time in seconds since epoch (1970).", files.Time.UnixMs() / 1000.0);
        output.Family("node_time_zone_offset_seconds", MetricType.Gauge, "System time zone offset in seconds.");
        var zone = files.Time.LocalTimeZone;
        output.Sample(zone.GetUtcOffset(files.Time.GetUtcNow()).TotalSeconds, ("time_zone", zone.StandardName));
    }

    public static void Uname(NodeFiles files, NodeOutput output)
    {
        output.Family("node_uname_info", MetricType.Gauge, "Labeled system information as provided by the uname system call.");
        output.Sample(
            1, ("domainname", files.ProcText("sys/kernel/domainname")), ("machine", Machine()), ("nodename", files.ProcText("sys/kernel/hostname")),
            ("release", files.ProcText("sys/kernel/osrelease")), ("sysname", files.ProcText("sys/kernel/ostype")), ("version", files.ProcText("sys/kernel/version")));

        static string Machine() => System.Runtime.InteropServices.RuntimeInformation.OSArchitecture switch
        {
            System.Runtime.InteropServices.Architecture.X64 => "x86_64",
            System.Runtime.InteropServices.Architecture.Arm64 => "aarch64",
            var other => other.ToString().ToLowerInvariant(),
        };
    }
}
