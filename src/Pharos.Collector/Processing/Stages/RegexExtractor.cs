using System.Text;
using Pharos.Core;

namespace Pharos.Collector.Processing.Stages;

/// <summary>Takes the named groups of an expression.</summary>
internal sealed class RegexExtractor : SimpleStage
{
    private readonly RegexStage options;
    private readonly LinearRegex regex;

    public RegexExtractor(RegexStage options, IStage next)
        : base(next)
    {
        this.options = options;
        regex = LinearRegex.Unanchored(options.Expression);
        if (!regex.GroupNames.Any(n => n is not null)) throw new FormatException($"the expression \"{options.Expression}\" has no named group; write (?P<name>…)");
    }

    protected override bool Apply(LogEntry entry)
    {
        if (entry.Source(options.Source) is not { } text) return true;
        var match = regex.Match(text);
        if (!match.Success) return true;
        for (int i = 1; i < regex.GroupNames.Count; i++)
        {
            if (regex.GroupNames[i] is not { } name) continue;
            string value = match[i].Value;
            entry.Extracted[name] = value;
            if (options.LabelsFromGroups) entry.Labels.Set(name, value);
        }
        return true;
    }
}

/// <summary>Takes the captures of a pattern such as <c>&lt;ip&gt; - &lt;user&gt; &lt;_&gt;</c>.</summary>
internal sealed class PatternExtractor : SimpleStage
{
    private readonly PatternStage options;
    private readonly List<(string Text, bool IsCapture)> parts = [];

    public PatternExtractor(PatternStage options, IStage next)
        : base(next)
    {
        this.options = options;
        string text = options.Pattern;
        var literal = new StringBuilder();
        for (int at = 0; at < text.Length;)
        {
            int end = text[at] == '<' ? text.IndexOf('>', at) : -1;
            if (end > at && LabelNames.IsLegacy(text.AsSpan(at + 1, end - at - 1)))
            {
                if (literal.Length > 0) parts.Add((literal.ToString(), false));
                else if (parts.Count > 0) throw new FormatException($"the pattern \"{text}\" has two captures without text between them");
                literal.Clear();
                parts.Add((text[(at + 1)..end], true));
                at = end + 1;
            }
            else
            {
                literal.Append(text[at++]);
            }
        }
        if (literal.Length > 0) parts.Add((literal.ToString(), false));
        if (!parts.Any(p => p.IsCapture && p.Text != "_")) throw new FormatException($"the pattern \"{text}\" has no named capture");
    }

    protected override bool Apply(LogEntry entry)
    {
        if (entry.Source(options.Source) is not { } text) return true;
        int at = 0;
        for (int i = 0; i < parts.Count; i++)
        {
            var (part, isCapture) = parts[i];
            if (!isCapture)
            {
                if (i == 0)
                {
                    int found = text.IndexOf(part, StringComparison.Ordinal);
                    if (found != 0) return true;
                }
                at += part.Length;
                continue;
            }
            int end = i + 1 < parts.Count ? text.IndexOf(parts[i + 1].Text, at, StringComparison.Ordinal) : text.Length;
            if (end < 0)
            {
                Set(entry, part, text[at..]);
                return true;
            }
            Set(entry, part, text[at..end]);
            at = end;
        }
        return true;
    }

    private void Set(LogEntry entry, string name, string value)
    {
        if (name == "_") return;
        entry.Extracted[name] = value;
        if (options.LabelsFromGroups) entry.Labels.Set(name, value);
    }
}
