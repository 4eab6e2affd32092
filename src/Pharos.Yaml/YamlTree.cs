using System.Text;
using System.Text.Unicode;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Pharos.Yaml;

/// <summary>Reads one YAML document into nodes, bounded in size and depth with its aliases, so that no text can hang or crash a reader.</summary>
internal sealed class YamlTree
{
    private const int DepthMax = 60;
    private const int NodesMax = 2_000_000;
    private const int RepairsMax = 64;
    private const string BinaryTag = "tag:yaml.org,2002:binary";

    private readonly IParser parser;
    private readonly Dictionary<string, (YamlNode Node, int Nodes, int Height)> anchors = new(StringComparer.Ordinal);
    private int nodes;

    private YamlTree(string text) => parser = new Parser(new StringReader(text));

    /// <summary>The document's root; null where the text is empty.</summary>
    /// <param name="text">Becomes the text that the places in the nodes are of.</param>
    /// <exception cref="RefusedYamlException">The text is YAML that is not read.</exception>
    /// <exception cref="YamlException">The text is not YAML.</exception>
    public static YamlNode? Read(ref string text)
    {
        for (int repairs = 0; ; repairs++)
        {
            try
            {
                return new YamlTree(text).Document();
            }
            catch (YamlException e) when (repairs < RepairsMax && e.Message.Contains("found wrong indentation", StringComparison.Ordinal) && TryIndent(ref text, e.Start))
            {
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
        var indented = new StringBuilder(text, 0, at + 1, text.Length + 64);
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

    private YamlNode? Document()
    {
        parser.Consume<StreamStart>();
        if (parser.TryConsume<StreamEnd>(out _)) return null;
        parser.Consume<DocumentStart>();
        var root = Node(0, out _);
        parser.Consume<DocumentEnd>();
        if (!parser.Accept<StreamEnd>(out _)) throw Error(parser.Current!, "more than one YAML document; keep one");
        return root;
    }

    private static RefusedYamlException Error(ParsingEvent at, string message) => new(at.Start, at.End, message);

    /// <param name="height">Of the node's tree; 0 for a scalar.</param>
    private YamlNode Node(int depth, out int height)
    {
        var current = parser.Current!;
        if (current is AnchorAlias alias)
        {
            if (!anchors.TryGetValue(alias.Value.Value, out var named)) throw Error(alias, $"unknown anchor '{alias.Value.Value}'");
            height = named.Height;
            nodes += named.Nodes;
            Bound(alias, depth + height);
            parser.MoveNext();
            return named.Node;
        }
        int before = nodes++;
        Bound(current, depth);
        parser.MoveNext();
        height = 0;
        var node = current switch
        {
            Scalar scalar => ScalarNode(scalar),
            SequenceStart sequence => Sequence(sequence, depth, out height),
            MappingStart mapping => Mapping(mapping, depth, out height),
            _ => throw Error(current, $"unexpected {current.GetType().Name}"),
        };
        // An anchor is known once its node is complete, so that no node can hold itself.
        if (current is NodeEvent { Anchor.IsEmpty: false } from) anchors[from.Anchor.Value] = (node, nodes - before, height);
        return node;
    }

    private void Bound(ParsingEvent at, int depth)
    {
        if (depth > DepthMax) throw Error(at, $"nested more than {DepthMax} deep");
        if (nodes > NodesMax) throw Error(at, $"more than {NodesMax} values");
    }

    private static YamlNode ScalarNode(Scalar scalar) => new()
    {
        Kind = YamlKind.Scalar,
        Line = (int)scalar.Start.Line,
        Column = (int)scalar.Start.Column,
        Extent = ((int)scalar.Start.Index, (int)scalar.End.Index),
        Value = !scalar.Tag.IsEmpty && scalar.Tag.Value == BinaryTag ? Binary(scalar) : scalar.Value,
        Style = scalar.Style switch
        {
            ScalarStyle.SingleQuoted or ScalarStyle.DoubleQuoted => YamlStyle.Quoted,
            ScalarStyle.Literal => YamlStyle.Literal,
            ScalarStyle.Folded => YamlStyle.Folded,
            _ => YamlStyle.Plain,
        },
    };

    private static string Binary(Scalar scalar)
    {
        var bytes = new byte[scalar.Value.Length];
        return Convert.TryFromBase64String(scalar.Value, bytes, out int length) && Utf8.IsValid(bytes.AsSpan(0, length))
            ? Encoding.UTF8.GetString(bytes, 0, length)
            : throw Error(scalar, "a !!binary value is not valid base64 of UTF-8 text");
    }

    private YamlNode Sequence(SequenceStart start, int depth, out int height)
    {
        height = 1;
        var items = new List<YamlNode>();
        while (!parser.TryConsume<SequenceEnd>(out _))
        {
            items.Add(Node(depth + 1, out int item));
            height = Math.Max(height, item + 1);
        }
        return new YamlNode { Kind = YamlKind.Sequence, Line = (int)start.Start.Line, Column = (int)start.Start.Column, Items = items };
    }

    private YamlNode Mapping(MappingStart start, int depth, out int height)
    {
        height = 1;
        var pairs = new List<(YamlNode, YamlNode)>();
        while (!parser.TryConsume<MappingEnd>(out _))
        {
            var name = Node(depth + 1, out int key);
            pairs.Add((name, Node(depth + 1, out int value)));
            height = Math.Max(height, Math.Max(key, value) + 1);
        }
        return new YamlNode { Kind = YamlKind.Mapping, Line = (int)start.Start.Line, Column = (int)start.Start.Column, Pairs = pairs };
    }
}

internal sealed class RefusedYamlException(Mark start, Mark end, string message) : YamlException(start, end, message);
