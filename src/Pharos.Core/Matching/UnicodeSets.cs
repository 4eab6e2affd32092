using System.Collections.Concurrent;
using System.Text.RegularExpressions;

namespace Pharos.Core;

/// <summary>Sets of UTF-16 code units as .NET's engine has them: asked of it, one unit after another, and kept. Safe for several threads.</summary>
internal static class UnicodeSets
{
    private const int KeptMax = 4096;
    private const RegexOptions Options = RegexOptions.NonBacktracking | RegexOptions.CultureInvariant;

    private static readonly Lazy<string> Units = new(() => string.Create(char.MaxValue + 1, 0, static (text, _) =>
    {
        for (int i = 0; i < text.Length; i++) text[i] = (char)i;
    }));

    private static readonly ConcurrentDictionary<string, SymbolSet> Kept = new(StringComparer.Ordinal);

    /// <summary>The units of a general category or a block.</summary>
    /// <param name="name">As .NET names it: <c>L</c>, <c>Lu</c>, <c>IsGreek</c>.</param>
    public static SymbolSet Of(string name) => Matching($"\\p{{{name}}}", Options);

    /// <summary>The units of a set and all that <c>(?i)</c> takes for the same.</summary>
    public static SymbolSet IgnoringCase(SymbolSet set) =>
        Matching($"[{string.Concat(set.Ranges.Select(r => $"\\u{r.Low:x4}-\\u{r.High:x4}"))}]", Options | RegexOptions.IgnoreCase);

    private static SymbolSet Matching(string pattern, RegexOptions options)
    {
        if (Kept.TryGetValue(pattern, out var known)) return known;
        var ranges = new List<(int Low, int High)>();
        foreach (var match in new Regex(pattern, options).EnumerateMatches(Units.Value))
        {
            if (ranges.Count > 0 && ranges[^1].High == match.Index - 1) ranges[^1] = (ranges[^1].Low, match.Index);
            else ranges.Add((match.Index, match.Index));
        }
        if (Kept.Count >= KeptMax) Kept.Clear();
        return Kept[pattern] = SymbolSet.Of(ranges);
    }
}
