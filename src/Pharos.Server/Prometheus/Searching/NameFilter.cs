using Pharos.Core;
using Pharos.PromQL;

namespace Pharos.Server.Prometheus.Searching;

/// <summary>Decides which names a search finds, and how good each is.</summary>
internal sealed class NameFilter
{
    private readonly bool caseSensitive;
    private readonly bool jaroWinkler;
    private readonly double threshold;
    private readonly List<(string Text, int[] Runes)> terms;

    private NameFilter(IEnumerable<string> terms, bool caseSensitive, bool jaroWinkler, double threshold)
    {
        this.caseSensitive = caseSensitive;
        this.jaroWinkler = jaroWinkler;
        this.threshold = threshold;
        this.terms = [.. terms.Select(Folded).Select(t => (t, Runes(t)))];
    }

    public bool HasTerms => terms.Count > 0;

    /// <exception cref="QueryException">A parameter has no sense.</exception>
    public static NameFilter Read(QueryParameters parameters)
    {
        int threshold = 0;
        if (parameters["fuzz_threshold"] is { Length: > 0 } text && (!int.TryParse(text, out threshold) || threshold is < 0 or > 100))
            throw new QueryException(QueryErrorKind.BadData, $"invalid fuzz_threshold {GoString.Quote(text)}: must be 0-100");
        string algorithm = parameters["fuzz_alg"];
        if (algorithm is not ("" or "subsequence" or "jarowinkler"))
            throw new QueryException(QueryErrorKind.BadData, $"unsupported fuzz_alg {GoString.Quote(algorithm)}: must be one of [subsequence jarowinkler]");
        bool caseSensitive = parameters["case_sensitive"].Length == 0 || parameters.Flag("case_sensitive");
        return new NameFilter(parameters.All("search[]"), caseSensitive, algorithm == "jarowinkler", threshold / 100.0);
    }

    /// <summary>The score of the term that fits best, from 0 to 1; null where none fits. Without terms everything fits.</summary>
    public double? Score(string name)
    {
        if (terms.Count == 0) return 1;
        string folded = Folded(name);
        int[]? runes = null;
        double? best = null;
        foreach (var (term, termRunes) in terms)
        {
            double? score = folded.StartsWith(term, StringComparison.Ordinal) ? 1 : Fuzzy(term, termRunes, folded, runes ??= Runes(folded));
            if (score is not null && (best is null || score > best)) best = score;
        }
        return best;
    }

    private double? Fuzzy(string term, int[] termRunes, string name, int[] nameRunes)
    {
        if (!jaroWinkler)
        {
            double score = NameScores.Subsequence(termRunes, nameRunes);
            return score > 0 && score >= threshold ? score : null;
        }
        if (name.Contains(term, StringComparison.Ordinal)) return 0.9;
        if (threshold == 0) return null;
        double alike = NameScores.JaroWinkler(termRunes, nameRunes);
        return alike >= threshold ? alike : null;
    }

    private string Folded(string text) => caseSensitive ? text : text.ToLowerInvariant();

    private static int[] Runes(string text) => [.. text.EnumerateRunes().Select(r => r.Value)];
}
