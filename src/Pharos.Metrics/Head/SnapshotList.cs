using System.Globalization;
using System.Text;
using Pharos.Core;
using Pharos.Storage.Files;
using Pharos.Storage.WriteLog;

namespace Pharos.Metrics.Head;

/// <summary>
/// Which tenants' snapshots together spare reading the write log before a place: a file of lines, the place, the tenants, a checksum.
/// It holds only if each of these snapshots can be loaded. Layout: docs/formats/head-snapshot.md.
/// </summary>
internal sealed record SnapshotList(WriteLogPosition From, IReadOnlyList<string> Tenants)
{
    private const string FileName = "head-snapshots";

    public static string PathIn(string folder) => Path.Combine(folder, FileName);

    /// <summary>Null where there is none, or none that can be trusted.</summary>
    public static SnapshotList? Load(string folder)
    {
        string path = PathIn(folder);
        if (!File.Exists(path)) return null;
        string[] lines = File.ReadAllText(path).Split('\n');
        if (lines.Length < 3 || lines[^1].Length > 0) return null;
        string body = string.Join('\n', lines[..^2]) + "\n";
        if (lines[^2] != Checksum(body)) return null;
        string[] place = lines[0].Split(' ');
        return place is ["1", var segment, var offset]
            ? new SnapshotList(
                new WriteLogPosition(long.Parse(segment, CultureInfo.InvariantCulture), long.Parse(offset, CultureInfo.InvariantCulture)), lines[1..^2])
            : null;
    }

    public void Save(string folder, IDisk disk)
    {
        string body = string.Create(CultureInfo.InvariantCulture, $"1 {From.Segment} {From.Offset}\n") + string.Concat(Tenants.Select(t => t + "\n"));
        DurableFiles.Replace(disk, PathIn(folder), Encoding.UTF8.GetBytes(body + Checksum(body) + "\n"));
    }

    private static string Checksum(string body) => Crc32C.Of(Encoding.UTF8.GetBytes(body)).ToString("x8", CultureInfo.InvariantCulture);
}
