using Pharos.Core;

namespace Pharos.Rules;

/// <summary>Rule files on disk.</summary>
public static class RuleFiles
{
    /// <summary>
    /// Files that match patterns, in the order of the patterns and each once. A pattern may hold <c>*</c>, <c>?</c> and <c>[…]</c> in any part
    /// of the path, as Go's filepath.Glob; relative ones start from <paramref name="folder"/>.
    /// </summary>
    /// <param name="missing">Patterns without wildcards that name no file.</param>
    public static IReadOnlyList<string> Expand(IEnumerable<string> patterns, string folder, out IReadOnlyList<string> missing)
    {
        var files = new List<string>();
        var none = new List<string>();
        foreach (string pattern in patterns)
        {
            string path = Path.IsPathRooted(pattern) ? pattern : Path.Combine(folder, pattern);
            if (path.AsSpan().IndexOfAny('*', '?', '[') < 0)
            {
                if (File.Exists(path)) Add(path);
                else none.Add(pattern);
                continue;
            }
            foreach (string found in Glob(path)) Add(found);
        }
        missing = none;
        return files;

        void Add(string path)
        {
            if (!files.Contains(path)) files.Add(path);
        }
    }

    /// <summary>Reads all rule files of some patterns.</summary>
    /// <exception cref="ConfigurationException">All mistakes in all files; a plain path that does not exist is one.</exception>
    public static IReadOnlyList<RuleGroupSource> Load(IEnumerable<string> patterns, string folder, RuleFileOptions options)
    {
        var findings = new List<Diagnostic>();
        var groups = new List<RuleGroupSource>();
        var files = Expand(patterns, folder, out var missing);
        foreach (string file in files) Read(file, options, groups, findings);
        foreach (string pattern in missing) findings.Add(Diagnostic.Error(new SourcePosition(pattern, 0, 0), "no such rule file", "create it or correct rule_files"));
        return findings.Exists(f => f.Severity == Severity.Error) ? throw new ConfigurationException(findings) : groups;
    }

    /// <summary>Checks rule files as <c>promtool check rules</c> does: mistakes are errors, rules that stand twice are warnings.</summary>
    /// <returns>All findings in the order of the files; the counts are what was read.</returns>
    public static RuleCheck Check(IEnumerable<string> files, RuleFileOptions options)
    {
        var findings = new List<Diagnostic>();
        var groups = new List<RuleGroupSource>();
        foreach (string file in files)
        {
            int before = groups.Count;
            Read(file, options, groups, findings);
            findings.AddRange(Duplicates(groups.Skip(before)));
        }
        return new RuleCheck(groups.Count, groups.Sum(g => g.Group.Rules.Count), findings);
    }

    /// <summary>Warnings about rules with the same name and labels: which one wins is left to chance.</summary>
    public static IReadOnlyList<Diagnostic> Duplicates(IEnumerable<RuleGroupSource> groups) =>
        [.. groups
            .SelectMany(g => g.Group.Rules.Select(r => (Rule: r, Labels: Labels.Of(g.Group.LabelsOf(r)))))
            .GroupBy(r => (r.Rule.Name, r.Labels))
            .Where(same => same.Count() > 1)
            .Select(same => Diagnostic.Warning(
                same.ElementAt(1).Rule.Position,
                $"{same.Count()} rules are named {same.Key.Name} with {(same.Key.Labels.IsEmpty ? "no labels" : $"labels {same.Key.Labels}")}",
                $"the first is at {same.First().Rule.Position}; rename one or give it a label"))];

    private static void Read(string file, RuleFileOptions options, List<RuleGroupSource> groups, List<Diagnostic> findings)
    {
        string text;
        try
        {
            text = File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            findings.Add(Diagnostic.Error(new SourcePosition(file, 0, 0), $"cannot be read: {e.Message}"));
            return;
        }
        foreach (var group in RuleFileReader.Parse(text, file, options, findings)) groups.Add(new RuleGroupSource(file, group));
    }

    private static IEnumerable<string> Glob(string pattern)
    {
        string root = Path.GetPathRoot(pattern) ?? "";
        string[] parts = pattern[root.Length..].Split('/', StringSplitOptions.RemoveEmptyEntries);
        IEnumerable<string> paths = [root.Length > 0 ? root : "."];
        for (int i = 0; i < parts.Length; i++)
        {
            string part = parts[i];
            bool last = i == parts.Length - 1;
            if (part.AsSpan().IndexOfAny('*', '?', '[') < 0)
            {
                paths = paths.Select(p => Path.Combine(p, part)).Where(p => last ? File.Exists(p) : Directory.Exists(p));
                continue;
            }
            var regex = LinearRegex.Anchored(ToRegex(part));
            paths = paths.SelectMany(p => Entries(p, last))
                .Where(p => regex.IsMatch(Path.GetFileName(p)))
                .Order(StringComparer.Ordinal);
        }
        return paths.ToList();
    }

    private static IEnumerable<string> Entries(string folder, bool files)
    {
        if (!Directory.Exists(folder)) return [];
        return files ? Directory.EnumerateFiles(folder) : Directory.EnumerateDirectories(folder);
    }

    private static string ToRegex(string part)
    {
        var regex = new System.Text.StringBuilder();
        for (int i = 0; i < part.Length; i++)
        {
            char c = part[i];
            int close = c == '[' ? part.IndexOf(']', i + 1) : -1;
            switch (c)
            {
                case '*': regex.Append(".*"); break;
                case '?': regex.Append('.'); break;
                case '\\' when i + 1 < part.Length: regex.Append(LinearRegex.Escape(part[++i].ToString())); break;
                case '[' when close > i + 1:
                    regex.Append(part, i, close - i + 1);
                    i = close;
                    break;
                default: regex.Append(LinearRegex.Escape(c.ToString())); break;
            }
        }
        return regex.ToString();
    }
}

/// <summary>What a check of rule files found.</summary>
public sealed record RuleCheck(int Groups, int Rules, IReadOnlyList<Diagnostic> Findings)
{
    public bool HasErrors => Findings.Any(f => f.Severity == Severity.Error);
}
