using System.Buffers;
using System.Collections.Concurrent;

namespace Pharos.Logs.Streams;

/// <summary>Pages of open blocks that are not in use; arrays of other sizes come from the shared pool. Safe for several threads.</summary>
internal static class PagePool
{
    public const int PageBytes = 32 << 10;

    private static readonly ConcurrentStack<byte[]> Idle = new();
    private static int idle;

    /// <summary>Fewest idle pages since the last <see cref="Trim"/>: those were not needed.</summary>
    private static int fewest;

    /// <summary>An array of a size at least; of a page's size exactly where more than half of one is asked for, and no more than one.</summary>
    public static byte[] Rent(int size)
    {
        if (size is <= PageBytes / 2 or > PageBytes) return ArrayPool<byte>.Shared.Rent(size);
        if (!Idle.TryPop(out byte[]? page)) return GC.AllocateUninitializedArray<byte>(PageBytes);
        int left = Interlocked.Decrement(ref idle);
        if (left < Volatile.Read(ref fewest)) Volatile.Write(ref fewest, left);
        return page;
    }

    public static void Return(byte[] array)
    {
        if (array.Length == PageBytes)
        {
            Idle.Push(array);
            Interlocked.Increment(ref idle);
        }
        else
        {
            ArrayPool<byte>.Shared.Return(array);
        }
    }

    /// <summary>Lets half of the pages go that nobody needed since the last call. To be called now and then.</summary>
    public static void Trim()
    {
        for (int spare = (Volatile.Read(ref fewest) + 1) / 2; spare > 0 && Idle.TryPop(out _); spare--) Interlocked.Decrement(ref idle);
        Volatile.Write(ref fewest, Volatile.Read(ref idle));
    }
}
