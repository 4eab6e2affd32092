using Pharos.Core;

namespace Pharos.Metrics.Blocks;

/// <summary>The distinct names and values of a block that is being written. First all are added, then each has a rank in byte order.</summary>
internal sealed class SymbolTable
{
    private byte[] arena = new byte[1 << 16];
    private int arenaLength;
    private (int Start, int Length)[] symbols = new (int, int)[1024];
    private ulong[] slots = new ulong[4096];
    private int[] ranks = [];

    public int Count { get; private set; }

    public ReadOnlySpan<byte> this[int symbol] => arena.AsSpan(symbols[symbol].Start, symbols[symbol].Length);

    public void Add(ReadOnlySpan<byte> text)
    {
        ulong hash = LabelCodec.Hash(text);
        int at = Slot(hash, text);
        if (slots[at] != 0) return;
        if (arenaLength + text.Length > arena.Length) Array.Resize(ref arena, Math.Max(arena.Length * 2, arenaLength + text.Length));
        if (Count == symbols.Length) Array.Resize(ref symbols, Count * 2);
        text.CopyTo(arena.AsSpan(arenaLength));
        symbols[Count] = (arenaLength, text.Length);
        arenaLength += text.Length;
        slots[at] = (hash >> 32 << 32) | (uint)(Count + 1);
        Count++;
        if (Count * 2 > slots.Length) Grow();
    }

    /// <summary>Sorts the symbols. Returns them in byte order.</summary>
    public int[] Sort()
    {
        var sorted = new int[Count];
        for (int i = 0; i < Count; i++) sorted[i] = i;
        Array.Sort(sorted, (a, b) => this[a].SequenceCompareTo(this[b]));
        ranks = new int[Count];
        for (int i = 0; i < Count; i++) ranks[sorted[i]] = i;
        return sorted;
    }

    /// <summary>Place of a symbol in byte order, after <see cref="Sort"/>.</summary>
    public int Rank(ReadOnlySpan<byte> text)
    {
        ulong slot = slots[Slot(LabelCodec.Hash(text), text)];
        return slot != 0 ? ranks[(int)(uint)slot - 1] : throw new InvalidOperationException("a label that was not announced as a symbol");
    }

    private int Slot(ulong hash, ReadOnlySpan<byte> text)
    {
        int mask = slots.Length - 1;
        int at = (int)hash & mask;
        while (slots[at] != 0 && !(slots[at] >> 32 == hash >> 32 && this[(int)(uint)slots[at] - 1].SequenceEqual(text))) at = (at + 1) & mask;
        return at;
    }

    private void Grow()
    {
        slots = new ulong[slots.Length * 2];
        int mask = slots.Length - 1;
        for (int i = 0; i < Count; i++)
        {
            ulong hash = LabelCodec.Hash(this[i]);
            int at = (int)hash & mask;
            while (slots[at] != 0) at = (at + 1) & mask;
            slots[at] = (hash >> 32 << 32) | (uint)(i + 1);
        }
    }
}
