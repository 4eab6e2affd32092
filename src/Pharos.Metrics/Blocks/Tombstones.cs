using Pharos.Core;
using Pharos.Storage.Files;

namespace Pharos.Metrics.Blocks;

/// <summary>The file <c>tombstones</c> of a block: deleted ranges by series.</summary>
internal static class Tombstones
{
    private const uint Magic = 0x0130BA30;

    public static void Write(IDisk disk, string folder, IReadOnlyDictionary<uint, DeletedRanges> deleted)
    {
        var body = new ByteBuffer();
        foreach (var (series, ranges) in deleted.OrderBy(d => d.Key))
        {
            foreach (var range in ranges.Ranges)
            {
                body.Uvarint(series);
                body.Varint(range.MinMs);
                body.Varint(range.MaxMs);
            }
        }
        var file = new ByteBuffer();
        file.UInt32Big(Magic);
        file.Byte(1);
        file.Bytes(body.Written);
        file.UInt32Big(Crc32C.Of(body.Written));
        DurableFiles.Replace(disk, Path.Combine(folder, "tombstones"), file.Written);
    }

    /// <summary>A missing file says that nothing was deleted.</summary>
    public static Dictionary<uint, DeletedRanges> Read(string folder)
    {
        string path = Path.Combine(folder, "tombstones");
        if (!File.Exists(path)) return [];
        var bytes = File.ReadAllBytes(path);
        if (bytes.Length < 9) throw new CorruptBlockException($"{path} is too short");
        var reader = new ByteReader(bytes);
        if (reader.UInt32Big() != Magic || reader.Byte() != 1) throw new CorruptBlockException($"{path} is no tombstone file of version 1");
        var body = reader.Take(bytes.Length - 9);
        if (reader.UInt32Big() != Crc32C.Of(body)) throw new CorruptBlockException($"{path} has a wrong checksum");
        var ranges = new Dictionary<uint, List<TimeRange>>();
        var rest = new ByteReader(body);
        while (!rest.IsEmpty)
        {
            uint series = (uint)rest.Uvarint();
            if (!ranges.TryGetValue(series, out var of)) ranges[series] = of = [];
            of.Add(new TimeRange(rest.Varint(), rest.Varint()));
        }
        return ranges.ToDictionary(r => r.Key, r => new DeletedRanges(r.Value));
    }
}
