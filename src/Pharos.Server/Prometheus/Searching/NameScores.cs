namespace Pharos.Server.Prometheus.Searching;

/// <summary>How alike two texts are, from 0 for not at all to 1 for equal. Scores are those of Prometheus, as clients give thresholds for them.</summary>
internal static class NameScores
{
    /// <summary>
    /// Above 0 only where the term's characters appear in the text in their order. Runs of characters count by the square of their length; what lies before
    /// and between them is taken off as a share of the text's length, what follows them at half. The best start counts.
    /// </summary>
    public static double Subsequence(ReadOnlySpan<int> term, ReadOnlySpan<int> text)
    {
        if (term.SequenceEqual(text)) return 1;
        if (term.IsEmpty) return 1;
        double best = 0;
        for (int start = 0; start <= text.Length - term.Length; start++)
        {
            if (text[start] != term[0]) continue;
            // Where the rest does not follow here, it does not follow later.
            if (From(term, text, start) is not { } score) break;
            best = Math.Max(best, score);
        }
        return best / ((double)term.Length * term.Length);
    }

    /// <summary>Jaro's similarity, with Winkler's addition for up to four characters that both begin with.</summary>
    public static double JaroWinkler(ReadOnlySpan<int> one, ReadOnlySpan<int> other)
    {
        if (one.SequenceEqual(other)) return 1;
        if (one.IsEmpty || other.IsEmpty) return 0;
        var shorter = one.Length <= other.Length ? one : other;
        var longer = one.Length <= other.Length ? other : one;
        int reach = Math.Max((longer.Length / 2) - 1, 0);
        bool[] taken = new bool[longer.Length];
        var found = new List<int>();
        for (int i = 0; i < shorter.Length; i++)
        {
            for (int j = Math.Max(i - reach, 0); j < Math.Min(i + reach + 1, longer.Length); j++)
            {
                if (taken[j] || shorter[i] != longer[j]) continue;
                taken[j] = true;
                found.Add(shorter[i]);
                break;
            }
        }
        if (found.Count == 0) return 0;
        int at = 0, swapped = 0;
        for (int j = 0; j < longer.Length; j++)
        {
            if (taken[j] && longer[j] != found[at++]) swapped++;
        }
        double count = found.Count;
        double jaro = ((count / shorter.Length) + (count / longer.Length) + ((count - (swapped / 2.0)) / count)) / 3;
        int prefix = Math.Min(4, shorter.CommonPrefixLength(longer));
        return jaro + (prefix * 0.1 * (1 - jaro));
    }

    private static double? From(ReadOnlySpan<int> term, ReadOnlySpan<int> text, int start)
    {
        double score = 0;
        int last = -1, run = 0, next = 0;
        for (int i = start; i < text.Length && next < term.Length; i++)
        {
            if (text[i] != term[next]) continue;
            if (run > 0 && last == i - 1)
            {
                run++;
            }
            else
            {
                score += (run * (double)run) - ((i - last - 1) / (double)text.Length);
                run = 1;
            }
            last = i;
            next++;
        }
        if (next < term.Length) return null;
        return score + (run * (double)run) - ((text.Length - 1 - last) / (2.0 * text.Length));
    }
}
