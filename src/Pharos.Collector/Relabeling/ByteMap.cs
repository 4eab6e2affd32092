using System.Diagnostics.CodeAnalysis;
using Pharos.Core;

namespace Pharos.Collector.Relabeling;

/// <summary>A dictionary by bytes that looks up without a copy. Not safe for several threads.</summary>
internal sealed class ByteMap<T>
{
    private readonly Dictionary<ulong, Node> nodes = [];

    public int Count { get; private set; }

    public bool TryGet(ReadOnlySpan<byte> key, [MaybeNullWhen(false)] out T value)
    {
        if (nodes.TryGetValue(LabelCodec.Hash(key), out var node))
        {
            for (; node is not null; node = node.Next)
            {
                if (!node.Key.AsSpan().SequenceEqual(key)) continue;
                value = node.Value;
                return true;
            }
        }
        value = default;
        return false;
    }

    /// <summary>Adds what is not there yet.</summary>
    public void Add(ReadOnlySpan<byte> key, T value)
    {
        ulong hash = LabelCodec.Hash(key);
        nodes.TryGetValue(hash, out var next);
        nodes[hash] = new Node(key.ToArray(), value, next);
        Count++;
    }

    public void Clear()
    {
        nodes.Clear();
        Count = 0;
    }

    public void RemoveWhere(Func<T, bool> unwanted)
    {
        foreach (var (hash, first) in nodes.ToArray())
        {
            Node? kept = null;
            for (var node = first; node is not null; node = node.Next)
            {
                if (unwanted(node.Value)) Count--;
                else kept = new Node(node.Key, node.Value, kept);
            }
            if (kept is null) nodes.Remove(hash);
            else nodes[hash] = kept;
        }
    }

    private sealed record Node(byte[] Key, T Value, Node? Next);
}
