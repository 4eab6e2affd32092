using System.Text;

namespace Pharos.LogQL.Discovery;

/// <summary>A pattern of lines, its changing parts written <c>&lt;_&gt;</c>.</summary>
/// <param name="Counts">Lines by step: start of the step (Unix seconds) and number.</param>
public sealed record MinedPattern(string Text, string Level, long Total, IReadOnlyDictionary<long, long> Counts);

/// <summary>
/// Groups lines by their shape, in the manner of Drain: lines with as many words are compared word by word, words with digits
/// count as changing, and a line joins the pattern that it shares enough words with. Bounded in memory; not safe for several threads.
/// </summary>
public sealed class PatternMiner(long stepSeconds)
{
    private const double SimilarityMin = 0.6;
    private const int WordsMax = 80;
    private const int PatternsMax = 1000;
    private const string Any = "<_>";

    private readonly Dictionary<(int Words, string Level), List<Cluster>> clusters = [];
    private int count;

    private sealed class Cluster(string[] words)
    {
        public string[] Words { get; } = words;
        public Dictionary<long, long> Counts { get; } = [];
        public long Total { get; set; }
    }

    public void Add(long timestampNs, ReadOnlySpan<byte> line, string level)
    {
        string[] words = Split(line);
        if (words.Length == 0) return;
        var key = (words.Length, level);
        if (!clusters.TryGetValue(key, out var list)) clusters[key] = list = [];
        Cluster? best = null;
        double bestScore = SimilarityMin;
        foreach (var cluster in list)
        {
            double score = Similarity(cluster.Words, words);
            if (score < bestScore) continue;
            best = cluster;
            bestScore = score;
        }
        if (best is null)
        {
            if (count >= PatternsMax) return;
            count++;
            list.Add(best = new Cluster(words));
        }
        else
        {
            for (int i = 0; i < words.Length; i++)
            {
                if (best.Words[i] != words[i]) best.Words[i] = Any;
            }
        }
        long second = timestampNs / 1_000_000_000;
        long step = second - (second % stepSeconds);
        best.Counts[step] = best.Counts.GetValueOrDefault(step) + 1;
        best.Total++;
    }

    /// <summary>The patterns, those with the most lines first.</summary>
    public IReadOnlyList<MinedPattern> Patterns =>
        [.. clusters.SelectMany(c => c.Value.Select(p => new MinedPattern(Join(p.Words), c.Key.Level, p.Total, p.Counts)))
            .OrderByDescending(p => p.Total).ThenBy(p => p.Text, StringComparer.Ordinal)];

    private static string[] Split(ReadOnlySpan<byte> line)
    {
        var words = Encoding.UTF8.GetString(line[..Math.Min(line.Length, 3000)]).Split(' ', WordsMax, StringSplitOptions.RemoveEmptyEntries);
        for (int i = 0; i < words.Length; i++) words[i] = Mask(words[i]);
        return words;
    }

    /// <summary>A word with digits is taken to change; of <c>key=value</c> the key stays.</summary>
    private static string Mask(string word)
    {
        if (word.AsSpan().IndexOfAnyInRange('0', '9') < 0) return word;
        int equals = word.IndexOf('=');
        return equals > 0 && word.AsSpan(0, equals).IndexOfAnyInRange('0', '9') < 0 ? word[..(equals + 1)] + Any : Any;
    }

    private static double Similarity(string[] pattern, string[] words)
    {
        int same = 0;
        for (int i = 0; i < words.Length; i++)
        {
            if (pattern[i] == words[i]) same++;
            else if (pattern[i] == Any && i > 0) same++;
        }
        return (double)same / words.Length;
    }

    private static string Join(string[] words)
    {
        // Several changing words in a row read as one.
        var text = new StringBuilder();
        string last = "";
        foreach (string word in words)
        {
            if (word == Any && last == Any) continue;
            if (text.Length > 0) text.Append(' ');
            text.Append(word);
            last = word;
        }
        return text.ToString();
    }
}
