using System.Text;

namespace Pharos.Logs.Metadata;

/// <summary>Puts the structured metadata of entries together again, byte for byte, of all columns of a block or of some. Not safe for several threads.</summary>
internal sealed class MetadataSets : IDisposable
{
    /// <summary>Different sets that are kept, where all columns are dictionaries.</summary>
    private const int KeptMax = 4096;

    private readonly BlockMetadata metadata;
    private readonly int[] numbers;
    private readonly byte[][] names;
    private readonly PooledBuffer buffer = new();
    private int[]? strides;
    private (int At, int Length)[] kept = [];
    private int row = -1;
    private bool opened;

    /// <param name="wanted">Names that matter; null for all.</param>
    public MetadataSets(BlockMetadata metadata, IReadOnlySet<string>? wanted)
    {
        this.metadata = metadata;
        numbers = [.. Enumerable.Range(0, metadata.Entries.Count).Where(i => wanted is null || metadata.IsWhole || wanted.Contains(metadata.Entries[i].Name))];
        names = [.. numbers.Select(n => Encoding.UTF8.GetBytes(metadata.Entries[n].Name))];
    }

    /// <summary>Canonical bytes; valid until the next call.</summary>
    /// <exception cref="InvalidDataException">The block is damaged.</exception>
    /// <exception cref="IOException">A column cannot be read.</exception>
    public ReadOnlySpan<byte> Of(int entry)
    {
        if (numbers.Length == 0) return default;
        if (!opened) Open();
        if (strides is null)
        {
            if (row == entry) return buffer.Span;
            buffer.Clear();
            Append(entry);
            row = entry;
            return buffer.Span;
        }
        int key = 0;
        for (int i = 0; i < numbers.Length; i++) key += strides[i] * metadata.ColumnAt(numbers[i]).IdOf(entry);
        ref var set = ref kept[key];
        if (set.Length < 0)
        {
            int at = buffer.Length;
            Append(entry);
            set = (at, buffer.Length - at);
        }
        return buffer.Span.Slice(set.At, set.Length);
    }

    public void Dispose() => buffer.Dispose();

    private void Open()
    {
        opened = true;
        long sets = 1;
        var found = new int[numbers.Length];
        for (int i = 0; i < numbers.Length; i++)
        {
            int distinct = metadata.ColumnAt(numbers[i]).Distinct;
            found[i] = (int)sets;
            sets *= distinct + 1;
            if (distinct == 0 || sets > KeptMax) return;
        }
        kept = new (int, int)[sets];
        Array.Fill(kept, (0, -1));
        strides = found;
    }

    private void Append(int entry)
    {
        Span<byte> scratch = stackalloc byte[128];
        for (int i = 0; i < numbers.Length; i++)
        {
            var column = metadata.ColumnAt(numbers[i]);
            if (!column.Has(entry)) continue;
            var value = column.BytesOf(entry, scratch);
            if (metadata.IsWhole)
            {
                buffer.Append(value);
                return;
            }
            Varints.Write(buffer, (ulong)names[i].Length);
            buffer.Append(names[i]);
            Varints.Write(buffer, (ulong)value.Length);
            buffer.Append(value);
        }
    }
}
