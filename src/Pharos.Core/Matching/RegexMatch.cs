namespace Pharos.Core;

/// <summary>A match of a <see cref="LinearRegex"/> in a text, or that there is none: the default. Positions are in UTF-16 units.</summary>
public readonly struct RegexMatch
{
    private readonly string? text;

    /// <summary>Where each group begins and ends, -1 where it has no part in the match.</summary>
    private readonly int[]? places;

    internal RegexMatch(string text, int[] places)
    {
        this.text = text;
        this.places = places;
    }

    public bool Success => places is not null;
    public int Index => this[0].Index;
    public int Length => this[0].Length;
    public string Value => this[0].Value;

    /// <summary>A group; what it took last where it is repeated.</summary>
    /// <param name="group">RE2's number; 0 is the whole match. One that the expression does not have took no part.</param>
    public RegexGroup this[int group] =>
        places is not null && (uint)group < (uint)places.Length / 2 && places[2 * group] >= 0
            ? new RegexGroup(text!, places[2 * group], places[(2 * group) + 1] - places[2 * group])
            : default;
}

/// <summary>What a group took; the default where it had no part in the match.</summary>
public readonly struct RegexGroup
{
    private readonly string? text;

    internal RegexGroup(string text, int index, int length)
    {
        this.text = text;
        Index = index;
        Length = length;
    }

    public bool Success => text is not null;
    public int Index { get; }
    public int Length { get; }
    public ReadOnlySpan<char> Span => text.AsSpan(Index, Length);
    public string Value => text is null ? "" : text.Substring(Index, Length);
}
