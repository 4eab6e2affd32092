namespace Pharos.Logs.Fields;

/// <summary>How a value takes part in an occurrence of a needle.</summary>
internal enum PieceKind
{
    /// <summary>The needle lies within the value.</summary>
    Contains,

    /// <summary>The needle's end is the value's start.</summary>
    StartsWith,

    /// <summary>The needle's start is the value's end.</summary>
    EndsWith,

    /// <summary>The value lies within the needle.</summary>
    Equals,
}

/// <summary>A column that must be looked at for a piece of a needle.</summary>
internal readonly record struct NeedlePiece(int Column, PieceKind Kind, int From, int Length);

/// <summary>
/// Where a needle may be in lines of a shape, without putting lines together: each occurrence lies within a piece of text, which all lines of the
/// shape have, or takes in a part of at least one value.
/// </summary>
internal static class NeedlePieces
{
    /// <summary>Adds what to look for in the columns. True: any line of the shape may hold the needle.</summary>
    public static bool Add(LineShape shape, ReadOnlySpan<byte> needle, HashSet<NeedlePiece> pieces)
    {
        foreach (byte[] literal in shape.Literals)
        {
            if (literal.AsSpan().IndexOf(needle) >= 0) return true;
        }
        for (int i = 0; i < shape.Columns.Length; i++)
        {
            int column = shape.Columns[i];
            pieces.Add(new NeedlePiece(column, PieceKind.Contains, 0, needle.Length));
            ReadOnlySpan<byte> before = shape.Literals[i], after = shape.Literals[i + 1];
            // Two values without anything between them could share the needle in ways that are not looked at here.
            if (after.IsEmpty || (before.IsEmpty && i > 0)) return true;
            for (int split = 1; split < needle.Length; split++)
            {
                if (MayFollow(after, needle[split..])) pieces.Add(new NeedlePiece(column, PieceKind.EndsWith, 0, split));
                if (!before.EndsWith(needle[..split])) continue;
                pieces.Add(new NeedlePiece(column, PieceKind.StartsWith, split, needle.Length - split));
                for (int end = split; end < needle.Length; end++)
                {
                    if (MayFollow(after, needle[end..])) pieces.Add(new NeedlePiece(column, PieceKind.Equals, split, end - split));
                }
            }
        }
        return false;
    }

    /// <summary>Whether the rest of a needle may begin where a piece of text does.</summary>
    private static bool MayFollow(ReadOnlySpan<byte> text, ReadOnlySpan<byte> rest) => text.StartsWith(rest) || rest.StartsWith(text);
}
