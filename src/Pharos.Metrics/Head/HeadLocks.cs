using System.Numerics;

namespace Pharos.Metrics.Head;

/// <summary>
/// The locks of a head. Its series stand in stripes by number, neighbours together, so that a request, which brings series of few targets, needs
/// few of them, and requests for other series run beside it. Who changes a series holds its stripe; who adds or removes series, pairs of labels or
/// readers holds all of them, so that one stripe is enough to keep these as they are.
/// </summary>
internal sealed class HeadLocks
{
    public const int Count = 64;

    public const ulong All = ulong.MaxValue;

    /// <summary>Numbers in a row that have one stripe: about a target's. A page of the series table has eight.</summary>
    private const int SeriesInRow = 512;

    private readonly Lock[] stripes = new Lock[Count];

    public HeadLocks()
    {
        for (int i = 0; i < stripes.Length; i++) stripes[i] = new Lock();
    }

    public static int Of(int series) => series / SeriesInRow % Count;

    /// <summary>The stripe of a series, as a bit.</summary>
    public static ulong BitOf(int series) => 1UL << Of(series);

    /// <summary>The stripes of a page of the series table, as bits.</summary>
    public static ulong BitsOf(int page)
    {
        const int InPage = SeriesTable.PageSize / SeriesInRow;
        return ((1UL << InPage) - 1) << (page * InPage % Count);
    }

    public Held HoldAll() => new(stripes, All);

    /// <param name="wanted">Stripes, as bits. Nobody holds any when calling this, so that all take them in one order.</param>
    public Held Hold(ulong wanted) => new(stripes, wanted);

    /// <summary>Waits, stripe by stripe, until whoever holds one now has let go of it.</summary>
    public void PassAll()
    {
        foreach (var stripe in stripes)
        {
            stripe.Enter();
            stripe.Exit();
        }
    }

    /// <summary>Some stripes, for as long as this lives.</summary>
    public readonly ref struct Held
    {
        private readonly Lock[] stripes;
        private readonly ulong held;

        public Held(Lock[] stripes, ulong wanted)
        {
            (this.stripes, held) = (stripes, wanted);
            for (ulong left = wanted; left != 0; left &= left - 1) stripes[BitOperations.TrailingZeroCount(left)].Enter();
        }

        public void Dispose()
        {
            for (ulong left = held; left != 0; left &= left - 1) stripes[BitOperations.TrailingZeroCount(left)].Exit();
        }
    }
}
