using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Pharos.Metrics;

/// <summary>
/// Asks the processor for memory that will be wanted soon. A head is far larger than its caches: many series that are looked up one after the other
/// wait for memory each, side by side they wait once. Where the processor has no such request, nothing happens.
/// </summary>
internal static unsafe class Ahead
{
    /// <summary>How many series are looked up side by side: as many as the nearest cache holds well.</summary>
    public const int Count = 64;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fetch<T>(ref readonly T place)
    {
        // Should the collector move it meanwhile, the wrong place is fetched, and nothing else.
        if (Sse.IsSupported) Sse.Prefetch0(Unsafe.AsPointer(ref Unsafe.AsRef(in place)));
    }
}
