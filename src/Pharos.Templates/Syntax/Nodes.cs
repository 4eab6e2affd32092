using System.Text;
using Pharos.Core;

namespace Pharos.Templates.Syntax;

/// <summary>One node of a parsed template. <see cref="At"/> is its index in the text.</summary>
internal abstract class Node(int at)
{
    public int At { get; } = at;
}

internal sealed class ListNode(int at) : Node(at)
{
    public List<Node> Nodes { get; } = [];

    public bool IsBlank => Nodes.TrueForAll(n => n is TextNode t && string.IsNullOrWhiteSpace(t.Text));

    public override string ToString() => string.Concat(Nodes);
}

internal sealed class TextNode(int at, string text) : Node(at)
{
    public string Text { get; } = text;

    public override string ToString() => Text;
}

internal sealed class PipeNode(int at) : Node(at)
{
    public bool IsAssign { get; set; }
    public List<string> Declared { get; } = [];
    public List<CommandNode> Commands { get; } = [];

    public override string ToString()
    {
        string head = Declared.Count == 0 ? "" : $"{string.Join(", ", Declared)} {(IsAssign ? "=" : ":=")} ";
        return head + string.Join(" | ", Commands);
    }
}

internal sealed class ActionNode(int at, PipeNode pipe) : Node(at)
{
    public PipeNode Pipe { get; } = pipe;

    public override string ToString() => $"{{{{{Pipe}}}}}";
}

internal sealed class CommandNode(int at) : Node(at)
{
    public List<Node> Arguments { get; } = [];

    public override string ToString() => string.Join(' ', Arguments.Select(a => a is PipeNode ? $"({a})" : a.ToString()));
}

/// <summary>A name of a function.</summary>
internal sealed class IdentifierNode(int at, string name) : Node(at)
{
    public string Name { get; } = name;

    public override string ToString() => Name;
}

/// <summary><c>$x.a.b</c>: the variable's name first, fields after it.</summary>
internal sealed class VariableNode(int at, string[] path) : Node(at)
{
    public string[] Path { get; } = path;

    public override string ToString() => string.Join('.', Path);
}

internal sealed class DotNode(int at) : Node(at)
{
    public override string ToString() => ".";
}

internal sealed class NilNode(int at) : Node(at)
{
    public override string ToString() => "nil";
}

/// <summary><c>.a.b</c></summary>
internal sealed class FieldNode(int at, string[] path) : Node(at)
{
    public string[] Path { get; } = path;

    public override string ToString() => string.Concat(Path.Select(p => "." + p));
}

/// <summary><c>(pipeline).a.b</c> or <c>function.a</c></summary>
internal sealed class ChainNode(int at, Node head, string[] path) : Node(at)
{
    public Node Head { get; } = head;
    public string[] Path { get; } = path;

    public override string ToString()
    {
        var text = new StringBuilder();
        if (Head is PipeNode) text.Append('(').Append(Head).Append(')');
        else text.Append(Head);
        foreach (string field in Path) text.Append('.').Append(field);
        return text.ToString();
    }
}

internal sealed class BoolNode(int at, bool value) : Node(at)
{
    public bool Value { get; } = value;

    public override string ToString() => Value ? "true" : "false";
}

internal sealed class StringNode(int at, string quoted, string text) : Node(at)
{
    public string Text { get; } = text;

    public override string ToString() => quoted;
}

/// <summary>A number constant: it fits the types it can be written in, as an untyped constant of Go does.</summary>
internal sealed class NumberNode(int at, string written) : Node(at)
{
    public bool IsInt { get; init; }
    public bool IsUint { get; init; }
    public bool IsFloat { get; init; }
    public long Int { get; init; }
    public ulong Uint { get; init; }
    public double Float { get; init; }

    /// <summary>What the constant is where nothing asks for a type: an int, or a float if written like one. Null: overflows int.</summary>
    public object? Ideal { get; init; }

    public override string ToString() => written;
}

internal enum BranchKind
{
    If,
    With,
    Range,
}

internal sealed class BranchNode(int at, BranchKind kind, PipeNode pipe, ListNode body, ListNode? otherwise) : Node(at)
{
    public BranchKind Kind { get; } = kind;
    public PipeNode Pipe { get; } = pipe;
    public ListNode Body { get; } = body;
    public ListNode? Otherwise { get; } = otherwise;

    public override string ToString()
    {
        string name = Kind.ToString().ToLowerInvariant();
        return Otherwise is null ? $"{{{{{name} {Pipe}}}}}{Body}{{{{end}}}}" : $"{{{{{name} {Pipe}}}}}{Body}{{{{else}}}}{Otherwise}{{{{end}}}}";
    }
}

internal sealed class BreakNode(int at) : Node(at)
{
    public override string ToString() => "{{break}}";
}

internal sealed class ContinueNode(int at) : Node(at)
{
    public override string ToString() => "{{continue}}";
}

internal sealed class TemplateNode(int at, string name, PipeNode? pipe) : Node(at)
{
    public string Name { get; } = name;
    public PipeNode? Pipe { get; } = pipe;

    public override string ToString() => Pipe is null ? $"{{{{template {GoString.Quote(Name)}}}}}" : $"{{{{template {GoString.Quote(Name)} {Pipe}}}}}";
}

/// <summary>One named template: its tree, and the text it came from for positions.</summary>
internal sealed class Tree(string name, string parseName, string text, ListNode root)
{
    public string Name { get; } = name;

    /// <summary>Name under which the text was parsed; it stands in error messages.</summary>
    public string ParseName { get; } = parseName;
    public string Text { get; } = text;
    public ListNode Root { get; } = root;
}
