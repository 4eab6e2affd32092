namespace Pharos.Core;

/// <summary>A part of an expression.</summary>
internal abstract record RegexNode
{
    public sealed record Symbol(SymbolSet Set) : RegexNode;

    public sealed record Sequence(List<RegexNode> Items) : RegexNode;

    public sealed record Choice(List<RegexNode> Items) : RegexNode;

    /// <param name="Item">What is repeated.</param>
    /// <param name="Min">How often at least, 0 to 1000.</param>
    /// <param name="Max">How often at most; -1: without end.</param>
    /// <param name="Lazy">Whether it takes as little as it can; where a text is only asked whether it matches, it makes no difference.</param>
    public sealed record Repeat(RegexNode Item, int Min, int Max, bool Lazy) : RegexNode;

    /// <param name="Item">What is captured.</param>
    /// <param name="Number">As RE2 numbers them, from 1.</param>
    public sealed record Group(RegexNode Item, int Number) : RegexNode;

    public sealed record Place(RegexPlace Where) : RegexNode;

    /// <summary>Whether it may take nothing.</summary>
    public bool IsNullable => this switch
    {
        Symbol => false,
        Sequence sequence => sequence.Items.TrueForAll(i => i.IsNullable),
        Choice choice => choice.Items.Exists(i => i.IsNullable),
        Repeat repeat => repeat.Min == 0 || repeat.Item.IsNullable,
        Group group => group.Item.IsNullable,
        _ => true,
    };
}
