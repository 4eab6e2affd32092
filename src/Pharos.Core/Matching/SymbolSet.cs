namespace Pharos.Core;

/// <summary>A set of UTF-16 code units: ranges that are sorted and do not touch. Immutable.</summary>
internal sealed class SymbolSet
{
    private SymbolSet(List<(int Low, int High)> ranges) => Ranges = ranges;

    public static SymbolSet Any { get; } = Of([(0, char.MaxValue)]);

    /// <summary>What RE2's <c>\w</c> and word boundaries mean.</summary>
    public static SymbolSet Word { get; } = Of([('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]);

    public static SymbolSet AnyButNewline { get; } = Of([('\n', '\n')]).Negate();

    public IReadOnlyList<(int Low, int High)> Ranges { get; }

    /// <summary>The same for equal sets alone.</summary>
    public string Key => string.Join(',', Ranges.Select(r => $"{r.Low:x}-{r.High:x}"));

    public static SymbolSet Of(IEnumerable<(int Low, int High)> ranges)
    {
        var merged = new List<(int Low, int High)>();
        foreach (var range in ranges.OrderBy(r => r.Low))
        {
            if (merged.Count > 0 && range.Low <= merged[^1].High + 1) merged[^1] = (merged[^1].Low, Math.Max(merged[^1].High, range.High));
            else merged.Add(range);
        }
        return new SymbolSet(merged);
    }

    public SymbolSet Negate()
    {
        var others = new List<(int Low, int High)>();
        int from = 0;
        foreach (var (low, high) in Ranges)
        {
            if (low > from) others.Add((from, low - 1));
            from = high + 1;
        }
        if (from <= char.MaxValue) others.Add((from, char.MaxValue));
        return new SymbolSet(others);
    }

    public bool Contains(int unit)
    {
        int from = 0, to = Ranges.Count - 1;
        while (from <= to)
        {
            int middle = (from + to) >> 1;
            if (unit < Ranges[middle].Low) to = middle - 1;
            else if (unit > Ranges[middle].High) from = middle + 1;
            else return true;
        }
        return false;
    }
}
