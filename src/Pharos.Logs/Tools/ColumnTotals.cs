using System.Buffers;
using Pharos.Logs.Blocks;
using Pharos.Logs.Fields;
using Pharos.Logs.Metadata;

namespace Pharos.Logs.Tools;

/// <summary>Sums up what the columns of blocks take, by name. Not safe for several threads.</summary>
internal sealed class ColumnTotals
{
    private readonly Dictionary<string, Total> fields = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Total> metadata = new(StringComparer.Ordinal);

    /// <summary>Reads a block's index and shapes frames and its columns of metadata.</summary>
    /// <exception cref="InvalidDataException">The block is damaged; nothing of it was added.</exception>
    /// <exception cref="IOException">The block cannot be read.</exception>
    public void Add(BlockRef block)
    {
        using var index = BlockIndex.Read(block);
        var ofMetadata = Of(index.Metadata, block.Header.Entries);
        foreach (var (column, entries) in OfShapes(block, index.Metadata.ColumnsPacked)) Add(fields, column, entries);
        foreach (var (column, entries) in ofMetadata) Add(metadata, column, entries);
    }

    /// <summary>Fields of lines that were taken apart, the most packed bytes first; no more than a limit.</summary>
    public IReadOnlyList<LogColumnSize> Fields(int limit) => Top(fields, limit);

    /// <summary>Names of structured metadata, otherwise as <see cref="Fields"/>.</summary>
    public IReadOnlyList<LogColumnSize> Metadata(int limit) => Top(metadata, limit);

    private static List<(ColumnEntry Column, long Entries)> Of(BlockMetadata metadata, int rows)
    {
        var found = new List<(ColumnEntry, long)>(metadata.Entries.Count);
        for (int i = 0; i < metadata.Entries.Count; i++)
        {
            var column = metadata.ColumnAt(i);
            long entries = 0;
            for (int row = 0; row < rows; row++) entries += column.Has(row) ? 1 : 0;
            found.Add((metadata.Entries[i], entries));
        }
        return found;
    }

    private static List<(ColumnEntry Column, long Entries)> OfShapes(BlockRef block, int columnsAt)
    {
        var header = block.Header;
        if (header.ShapesRaw == 0) return [];
        byte[] frame = BlockFrames.Read(block, header.ShapesAt, header.ShapesPacked, header.ShapesRaw, header.ShapesCrc, "shapes");
        try
        {
            var (shapes, columns, rows) = BlockShapes.Read(frame.AsSpan(0, header.ShapesRaw), header, columnsAt);
            long[] ofShape = new long[shapes.Length + 1], entries = new long[columns.Length];
            foreach (byte shape in rows) ofShape[shape]++;
            for (int s = 0; s < shapes.Length; s++)
            {
                foreach (int column in shapes[s].Columns.Distinct()) entries[column] += ofShape[s + 1];
            }
            return [.. columns.Select((c, i) => (c, entries[i]))];
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(frame);
        }
    }

    private static void Add(Dictionary<string, Total> totals, ColumnEntry column, long entries)
    {
        if (!totals.TryGetValue(column.Name, out var total)) totals[column.Name] = total = new Total();
        // What stands in the frame itself is packed with that: its share is not known.
        total.Size += new LogSize(entries, column.Raw, column.Packed == 0 ? column.Raw : column.Packed);
        string kind = NameOf(column.Kind);
        total.Kinds[kind] = total.Kinds.GetValueOrDefault(kind) + 1;
    }

    private static List<LogColumnSize> Top(Dictionary<string, Total> totals, int limit) =>
    [
        .. totals.OrderByDescending(t => t.Value.Size.PackedBytes).ThenBy(t => t.Key, StringComparer.Ordinal).Take(limit).Select(t => new LogColumnSize(
            t.Key, [.. t.Value.Kinds.OrderByDescending(k => k.Value).ThenBy(k => k.Key, StringComparer.Ordinal).Select(k => (k.Key, k.Value))], t.Value.Size)),
    ];

    private static string NameOf(ColumnKind kind) => kind switch
    {
        ColumnKind.LargeDictionary => "large dictionary",
        _ => kind.ToString().ToLowerInvariant(),
    };

    private sealed class Total
    {
        public LogSize Size { get; set; }

        /// <summary>Columns by kind.</summary>
        public Dictionary<string, long> Kinds { get; } = new(StringComparer.Ordinal);
    }
}
