namespace Pharos.Collector.NodeExporter;

/// <summary>Where the kernel's files are, and which collectors run. Defaults are node_exporter's own.</summary>
public sealed record NodeExporterOptions
{
    public string ProcPath { get; init; } = "/proc";
    public string SysPath { get; init; } = "/sys";

    /// <summary>Prefix of mount points where the machine's root is mounted elsewhere, as in a container.</summary>
    public string RootFsPath { get; init; } = "/";

    /// <summary>Names of collectors to run; null: all of <see cref="NodeExporter.CollectorNames"/>.</summary>
    public IReadOnlyCollection<string>? Collectors { get; init; }

    /// <summary>Mount points that are left out, RE2, matched anywhere.</summary>
    public string MountPointsExclude { get; init; } = "^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)";

    /// <summary>File-system types that are left out, RE2, matched anywhere.</summary>
    public string FileSystemTypesExclude { get; init; } =
        "^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|erofs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|sysfs|tracefs)$";

    /// <summary>Block devices that are left out, RE2, matched anywhere.</summary>
    public string DevicesExclude { get; init; } = @"^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$";
}
