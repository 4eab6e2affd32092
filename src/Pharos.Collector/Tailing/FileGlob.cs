using Pharos.Core;

namespace Pharos.Collector.Tailing;

/// <summary>
/// Paths by pattern: <c>*</c> and <c>?</c> within one folder, <c>**</c> over any number of folders, <c>[a-z]</c>, <c>{a,b}</c>.
/// Source: bmatcuk/doublestar, which local.file_match uses.
/// </summary>
public static class FileGlob
{
    /// <summary>Whether a path fits a pattern.</summary>
    public static bool Matches(string pattern, string path) => LinearRegex.Anchored(ToRegex(pattern)).IsMatch(path);

    /// <summary>Files that fit the pattern, sorted. A folder that cannot be read is passed over.</summary>
    /// <exception cref="FormatException">The pattern is malformed.</exception>
    public static IReadOnlyList<string> Find(string pattern)
    {
        int special = pattern.AsSpan().IndexOfAny("*?[{");
        if (special < 0) return File.Exists(pattern) ? [pattern] : [];
        int slash = pattern.LastIndexOf('/', special);
        string root = slash < 0 ? "." : slash == 0 ? "/" : pattern[..slash];
        if (!Directory.Exists(root)) return [];
        var regex = LinearRegex.Anchored(ToRegex(pattern));
        int depthMax = pattern.Contains("**", StringComparison.Ordinal) ? 64 : pattern.Count(c => c == '/') - Math.Max(0, pattern.AsSpan(0, Math.Max(0, slash)).Count('/')) - 1;
        var options = new EnumerationOptions
        {
            RecurseSubdirectories = depthMax > 0, MaxRecursionDepth = Math.Max(0, depthMax), IgnoreInaccessible = true, AttributesToSkip = 0, ReturnSpecialDirectories = false,
        };
        var found = new List<string>();
        foreach (string path in Directory.EnumerateFiles(root, "*", options))
        {
            string shown = slash < 0 ? path[2..] : path;
            if (regex.IsMatch(shown)) found.Add(shown);
        }
        found.Sort(StringComparer.Ordinal);
        return found;
    }

    private static string ToRegex(string pattern)
    {
        var text = new System.Text.StringBuilder();
        int open = 0;
        for (int i = 0; i < pattern.Length; i++)
        {
            char c = pattern[i];
            switch (c)
            {
                case '*' when i + 1 < pattern.Length && pattern[i + 1] == '*':
                    i++;
                    // "**/" also stands for no folder at all.
                    if (i + 1 < pattern.Length && pattern[i + 1] == '/')
                    {
                        i++;
                        text.Append("(?:.*/)?");
                    }
                    else
                    {
                        text.Append(".*");
                    }
                    break;
                case '*': text.Append("[^/]*"); break;
                case '?': text.Append("[^/]"); break;
                case '{':
                    text.Append("(?:");
                    open++;
                    break;
                case '}' when open > 0:
                    text.Append(')');
                    open--;
                    break;
                case ',' when open > 0: text.Append('|'); break;
                case '[':
                {
                    int end = pattern.IndexOf(']', i + 1);
                    if (end < 0) throw new FormatException($"the pattern \"{pattern}\" has an open [");
                    string set = pattern[(i + 1)..end];
                    if (set.StartsWith('!')) set = "^" + set[1..];
                    text.Append('[').Append(set.Replace("\\", "\\\\", StringComparison.Ordinal)).Append(']');
                    i = end;
                    break;
                }
                case '\\' when i + 1 < pattern.Length: text.Append(LinearRegex.Escape(pattern[++i].ToString())); break;
                default: text.Append(LinearRegex.Escape(c.ToString())); break;
            }
        }
        if (open > 0) throw new FormatException($"the pattern \"{pattern}\" has an open {{");
        return text.ToString();
    }
}
