using Pharos.Core;

namespace Pharos.Wire.RemoteWrite;

/// <summary>The symbols of a remote write 2 request: every distinct string once, the empty one first. Reused by <see cref="Clear"/>.</summary>
internal sealed class SymbolTable
{
    private byte[] bytes = new byte[16 * 1024];
    private int[] ends = new int[256];
    private int[] slots = new int[1024];
    private int count;

    public SymbolTable() => Clear();

    public int Count => count;

    public ReadOnlySpan<byte> this[int symbol] => bytes.AsSpan(Start(symbol), ends[symbol] - Start(symbol));

    public void Clear()
    {
        count = 0;
        slots.AsSpan().Clear();
        Reference([]);
    }

    /// <summary>The index of a string, added where it is new.</summary>
    public int Reference(ReadOnlySpan<byte> text)
    {
        int mask = slots.Length - 1;
        int slot = (int)LabelCodec.Hash(text) & mask;
        for (; slots[slot] != 0; slot = (slot + 1) & mask)
        {
            int known = slots[slot] - 1;
            if (this[known].SequenceEqual(text)) return known;
        }
        int start = count == 0 ? 0 : ends[count - 1];
        if (start + text.Length > bytes.Length) Array.Resize(ref bytes, Math.Max(start + text.Length, bytes.Length * 2));
        if (count == ends.Length) Array.Resize(ref ends, count * 2);
        text.CopyTo(bytes.AsSpan(start));
        ends[count] = start + text.Length;
        slots[slot] = ++count;
        if (count * 2 > slots.Length) Rehash();
        return count - 1;
    }

    private int Start(int symbol) => symbol == 0 ? 0 : ends[symbol - 1];

    private void Rehash()
    {
        slots = new int[slots.Length * 2];
        int mask = slots.Length - 1;
        for (int i = 0; i < count; i++)
        {
            int slot = (int)LabelCodec.Hash(this[i]) & mask;
            while (slots[slot] != 0) slot = (slot + 1) & mask;
            slots[slot] = i + 1;
        }
    }
}
