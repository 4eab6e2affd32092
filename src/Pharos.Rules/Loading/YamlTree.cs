using Pharos.Core;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Pharos.Rules.Loading;

internal enum YamlKind
{
    Scalar,
    Sequence,
    Mapping,
}

/// <summary>A node of a YAML document with its place. Aliases are the node that they name.</summary>
internal sealed class YamlNode
{
    public required YamlKind Kind { get; init; }
    public required int Line { get; init; }
    public required int Column { get; init; }
    public string Value { get; init; } = "";
    public ScalarStyle Style { get; init; }
    public List<YamlNode> Items { get; } = [];
    public List<(YamlNode Key, YamlNode Value)> Pairs { get; } = [];

    /// <summary>Written without quotes and meaning nothing: <c>null</c>, <c>~</c> or empty.</summary>
    public bool IsNull => Kind == YamlKind.Scalar && Style == ScalarStyle.Plain && Value is "" or "~" or "null" or "Null" or "NULL";
}

/// <summary>Reads YAML into nodes with places, bounded in size and depth, so that no text can hang or crash the reader.</summary>
internal sealed class YamlTree
{
    private const int DepthMax = 60;
    private const int NodesMax = 2_000_000;
    private const int RepairsMax = 64;

    private readonly IParser parser;
    private readonly Dictionary<string, YamlNode> anchors = new(StringComparer.Ordinal);
    private int nodes;

    private YamlTree(string text) => parser = new YamlDotNet.Core.Parser(new StringReader(text));

    /// <summary>The document's root; null for an empty text.</summary>
    /// <param name="findings">Gets a finding where the text is no YAML; the result is null then.</param>
    public static YamlNode? Read(string text, string file, List<Diagnostic> findings)
    {
        for (int repairs = 0; ; repairs++)
        {
            try
            {
                var tree = new YamlTree(text);
                tree.parser.Consume<StreamStart>();
                if (tree.parser.TryConsume<StreamEnd>(out _)) return null;
                tree.parser.Consume<DocumentStart>();
                var root = tree.Node(0);
                tree.parser.Consume<DocumentEnd>();
                if (!tree.parser.Accept<StreamEnd>(out _) && tree.parser.Current is { } more)
                    findings.Add(Diagnostic.Error(new SourcePosition(file, (int)more.Start.Line, (int)more.Start.Column), "more than one YAML document", "keep one"));
                return root;
            }
            catch (YamlException e)
            {
                if (repairs < RepairsMax && e.Message.Contains("found wrong indentation", StringComparison.Ordinal) && TryIndent(ref text, e.Start)) continue;
                string message = e.InnerException?.Message ?? e.Message;
                int colon = message.StartsWith('(') ? message.IndexOf("): ", StringComparison.Ordinal) : -1;
                if (colon >= 0) message = message[(colon + 3)..];
                findings.Add(Diagnostic.Error(new SourcePosition(file, (int)e.Start.Line, (int)e.Start.Column), $"not valid YAML: {message.TrimEnd('.')}"));
                return null;
            }
        }
    }

    /// <summary>
    /// Indents the further lines of a quoted scalar. Go's YAML reader takes them at the indentation of the key, and such rule files are
    /// about; leading blanks of these lines mean nothing.
    /// </summary>
    private static bool TryIndent(ref string text, Mark start)
    {
        int at = 0;
        for (long line = 1; line < start.Line && at >= 0; line++) at = text.IndexOf('\n', at) + 1;
        at += (int)start.Column - 1;
        if (at >= text.Length || text[at] is not ('"' or '\'')) return false;
        char quote = text[at];
        var indented = new System.Text.StringBuilder(text, 0, at + 1, text.Length + 64);
        bool any = false;
        for (int i = at + 1; i < text.Length; i++)
        {
            char c = text[i];
            indented.Append(c);
            if (c == '\\' && quote == '"' && i + 1 < text.Length && text[i + 1] != '\n') indented.Append(text[++i]);
            else if (c == '\'' && quote == '\'' && i + 1 < text.Length && text[i + 1] == '\'') indented.Append(text[++i]);
            else if (c == quote)
            {
                text = indented.Append(text, i + 1, text.Length - i - 1).ToString();
                return any;
            }
            else if (c == '\n' && i + 1 < text.Length && text[i + 1] != '\n')
            {
                indented.Append(' ', (int)start.Column);
                any = true;
            }
        }
        return false;
    }

    private static YamlException Error(ParsingEvent at, string message) => new(at.Start, at.End, message);

    private YamlNode Node(int depth)
    {
        var current = parser.Current!;
        if (depth > DepthMax) throw Error(current, $"nested more than {DepthMax} deep");
        if (++nodes > NodesMax) throw Error(current, $"more than {NodesMax} values");
        switch (current)
        {
            case AnchorAlias alias:
                parser.MoveNext();
                return anchors.TryGetValue(alias.Value.Value, out var named) ? named : throw Error(alias, $"unknown anchor '{alias.Value.Value}'");
            case Scalar scalar:
            {
                parser.MoveNext();
                var node = new YamlNode
                {
                    Kind = YamlKind.Scalar, Value = scalar.Value, Style = scalar.Style, Line = (int)scalar.Start.Line, Column = (int)scalar.Start.Column,
                };
                Anchor(scalar, node);
                return node;
            }
            case SequenceStart sequence:
            {
                parser.MoveNext();
                var node = new YamlNode { Kind = YamlKind.Sequence, Line = (int)sequence.Start.Line, Column = (int)sequence.Start.Column };
                while (!parser.TryConsume<SequenceEnd>(out _)) node.Items.Add(Node(depth + 1));
                Anchor(sequence, node);
                return node;
            }
            case MappingStart mapping:
            {
                parser.MoveNext();
                var node = new YamlNode { Kind = YamlKind.Mapping, Line = (int)mapping.Start.Line, Column = (int)mapping.Start.Column };
                while (!parser.TryConsume<MappingEnd>(out _)) node.Pairs.Add((Node(depth + 1), Node(depth + 1)));
                Anchor(mapping, node);
                return node;
            }
            default:
                throw Error(current, $"unexpected {current.GetType().Name}");
        }
    }

    // An anchor is known once its node is complete, so that no node can hold itself.
    private void Anchor(NodeEvent from, YamlNode node)
    {
        if (!from.Anchor.IsEmpty) anchors[from.Anchor.Value] = node;
    }
}
