using Pharos.Core;

namespace Pharos.Collector.NodeExporter;

internal static class DiskCollectors
{
    private const double SectorBytes = 512;

    /// <summary>Columns of /proc/diskstats after the device's name, in their order.</summary>
    private static readonly (string Name, MetricType Type, string Help, double Factor)[] Columns =
    [
        ("reads_completed_total", MetricType.Counter, "The total number of reads completed successfully.", 1),
        ("reads_merged_total", MetricType.Counter, "The total number of reads merged.", 1),
        ("read_bytes_total", MetricType.Counter, "The total number of bytes read successfully.", SectorBytes),
        ("read_time_seconds_total", MetricType.Counter, "The total number of seconds spent by all reads.", .001),
        ("writes_completed_total", MetricType.Counter, "The total number of writes completed successfully.", 1),
        ("writes_merged_total", MetricType.Counter, "The number of writes merged.", 1),
        ("written_bytes_total", MetricType.Counter, "The total number of bytes written successfully.", SectorBytes),
        ("write_time_seconds_total", MetricType.Counter, "This is the total number of seconds spent by all writes.", .001),
        ("io_now", MetricType.Gauge, "The number of I/Os currently in progress.", 1),
        ("io_time_seconds_total", MetricType.Counter, "Total seconds spent doing I/Os.", .001),
        ("io_time_weighted_seconds_total", MetricType.Counter, "The weighted # of seconds spent doing I/Os.", .001),
        ("discards_completed_total", MetricType.Counter, "The total number of discards completed successfully.", 1),
        ("discards_merged_total", MetricType.Counter, "The total number of discards merged.", 1),
        ("discarded_sectors_total", MetricType.Counter, "The total number of sectors discarded successfully.", 1),
        ("discard_time_seconds_total", MetricType.Counter, "This is the total number of seconds spent by all discards.", .001),
        ("flush_requests_total", MetricType.Counter, "The total number of flush requests completed successfully", 1),
        ("flush_requests_time_seconds_total", MetricType.Counter, "This is the total number of seconds spent by all flush requests.", .001),
    ];

    public static void DiskStats(NodeFiles files, NodeOutput output)
    {
        var devices = files.ProcLines("diskstats").Select(NodeFiles.Fields).Where(f => f.Length > 3 && !files.DevicesExclude.IsMatch(f[2])).ToList();
        for (int column = 0; column < Columns.Length; column++)
        {
            var (name, type, help, factor) = Columns[column];
            var having = devices.Where(f => f.Length > column + 3).ToList();
            if (having.Count == 0) continue;
            output.Family($"node_disk_{name}", type, help);
            foreach (string[] fields in having) output.Sample(double.Parse(fields[column + 3]) * factor, ("device", fields[2]));
        }
    }

    public static void FileSystems(NodeFiles files, NodeOutput output)
    {
        string mounts = files.ProcHas("1/mounts") ? "1/mounts" : "mounts";
        var found = new List<(string Device, string MountPoint, string Type, bool ReadOnly, DriveInfo? Drive)>();
        var seen = new HashSet<(string, string)>();
        foreach (string[] fields in files.ProcLines(mounts).Select(NodeFiles.Fields).Where(f => f.Length > 3))
        {
            // The kernel writes a space inside a name as \040 and a tab as \011.
            string mountPoint = fields[1].Replace("\\040", " ", StringComparison.Ordinal).Replace("\\011", "\t", StringComparison.Ordinal);
            if (files.MountPointsExclude.IsMatch(mountPoint) || files.FileSystemTypesExclude.IsMatch(fields[2]) || !seen.Add((fields[0], mountPoint))) continue;
            DriveInfo? drive = null;
            try
            {
                drive = new DriveInfo(files.RootFsPath == "/" ? mountPoint : files.RootFsPath.TrimEnd('/') + mountPoint);
                _ = drive.TotalSize;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
            {
                drive = null;
            }
            found.Add((fields[0], mountPoint, fields[2], fields[3].Split(',').Contains("ro"), drive));
        }
        Write("node_filesystem_avail_bytes", "Filesystem space available to non-root users in bytes.", m => m.Drive?.AvailableFreeSpace);
        Write("node_filesystem_device_error", "Whether an error occurred while getting statistics for the given device.", m => m.Drive is null ? 1 : 0);
        Write("node_filesystem_free_bytes", "Filesystem free space in bytes.", m => m.Drive?.TotalFreeSpace);
        Write("node_filesystem_readonly", "Filesystem read-only status.", m => m.Drive is null ? null : m.ReadOnly ? 1 : 0);
        Write("node_filesystem_size_bytes", "Filesystem size in bytes.", m => m.Drive?.TotalSize);

        void Write(string name, string help, Func<(string Device, string MountPoint, string Type, bool ReadOnly, DriveInfo? Drive), double?> value)
        {
            output.Family(name, MetricType.Gauge, help);
            foreach (var mount in found)
            {
                if (value(mount) is { } number) output.Sample(number, ("device", mount.Device), ("fstype", mount.Type), ("mountpoint", mount.MountPoint));
            }
        }
    }
}
