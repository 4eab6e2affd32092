using Pharos.Core;
using Pharos.Logs.Blocks;
using Pharos.Logs.Streams;

namespace Pharos.Logs.Reading;

/// <summary>A stretch of a stream's time that can be read by itself: no block outside it overlaps it, or none that may have an entry of it.</summary>
/// <param name="Number">By stream, then time.</param>
internal readonly record struct ReadSection(int Number, Labels Labels, StreamSnapshot Content)
{
    /// <summary>Cuts a stream into sections.</summary>
    /// <param name="counting">Only how many entries there are matters: blocks that have none in common are sections of their own, though they overlap.</param>
    /// <param name="number">Of the first section.</param>
    public static IEnumerable<ReadSection> Cut(Labels labels, StreamSnapshot stream, bool counting, int number)
    {
        if (stream.Blocks.Length + stream.Heads.Length == 1)
        {
            yield return new ReadSection(number, labels, stream);
            yield break;
        }
        // Stable: blocks of one time stay in the order of writing.
        var pieces = stream.Blocks.Select(b => new Piece(b.Header.MinNs, b.Header.MaxNs, b, default))
            .Concat(stream.Heads.Select(h => new Piece(h.MinNs, h.MaxNs, null, h))).OrderBy(p => p.MinNs).ToList();
        if (counting)
        {
            var unclear = pieces.FindAll(p => p.Block?.Header.Distinct != true);
            bool Alone(Piece piece) => piece.Block?.Header.Distinct == true && !unclear.Exists(u => u.MinNs <= piece.MaxNs && u.MaxNs >= piece.MinNs);
            foreach (var piece in pieces.Where(Alone)) yield return new ReadSection(number++, labels, new StreamSnapshot([piece.Block!], []));
            pieces.RemoveAll(Alone);
        }
        for (int from = 0; from < pieces.Count;)
        {
            long maxNs = pieces[from].MaxNs;
            int to = from + 1;
            while (to < pieces.Count && pieces[to].MinNs <= maxNs) maxNs = Math.Max(maxNs, pieces[to++].MaxNs);
            var group = pieces.GetRange(from, to - from);
            yield return new ReadSection(number++, labels, new StreamSnapshot(
                [.. group.Where(p => p.Block is not null).Select(p => p.Block!)], [.. group.Where(p => p.Block is null).Select(p => p.Head)]));
            from = to;
        }
    }

    private readonly record struct Piece(long MinNs, long MaxNs, BlockRef? Block, HeadSnapshot Head);
}
