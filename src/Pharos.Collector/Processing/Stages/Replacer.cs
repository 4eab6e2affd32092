using System.Text;
using Pharos.Core;
using Pharos.Templates;

namespace Pharos.Collector.Processing.Stages;

/// <summary>Replaces each group of an expression (the whole match where it has none) by a template over <c>.Value</c>.</summary>
internal sealed class Replacer : SimpleStage
{
    private readonly ReplaceStage options;
    private readonly LinearRegex regex;
    private readonly GoTemplate template;

    public Replacer(ReplaceStage options, IStage next)
        : base(next)
    {
        this.options = options;
        regex = LinearRegex.Unanchored(options.Expression);
        template = Templater.Parse(options.Replace);
    }

    protected override bool Apply(LogEntry entry)
    {
        if (entry.Source(options.Source) is not { } text) return true;
        var output = new StringBuilder();
        int from = 0;
        foreach (var match in regex.Matches(text))
        {
            if (regex.GroupNames.Count <= 1)
            {
                Replace(match[0]);
                continue;
            }
            for (int i = 1; i < regex.GroupNames.Count; i++)
            {
                var group = match[i];
                // A group inside another one is replaced with it.
                if (!group.Success || group.Index < from) continue;
                Replace(group);
                if (regex.GroupNames[i] is { } name) entry.Extracted[name] = Render(group.Value);
            }
        }
        if (from == 0) return true;
        string replaced = output.Append(text, from, text.Length - from).ToString();
        if (options.Source.Length > 0) entry.Extracted[options.Source] = replaced;
        else entry.Line = replaced;
        return true;

        void Replace(RegexGroup piece)
        {
            output.Append(text, from, piece.Index - from).Append(Render(piece.Value));
            from = piece.Index + piece.Length;
        }
    }

    private string Render(string value) => template.Execute(new Dictionary<string, object?> { ["Value"] = value });
}
