namespace Pharos.Core;

/// <summary>A part of an expression, as far as whether a text matches depends on it: groups and greediness are gone.</summary>
internal abstract record RegexNode
{
    public sealed record Symbol(SymbolSet Set) : RegexNode;

    public sealed record Sequence(List<RegexNode> Items) : RegexNode;

    public sealed record Choice(List<RegexNode> Items) : RegexNode;

    /// <param name="Item">What is repeated.</param>
    /// <param name="Min">How often at least, 0 to 1000.</param>
    /// <param name="Max">How often at most; -1: without end.</param>
    public sealed record Repeat(RegexNode Item, int Min, int Max) : RegexNode;

    public sealed record Place(RegexPlace Where) : RegexNode;
}
