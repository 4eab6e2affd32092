using System.Runtime.InteropServices;
using System.Text;
using System.Text.Unicode;
using Pharos.Core;
using Pharos.Logs.Blocks;
using Pharos.Logs.Fields;
using Pharos.Logs.Streams;

namespace Pharos.Logs.Metadata;

/// <summary>
/// Turns the structured metadata of a block's entries into a column for each name, not packed where it is short. Sets that would not come back byte for
/// byte, or with too many names, become one column without a name, of whole sets. Reused from block to block; not safe for several threads.
/// </summary>
internal sealed class MetadataColumns
{
    /// <summary>Columns up to this size, bytes before packing, stand in the directory itself.</summary>
    private const int PlainBytesMax = 128;

    private const int NamesMax = 256;
    private const int CellsMax = 4 << 20;

    private readonly Dictionary<byte[], int> numberOf = new(ByteKeys.Instance);
    private readonly List<byte[]> names = [];
    private readonly List<(int At, int Length)[]> cells = [];
    private readonly List<int> last = [];
    private readonly List<(ColumnEntry Entry, byte[] Plain)> written = [];
    private readonly List<(int At, int Length)> values = [];
    private int rows;

    /// <summary>Where values stand in the block's bytes, each of those that repeat at least once.</summary>
    public List<(int At, int Length)> Values => values;

    /// <summary>Encodes the columns; long ones are packed and appended.</summary>
    /// <param name="scratch">Is overwritten.</param>
    public void Encode(ReadOnlySpan<HeadEntry> entries, ReadOnlySpan<byte> bytes, ColumnEncoder encoder, BlockCodec codec, int level, PooledBuffer scratch, PooledBuffer columns)
    {
        rows = entries.Length;
        written.Clear();
        values.Clear();
        if (!TakeApart(entries, bytes)) TakeWhole(entries);
        foreach (var (name, number) in names.Select((n, i) => (n, i)).OrderBy(n => n.n, Comparer<byte[]>.Create(static (a, b) => a.AsSpan().SequenceCompareTo(b))))
        {
            var column = cells[number].AsSpan(0, rows);
            var kind = encoder.Encode(bytes, column, entries, scratch);
            if (kind is ColumnKind.Dictionary or ColumnKind.LargeDictionary) values.AddRange(encoder.Values);
            else NoteValues(column);
            int raw = scratch.Length, packed = 0, from = columns.Length;
            uint crc = 0;
            if (raw > PlainBytesMax)
            {
                var room = columns.GetSpan(BlockCodecs.PackedBytesMax(raw));
                packed = BlockCodecs.Pack(codec, scratch.Span, room, level);
                crc = Crc32C.Of(room[..packed]);
                columns.Advance(packed);
            }
            written.Add((new ColumnEntry(Encoding.UTF8.GetString(name), kind, encoder.Form, from, packed, raw, crc, encoder.Min, encoder.Max), packed == 0 ? scratch.Span.ToArray() : []));
        }
    }

    /// <summary>Writes what was encoded to the index frame.</summary>
    public void WriteDirectory(PooledBuffer frame)
    {
        Varints.Write(frame, (ulong)written.Count);
        foreach (var (entry, plain) in written)
        {
            ColumnDirectory.Write(frame, entry);
            frame.Append(plain);
        }
    }

    private void NoteValues(ReadOnlySpan<(int At, int Length)> column)
    {
        foreach (var cell in column)
        {
            if (cell.Length > 0) values.Add(cell);
        }
    }

    /// <summary>False where a set is not in canonical form, or where there are too many names.</summary>
    private bool TakeApart(ReadOnlySpan<HeadEntry> entries, ReadOnlySpan<byte> bytes)
    {
        names.Clear();
        numberOf.Clear();
        ReadOnlySpan<byte> before = default;
        for (int row = 0; row < rows; row++)
        {
            int at = entries[row].LineAt + entries[row].LineLength;
            var set = bytes.Slice(at, entries[row].MetadataLength);
            if (set.IsEmpty || !set.SequenceEqual(before))
            {
                before = set;
                last.Clear();
                if (!TakeSet(set, at, row)) return false;
                continue;
            }
            foreach (int number in last) cells[number][row] = cells[number][row - 1];
        }
        return true;
    }

    private bool TakeSet(ReadOnlySpan<byte> set, int setAt, int row)
    {
        ReadOnlySpan<byte> nameBefore = default;
        int size = 0;
        for (int at = 0; at < set.Length;)
        {
            var name = LabelCodec.ReadString(set, ref at);
            var value = LabelCodec.ReadString(set, ref at);
            if (name.SequenceCompareTo(nameBefore) <= 0) return false;
            nameBefore = name;
            size += LabelCodec.SizeOf(name.Length) + LabelCodec.SizeOf(value.Length);
            if (!TryNumber(name, out int number)) return false;
            cells[number][row] = (setAt + at - value.Length, value.Length);
            last.Add(number);
        }
        return size == set.Length;
    }

    private bool TryNumber(ReadOnlySpan<byte> name, out int number)
    {
        if (numberOf.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(name, out number)) return true;
        if (names.Count == NamesMax || (long)(names.Count + 1) * rows > CellsMax || !Utf8.IsValid(name)) return false;
        number = AddColumn(name.ToArray());
        return true;
    }

    private int AddColumn(byte[] name)
    {
        int number = names.Count;
        names.Add(name);
        numberOf[name] = number;
        if (cells.Count == number) cells.Add([]);
        Sized.AtLeast(ref CollectionsMarshal.AsSpan(cells)[number], rows);
        cells[number].AsSpan(0, rows).Fill((0, -1));
        return number;
    }

    private void TakeWhole(ReadOnlySpan<HeadEntry> entries)
    {
        names.Clear();
        numberOf.Clear();
        int number = AddColumn([]);
        for (int row = 0; row < rows; row++)
        {
            if (entries[row].MetadataLength > 0) cells[number][row] = (entries[row].LineAt + entries[row].LineLength, entries[row].MetadataLength);
        }
    }
}
