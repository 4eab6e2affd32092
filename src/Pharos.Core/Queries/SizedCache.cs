namespace Pharos.Core;

/// <summary>Keeps values up to a number of bytes; those not asked for longest go first. Safe for several threads.</summary>
/// <param name="bytesMax">Of all values together; one value may have a quarter of it.</param>
/// <param name="take">Takes bytes out of a larger account; false where it has none to spare, and the value is not kept. Null for no such account.</param>
/// <param name="giveBack">Returns bytes to that account.</param>
public sealed class SizedCache<TKey, TValue>(long bytesMax, Func<long, bool>? take = null, Action<long>? giveBack = null)
    where TKey : notnull
    where TValue : class
{
    private readonly Lock gate = new();
    private readonly Dictionary<TKey, LinkedListNode<(TKey Key, TValue Value, long Bytes)>> values = [];
    private readonly LinkedList<(TKey Key, TValue Value, long Bytes)> byUse = new();

    public long BytesUsed { get; private set; }

    public TValue? Find(TKey key)
    {
        lock (gate)
        {
            if (!values.TryGetValue(key, out var node)) return null;
            byUse.Remove(node);
            byUse.AddLast(node);
            return node.Value.Value;
        }
    }

    public void Put(TKey key, TValue value, long bytes)
    {
        // One answer must not push out everything else.
        if (bytes > bytesMax / 4) return;
        lock (gate)
        {
            if (values.Remove(key, out var old)) Drop(old);
            if (take is not null && !take(bytes)) return;
            values.Add(key, byUse.AddLast((key, value, bytes)));
            BytesUsed += bytes;
            while (BytesUsed > bytesMax) DropOldest();
        }
    }

    /// <summary>Lets go of so many bytes, or of all there are.</summary>
    public void Shed(long bytes)
    {
        lock (gate)
        {
            long left = BytesUsed - bytes;
            while (byUse.Count > 0 && BytesUsed > left) DropOldest();
        }
    }

    private void DropOldest()
    {
        var oldest = byUse.First!;
        values.Remove(oldest.Value.Key);
        Drop(oldest);
    }

    private void Drop(LinkedListNode<(TKey Key, TValue Value, long Bytes)> node)
    {
        byUse.Remove(node);
        BytesUsed -= node.Value.Bytes;
        giveBack?.Invoke(node.Value.Bytes);
    }
}
