using System.Text;

namespace Pharos.Collector.Processing.Stages;

/// <summary>Takes values out of a line of <c>key=value</c> pairs.</summary>
internal static class LogfmtExtractor
{
    public static bool Apply(LogfmtStage options, LogEntry entry)
    {
        string? text = entry.Source(options.Source);
        if (text is null) return true;
        foreach (var (key, value) in Pairs(text))
        {
            foreach (var (name, source) in options.Mapping)
            {
                if ((source.Length > 0 ? source : name) == key) entry.Extracted[name] = value;
            }
        }
        return true;
    }

    private static IEnumerable<(string Key, string Value)> Pairs(string text)
    {
        int at = 0;
        while (at < text.Length)
        {
            while (at < text.Length && text[at] <= ' ') at++;
            int start = at;
            while (at < text.Length && text[at] > ' ' && text[at] != '=') at++;
            string key = text[start..at];
            if (at >= text.Length || text[at] != '=')
            {
                if (key.Length > 0) yield return (key, "");
                continue;
            }
            at++;
            if (at < text.Length && text[at] == '"')
            {
                var value = new StringBuilder();
                at++;
                while (at < text.Length && text[at] != '"')
                {
                    if (text[at] == '\\' && at + 1 < text.Length)
                    {
                        at++;
                        value.Append(text[at] switch { 'n' => '\n', 't' => '\t', 'r' => '\r', var c => c });
                    }
                    else
                    {
                        value.Append(text[at]);
                    }
                    at++;
                }
                at++;
                if (key.Length > 0) yield return (key, value.ToString());
                continue;
            }
            start = at;
            while (at < text.Length && text[at] > ' ') at++;
            if (key.Length > 0) yield return (key, text[start..at]);
        }
    }
}
