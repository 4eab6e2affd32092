using System.Buffers;
using System.Text;
using Pharos.Logs.Blocks;
using Pharos.Logs.Fields;

namespace Pharos.Logs.Metadata;

/// <summary>
/// The structured metadata of a block's entries: a column for each name, by name in byte order, read when it is asked for.
/// Not safe for several threads; <see cref="Dispose"/> gives buffers back.
/// </summary>
internal sealed class BlockMetadata : IDisposable
{
    private readonly BlockRef block;
    private readonly long[] timestamps;
    private readonly ColumnEntry[] entries;
    private readonly byte[]?[] plain;
    private readonly ColumnData?[] columns;
    private readonly List<byte[]> rented = [];

    /// <param name="frame">The index frame; <paramref name="at"/> stands at its directory of metadata, and then behind it.</param>
    /// <exception cref="InvalidDataException">The frame is damaged.</exception>
    public BlockMetadata(BlockRef block, ReadOnlySpan<byte> frame, scoped ref int at, long[] timestamps)
    {
        this.block = block;
        this.timestamps = timestamps;
        int offset = 0, count = Varints.ReadLength(frame, ref at);
        entries = count == 0 ? [] : new ColumnEntry[count];
        plain = count == 0 ? [] : new byte[count][];
        columns = count == 0 ? [] : new ColumnData[count];
        for (int i = 0; i < count; i++)
        {
            entries[i] = ColumnDirectory.Read(frame, ref at, ref offset, block.Header);
            if (entries[i].Packed == 0) plain[i] = ColumnDirectory.Take(frame, ref at, entries[i].Raw).ToArray();
            if (i > 0 && string.Equals(entries[i - 1].Name, entries[i].Name, StringComparison.Ordinal)) throw new InvalidDataException("two columns of metadata have one name");
        }
        ColumnsPacked = offset;
    }

    /// <summary>Columns that are packed, in bytes: they come first among those of the block.</summary>
    public int ColumnsPacked { get; }

    public IReadOnlyList<ColumnEntry> Entries => entries;

    /// <summary>The only column holds whole sets: nothing is known of single names.</summary>
    public bool IsWhole => entries.Length == 1 && entries[0].Name.Length == 0;

    /// <summary>The number of a name's column; -1 where no entry has it.</summary>
    public int NumberOf(string name) => Array.FindIndex(entries, e => e.Name == name);

    /// <exception cref="InvalidDataException">The block is damaged.</exception>
    /// <exception cref="IOException">The column cannot be read.</exception>
    public ColumnData ColumnAt(int number)
    {
        if (columns[number] is { } known) return known;
        var entry = entries[number];
        byte[]? raw = plain[number];
        if (raw is null)
        {
            raw = BlockFrames.Read(block, block.Header.ColumnsAt + entry.Offset, entry.Packed, entry.Raw, entry.Crc, "columns");
            rented.Add(raw);
        }
        return columns[number] = ColumnData.Read(entry, raw, block.Header.Entries, timestamps);
    }

    public void Dispose()
    {
        foreach (byte[] buffer in rented) ArrayPool<byte>.Shared.Return(buffer);
        rented.Clear();
        Array.Clear(columns);
    }
}
