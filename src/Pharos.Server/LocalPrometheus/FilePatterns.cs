namespace Pharos.Server.LocalPrometheus;

internal static class FilePatterns
{
    /// <summary>Files that match the patterns (a * in the last part), each once, sorted within a pattern.</summary>
    public static IReadOnlyList<string> Find(IReadOnlyList<string> patterns)
    {
        var found = new List<string>();
        foreach (string pattern in patterns)
        {
            string folder = Path.GetDirectoryName(pattern) ?? ".";
            string name = Path.GetFileName(pattern);
            if (!name.Contains('*', StringComparison.Ordinal) && !name.Contains('?', StringComparison.Ordinal)) found.Add(pattern);
            else if (Directory.Exists(folder)) found.AddRange(Directory.EnumerateFiles(folder, name).Order(StringComparer.Ordinal));
        }
        return [.. found.Distinct()];
    }
}
