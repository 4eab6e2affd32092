using System.Text.RegularExpressions;

namespace Pharos.Core;

/// <summary>What <c>(?i)</c> takes for the same as an ASCII letter: its other case and, for a few, a sign beyond ASCII. Asked of .NET's engine once.</summary>
internal static class CaseRelatives
{
    private static readonly Lazy<List<(char Letter, char Relative)>> BeyondAscii = new(Find);

    /// <summary>Null where the ranges hold more than ASCII, whose other cases are not known here.</summary>
    public static SymbolSet? Fold(SymbolSet set)
    {
        if (set.Ranges.Any(r => r.High > 127)) return null;
        var all = new List<(int Low, int High)>(set.Ranges);
        for (char lower = 'a'; lower <= 'z'; lower++)
        {
            char upper = char.ToUpperInvariant(lower);
            if (!set.Contains(lower) && !set.Contains(upper)) continue;
            all.Add((lower, lower));
            all.Add((upper, upper));
            foreach (var (letter, relative) in BeyondAscii.Value)
            {
                if (letter == lower) all.Add((relative, relative));
            }
        }
        return SymbolSet.Of(all);
    }

    private static List<(char Letter, char Relative)> Find()
    {
        const RegexOptions options = RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | RegexOptions.IgnoreCase;
        string beyond = string.Create(char.MaxValue - 127, 0, static (text, _) =>
        {
            for (int i = 0; i < text.Length; i++) text[i] = (char)(i + 128);
        });
        var found = Regex.Matches(beyond, "[a-z]", options).Select(m => m.Value).ToList();
        return [.. from letter in "abcdefghijklmnopqrstuvwxyz" from sign in found where Regex.IsMatch(sign, letter.ToString(), options) select (letter, sign[0])];
    }
}
