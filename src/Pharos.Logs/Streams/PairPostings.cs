using System.Numerics;
using Pharos.Core;

namespace Pharos.Logs.Streams;

/// <summary>
/// The label pairs of numbered streams, each once, with the numbers of the streams that have it. Some 30 bytes and the pair's own for
/// each pair, 8 bytes for each stream that has it. Not safe for several threads.
/// </summary>
internal sealed class PairPostings
{
    private byte[] bytes = [];
    private int used;
    private Pair[] pairs = [];
    private (int Stream, int Before)[] links = [];
    private int linkCount;
    private int[] buckets = [];

    /// <summary>Number of different pairs.</summary>
    public int Count { get; private set; }

    /// <summary>Adds a stream, whose number is above all before it.</summary>
    /// <param name="labels">Canonical bytes.</param>
    public void Add(ReadOnlySpan<byte> labels, int stream)
    {
        for (int at = 0; at < labels.Length;)
        {
            int from = at;
            LabelCodec.ReadString(labels, ref at);
            LabelCodec.ReadString(labels, ref at);
            ref var pair = ref GetOrAdd(labels[from..at]);
            if (linkCount == links.Length) Array.Resize(ref links, Math.Max(16, linkCount * 2));
            links[linkCount] = (stream, pair.Last);
            pair.Last = linkCount++;
            pair.Streams++;
        }
    }

    /// <summary>Numbers of the streams that have a pair, rising.</summary>
    /// <param name="pair">Its canonical bytes.</param>
    public int[] Find(ReadOnlySpan<byte> pair)
    {
        int number = IndexOf(pair, HashOf(pair));
        return number < 0 ? [] : StreamsOf(number);
    }

    public ReadOnlySpan<byte> PairAt(int number) => bytes.AsSpan(pairs[number].At, pairs[number].Length);

    /// <summary>Numbers of the streams that have the pair of a number, rising.</summary>
    public int[] StreamsOf(int number)
    {
        var streams = new int[pairs[number].Streams];
        int link = pairs[number].Last;
        for (int i = streams.Length - 1; i >= 0; i--) (streams[i], link) = links[link];
        return streams;
    }

    /// <summary>Numbers of all pairs in the order of name, then value.</summary>
    public int[] Sorted()
    {
        var numbers = new int[Count];
        for (int i = 0; i < numbers.Length; i++) numbers[i] = i;
        Array.Sort(numbers, (a, b) => LabelPair.Compare(PairAt(a), PairAt(b)));
        return numbers;
    }

    private static uint HashOf(ReadOnlySpan<byte> pair)
    {
        ulong hash = LabelCodec.Hash(pair);
        return (uint)(hash ^ (hash >> 32));
    }

    private int IndexOf(ReadOnlySpan<byte> pair, uint hash)
    {
        if (buckets.Length == 0) return -1;
        for (int number = buckets[hash & (buckets.Length - 1)] - 1; number >= 0; number = pairs[number].Next)
        {
            if (pairs[number].Hash == hash && PairAt(number).SequenceEqual(pair)) return number;
        }
        return -1;
    }

    private ref Pair GetOrAdd(ReadOnlySpan<byte> pair)
    {
        uint hash = HashOf(pair);
        int found = IndexOf(pair, hash);
        if (found >= 0) return ref pairs[found];
        if (Count == pairs.Length) Grow();
        if (used + pair.Length > bytes.Length) Array.Resize(ref bytes, Math.Max(used + pair.Length, Math.Max(256, bytes.Length * 2)));
        pair.CopyTo(bytes.AsSpan(used));
        ref int bucket = ref buckets[hash & (buckets.Length - 1)];
        pairs[Count] = new Pair { At = used, Length = pair.Length, Hash = hash, Last = -1, Next = bucket - 1 };
        used += pair.Length;
        bucket = ++Count;
        return ref pairs[Count - 1];
    }

    private void Grow()
    {
        Array.Resize(ref pairs, Math.Max(16, Count * 2));
        buckets = new int[BitOperations.RoundUpToPowerOf2((uint)pairs.Length)];
        for (int number = 0; number < Count; number++)
        {
            ref int bucket = ref buckets[pairs[number].Hash & (buckets.Length - 1)];
            pairs[number].Next = bucket - 1;
            bucket = number + 1;
        }
    }

    private struct Pair
    {
        public int At;
        public int Length;
        public uint Hash;
        public int Streams;
        public int Last;
        public int Next;
    }
}
