using System.Buffers;
using Pharos.Core;
using Pharos.Logs.Fields;

namespace Pharos.Logs.Reading;

/// <summary>The lines of a block that were kept as they are: all bytes, and for each line of the block the end of what is kept of it and of those before.</summary>
internal readonly ref struct KeptLines(ReadOnlySpan<byte> bytes, ReadOnlySpan<int> ends)
{
    private readonly ReadOnlySpan<byte> bytes = bytes;
    private readonly ReadOnlySpan<int> ends = ends;

    /// <summary>Marks the lines that may hold a needle.</summary>
    public void Mark(Needle needle, Span<bool> marks)
    {
        if (needle.IsPlain(bytes))
        {
            // All lines at once; to whom a hit belongs is looked up only then.
            int row = 0;
            for (int at = 0; at < bytes.Length;)
            {
                int hit = needle.IndexIn(bytes[at..]);
                if (hit < 0) return;
                at += hit;
                while (ends[row] <= at) row++;
                bool within = at + needle.Length <= ends[row];
                marks[row] |= within;
                // One hit in a line is enough.
                at = within ? ends[row] : at + 1;
            }
            return;
        }
        for (int row = 0; row < ends.Length; row++)
        {
            int from = row == 0 ? 0 : ends[row - 1];
            marks[row] |= needle.MayBeIn(bytes[from..ends[row]]);
        }
    }
}

/// <summary>
/// Which lines of a block pass the line filters of a selection, found in the columns of the lines that were taken apart: only columns that can hold a part of
/// what is looked for are unpacked, and no line is put together. Gives its buffer back on <see cref="Dispose"/>.
/// </summary>
internal sealed class LineChecks : IDisposable
{
    private readonly ShapedBlock? shaped;
    private readonly ShapedSearch? wanted;
    private readonly ShapedSearch? excluded;
    private readonly int entries;
    private bool[]? marks;
    private bool certain = true;

    /// <param name="kept">The lines that were kept as they are; empty where <see cref="NeedsKept"/> says no.</param>
    /// <param name="among">Marks of the lines of the block that may be wanted at all; null: all.</param>
    /// <exception cref="InvalidDataException">The block is damaged.</exception>
    public LineChecks(ReadContext context, ShapedBlock? shaped, KeptLines kept, int entries, bool[]? among)
    {
        this.shaped = shaped;
        this.entries = entries;
        var selection = context.Selection;
        certain = (context.Expression is not null || selection.RequiredExpression is null) && (context.ExcludedExpression is not null || selection.ExcludedExpression is null);
        if (context.Expression is { } expression) wanted = shaped?.Search(expression);
        if (context.ExcludedExpression is { } other) excluded = shaped?.Search(other);
        if (context.Texts.Length == 0 && context.ExcludedTexts.Length == 0 && among is null) return;
        marks = ArrayPool<bool>.Shared.Rent(entries);
        var all = marks.AsSpan(0, entries);
        if (context.Texts.Length == 0) all.Fill(true);
        else MarkAll(context.Texts, kept, all);
        if (context.ExcludedTexts.Length > 0 && shaped is not null) Exclude(context.ExcludedTexts, all);
        for (int row = 0; among is not null && row < all.Length; row++) all[row] &= among[row];
    }

    /// <summary>Whether a selection has line filters.</summary>
    public static bool Has(ReadContext context) => context.Texts.Length + context.ExcludedTexts.Length > 0 || context.Expression is not null || context.ExcludedExpression is not null;

    /// <summary>Whether the lines that were kept as they are must be looked into.</summary>
    public static bool NeedsKept(ReadContext context) => context.Texts.Length > 0;

    /// <summary>The next line after one, forward or backward, that may pass; <paramref name="end"/> where there is none.</summary>
    /// <exception cref="InvalidDataException">The block is damaged.</exception>
    public int Next(int at, int end)
    {
        int step = end > at ? 1 : -1;
        for (at += step; at != end; at += step)
        {
            if (marks is not null && !marks[at])
            {
                int found = step > 0 ? marks.AsSpan(at, end - at).IndexOf(true) : marks.AsSpan(end + 1, at - end).LastIndexOf(true);
                if (found < 0) return end;
                at = step > 0 ? at + found : end + 1 + found;
            }
            if (shaped?.IsShaped(at) != true || (wanted?.IsMatch(at) != false && excluded?.IsMatch(at) != true)) return at;
        }
        return end;
    }

    /// <summary>Whether a line that <see cref="Next"/> gave passes for certain.</summary>
    public bool Holds(int row) => certain && shaped?.IsShaped(row) == true;

    public void Dispose()
    {
        if (marks is not null) ArrayPool<bool>.Shared.Return(marks);
        marks = null;
    }

    private void MarkAll(Needle[] texts, KeptLines kept, Span<bool> all)
    {
        all.Clear();
        Mark(texts[0], kept, all);
        if (texts.Length == 1) return;
        bool[] rented = ArrayPool<bool>.Shared.Rent(entries);
        var more = rented.AsSpan(0, entries);
        foreach (var text in texts.AsSpan(1))
        {
            if (!all.Contains(true)) break;
            more.Clear();
            Mark(text, kept, more);
            for (int row = 0; row < all.Length; row++) all[row] &= more[row];
        }
        ArrayPool<bool>.Shared.Return(rented);
    }

    private void Mark(Needle text, KeptLines kept, Span<bool> rows)
    {
        if (shaped is not null) certain &= shaped.Mark(text, rows);
        kept.Mark(text, rows);
    }

    private void Exclude(Needle[] texts, Span<bool> all)
    {
        bool[] rented = ArrayPool<bool>.Shared.Rent(entries);
        var held = rented.AsSpan(0, entries);
        foreach (var text in texts)
        {
            held.Clear();
            if (shaped!.Mark(text, held))
            {
                for (int row = 0; row < all.Length; row++) all[row] &= !held[row];
            }
            else
            {
                certain = false;
            }
        }
        ArrayPool<bool>.Shared.Return(rented);
    }
}
