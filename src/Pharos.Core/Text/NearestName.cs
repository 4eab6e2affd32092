namespace Pharos.Core;

/// <summary>Finds the name that somebody may have meant.</summary>
public static class NearestName
{
    /// <summary>
    /// The candidate with the fewest edits (case does not count), where these are few for its length: two, or a quarter of it.
    /// Of equally near ones the one that goes on where the name ends, then the first by ordinal order. Null where none is near.
    /// </summary>
    public static string? Of(string name, IEnumerable<string> candidates)
    {
        string? best = null;
        int least = Math.Max(2, name.Length / 4) + 1;
        foreach (string candidate in candidates.Order(StringComparer.Ordinal))
        {
            int goesOn = candidate.StartsWith(name, StringComparison.OrdinalIgnoreCase) ? 1 : 0;
            if (Math.Abs(candidate.Length - name.Length) - goesOn >= least) continue;
            int edits = Edits(name, candidate) - goesOn;
            if (edits < least) (best, least) = (candidate, edits);
        }
        return best;
    }

    private static int Edits(string a, string b)
    {
        var row = new int[b.Length + 1];
        for (int j = 0; j <= b.Length; j++) row[j] = j;
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int above = row[j];
                bool same = char.ToLowerInvariant(a[i - 1]) == char.ToLowerInvariant(b[j - 1]);
                row[j] = Math.Min(Math.Min(above, row[j - 1]) + 1, diagonal + (same ? 0 : 1));
                diagonal = above;
            }
        }
        return row[b.Length];
    }
}
