namespace Pharos.Core;

/// <summary>What <c>(?i)</c> takes for the same: for ASCII letters the other case and, for a few, a sign beyond ASCII.</summary>
internal static class CaseRelatives
{
    private static readonly Lazy<SymbolSet[]> Letters = new(() =>
        [.. "abcdefghijklmnopqrstuvwxyz".Select(letter => UnicodeSets.IgnoringCase(SymbolSet.Of([(letter, letter)])))]);

    public static SymbolSet Fold(SymbolSet set)
    {
        if (set.Ranges.Count > 0 && set.Ranges[^1].High > 127) return UnicodeSets.IgnoringCase(set);
        var all = new List<(int Low, int High)>(set.Ranges);
        for (char lower = 'a'; lower <= 'z'; lower++)
        {
            if (set.Contains(lower) || set.Contains(char.ToUpperInvariant(lower))) all.AddRange(Letters.Value[lower - 'a'].Ranges);
        }
        return SymbolSet.Of(all);
    }
}
