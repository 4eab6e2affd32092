using System.Text;
using Pharos.Core;

namespace Pharos.LogQL.Pipeline.Parsers;

/// <summary><c>| regexp "(?P&lt;name&gt;…)"</c>: named groups of the first match.</summary>
internal sealed class RegexpStage : Stage
{
    private readonly LinearRegex regex;

    /// <summary>Says much faster whether a line matches at all; null where it does not know the expression.</summary>
    private readonly LineAutomaton? automaton;
    private readonly List<(int Group, string Name)> groups = [];
    private readonly NeededLabels needed;

    public RegexpStage(LinearRegex regex, NeededLabels needed)
    {
        this.regex = regex;
        this.needed = needed;
        automaton = LineAutomaton.For(regex.Pattern);
        for (int i = 0; i < regex.GroupNames.Count; i++)
        {
            if (regex.GroupNames[i] is { Length: > 0 } name) groups.Add((i, name));
        }
    }

    public override bool ChangesLabels => true;

    public override bool Process(ref LogLine line)
    {
        if (needed.None || automaton?.IsMatch(line.Bytes) == false) return true;
        var match = regex.Match(Encoding.UTF8.GetString(line.Bytes));
        if (!match.Success) return true;
        foreach (var (group, name) in groups)
        {
            if (needed.Needs(name)) line.Labels.Extract(name, ParserText.Clean(match[group].Value));
        }
        return true;
    }
}
