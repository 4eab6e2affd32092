using System.Text;
using Pharos.Core;

namespace Pharos.Alerting;

/// <summary>Finds files by a glob as Go's filepath.Glob: <c>* ? [a-z]</c> in any part of the path.</summary>
internal static class TemplateFiles
{
    public static IEnumerable<string> Find(string folder, string pattern)
    {
        string full = Path.IsPathRooted(pattern) ? pattern : Path.Combine(folder, pattern);
        string root = Path.GetPathRoot(full) ?? "/";
        var found = new List<string> { root };
        var parts = full[root.Length..].Split('/', StringSplitOptions.RemoveEmptyEntries);
        for (int i = 0; i < parts.Length; i++)
        {
            bool last = i == parts.Length - 1;
            found = [.. found.SelectMany(f => Step(f, parts[i], last))];
        }
        return found;
    }

    private static IEnumerable<string> Step(string folder, string part, bool last)
    {
        if (part.AsSpan().IndexOfAny("*?[\\") < 0)
        {
            string path = Path.Combine(folder, part);
            return (last ? File.Exists(path) : Directory.Exists(path) || part == "..") ? [path] : [];
        }
        if (!Directory.Exists(folder) || !LinearRegex.TryCreate(Expression(part), anchored: true, dotMatchesNewline: true, out var regex, out _)) return [];
        var entries = last ? Directory.EnumerateFiles(folder) : Directory.EnumerateDirectories(folder);
        return entries.Where(e => regex.IsMatch(Path.GetFileName(e))).Order(StringComparer.Ordinal);
    }

    private static string Expression(string glob)
    {
        var regex = new StringBuilder();
        for (int i = 0; i < glob.Length; i++)
        {
            char c = glob[i];
            int close = c == '[' ? glob.IndexOf(']', i + 1) : -1;
            if (c == '*') regex.Append(".*");
            else if (c == '?') regex.Append('.');
            else if (close > 0)
            {
                regex.Append(glob, i, close - i + 1);
                i = close;
            }
            else if (c == '\\' && i + 1 < glob.Length) regex.Append(LinearRegex.Escape(glob[++i].ToString()));
            else regex.Append(LinearRegex.Escape(c.ToString()));
        }
        return regex.ToString();
    }
}
