namespace Pharos.Core;

/// <summary>A place in the text that an expression asks for.</summary>
internal enum RegexPlace
{
    TextStart,
    TextEnd,
    LineStart,
    LineEnd,

    /// <summary>Between a character of <c>[0-9A-Za-z_]</c> and another, or the text's begin or end.</summary>
    WordBoundary,
    NoWordBoundary,
}

/// <summary>What stands on one side of a place.</summary>
internal enum Neighbour
{
    Other,

    /// <summary>The text's begin or end.</summary>
    Nothing,
    Newline,

    /// <summary>A character of <c>[0-9A-Za-z_]</c>.</summary>
    Word,
}

internal static class RegexPlaces
{
    public static bool Holds(this RegexPlace place, Neighbour left, Neighbour right) => place switch
    {
        RegexPlace.TextStart => left == Neighbour.Nothing,
        RegexPlace.TextEnd => right == Neighbour.Nothing,
        RegexPlace.LineStart => left is Neighbour.Nothing or Neighbour.Newline,
        RegexPlace.LineEnd => right is Neighbour.Nothing or Neighbour.Newline,
        RegexPlace.WordBoundary => left == Neighbour.Word != (right == Neighbour.Word),
        _ => left == Neighbour.Word == (right == Neighbour.Word),
    };
}
