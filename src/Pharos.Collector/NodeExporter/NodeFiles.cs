using Pharos.Core;

namespace Pharos.Collector.NodeExporter;

/// <summary>The kernel's files, under the configured roots, and the filters of the options.</summary>
internal sealed class NodeFiles(NodeExporterOptions options, TimeProvider time)
{
    public TimeProvider Time { get; } = time;

    public string RootFsPath => options.RootFsPath;

    public LinearRegex MountPointsExclude { get; } = LinearRegex.Unanchored(options.MountPointsExclude);

    public LinearRegex FileSystemTypesExclude { get; } = LinearRegex.Unanchored(options.FileSystemTypesExclude);

    public LinearRegex DevicesExclude { get; } = LinearRegex.Unanchored(options.DevicesExclude);

    public string[] ProcLines(string name) => File.ReadAllLines(Path.Combine(options.ProcPath, name));

    public string ProcText(string name) => File.ReadAllText(Path.Combine(options.ProcPath, name)).Trim();

    public bool ProcHas(string name) => File.Exists(Path.Combine(options.ProcPath, name));

    /// <summary>A file that may be missing on this kernel; null then.</summary>
    public string? ProcTextOrNull(string name) => ProcHas(name) ? ProcText(name) : null;

    public static string[] Fields(string line) => line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
}
