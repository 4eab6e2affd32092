using System.Text;
using Pharos.Core;
using YamlDotNet.Core;

namespace Pharos.Yaml;

/// <summary>One reading of a YAML text: its nodes, every finding about it, and where its secrets stand.</summary>
public sealed class YamlReading
{
    private readonly string file;
    private readonly List<(int Start, int End)> secrets = [];
    private readonly HashSet<YamlNode> secretNodes = new(ReferenceEqualityComparer.Instance);

    /// <summary>Reads the text. One that is not YAML leaves a finding and no root.</summary>
    /// <param name="findings">Gets the findings; null: a list of its own.</param>
    public YamlReading(string text, string file, List<Diagnostic>? findings = null)
    {
        this.file = file;
        Findings = findings ?? [];
        try
        {
            Root = YamlTree.Read(ref text);
        }
        catch (YamlException e)
        {
            string message = e.InnerException?.Message ?? e.Message;
            // Some messages of the parser begin with the place.
            int colon = message.StartsWith('(') ? message.IndexOf("): ", StringComparison.Ordinal) : -1;
            if (colon >= 0) message = message[(colon + 3)..];
            Findings.Add(Diagnostic.Error(new SourcePosition(file, (int)e.Start.Line, (int)e.Start.Column), $"{(e is RefusedYamlException ? "" : "not valid YAML: ")}{message.TrimEnd('.')}"));
        }
        Text = text;
    }

    /// <summary>The document; null where it is empty or not YAML.</summary>
    public YamlNode? Root { get; }

    /// <summary>The text as it was read: further lines of quoted values may be indented more than they were given.</summary>
    public string Text { get; }

    /// <summary>False for a text that must not name files of this machine.</summary>
    public bool FilesAllowed { get; init; } = true;

    public List<Diagnostic> Findings { get; }

    public bool HasErrors => Findings.Exists(f => f.Severity == Severity.Error);

    public SourcePosition At(YamlNode node) => new(file, node.Line, node.Column);

    public void Error(YamlNode node, string message, string? mend = null) => Findings.Add(Diagnostic.Error(At(node), message, mend));

    public void Warn(YamlNode node, string message, string? mend = null) => Findings.Add(Diagnostic.Warning(At(node), message, mend));

    /// <summary>The document as a section; an empty one where there is no document.</summary>
    /// <param name="name">What it is, for messages: <c>the configuration</c>.</param>
    public YamlSection Section(string name) => new(Root ?? new YamlNode { Kind = YamlKind.Scalar, Line = 1, Column = 1 }, name, this);

    /// <summary>Keeps a scalar out of <see cref="Masked"/>.</summary>
    public void MarkSecret(YamlNode node)
    {
        secretNodes.Add(node);
        if (node.Extent.End > node.Extent.Start) secrets.Add(node.Extent);
    }

    /// <summary>Whether <see cref="MarkSecret"/> was called for the node.</summary>
    public bool IsSecret(YamlNode node) => secretNodes.Contains(node);

    /// <summary>The text as it may be shown: each secret is <c>&lt;secret&gt;</c>.</summary>
    public string Masked()
    {
        var shown = new StringBuilder();
        int from = 0;
        foreach (var (start, end) in secrets.Distinct().OrderBy(s => s.Start))
        {
            if (start < from) continue;
            // A block scalar's end is the start of the next line.
            int stop = Math.Min(end, Text.Length);
            while (stop > start && char.IsWhiteSpace(Text[stop - 1])) stop--;
            shown.Append(Text, from, start - from).Append("<secret>");
            from = stop;
        }
        return shown.Append(Text, from, Text.Length - from).ToString();
    }
}
