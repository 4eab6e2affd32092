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
/// shape have, or takes in a part of one value or of several with the text between them.
/// </summary>
internal sealed class NeedlePieces
{
    /// <summary>Ways for a needle to lie in one shape; where there are more, all lines of the shape count.</summary>
    private const int WaysMax = 256;

    private readonly HashSet<NeedlePiece> contained = [];
    private readonly Dictionary<NeedlePiece[], bool[]> bordering = new(PiecesComparer.Instance);
    private readonly List<NeedlePiece> path = [];
    private int shapeNumber;
    private int ways;

    /// <summary>Columns whose values may hold the whole needle, in whatever shape.</summary>
    public IReadOnlyCollection<NeedlePiece> Contained => contained;

    /// <summary>Pieces that are an occurrence together, with the text around them; and for each shape, counted from 1, whether it has that text.</summary>
    public IReadOnlyDictionary<NeedlePiece[], bool[]> Bordering => bordering;

    /// <summary>False: for some shape there are so many ways that all its lines count.</summary>
    public bool AreAll { get; private set; } = true;

    /// <summary>Adds what to look for in the columns. True: any line of the shape may hold the needle.</summary>
    /// <param name="number">The shape's, counted from 1.</param>
    public bool Add(LineShape shape, int number, Needle needle)
    {
        shapeNumber = number;
        foreach (byte[] literal in shape.Literals)
        {
            if (needle.MayBeIn(literal)) return true;
        }
        ways = 0;
        for (int i = 0; i < shape.Columns.Length; i++)
        {
            contained.Add(new NeedlePiece(shape.Columns[i], PieceKind.Contains, 0, needle.Length));
            var before = shape.Literals[i].AsSpan();
            for (int split = 1; split < needle.Length; split++)
            {
                path.Clear();
                path.Add(new NeedlePiece(shape.Columns[i], PieceKind.EndsWith, 0, split));
                AddText(shape, i + 1, needle, split);
                if (!needle.EndsWith(before, needle[..split])) continue;
                path.Clear();
                AddValue(shape, i, needle, split);
            }
        }
        AreAll &= ways <= WaysMax;
        return ways > WaysMax;
    }

    /// <summary>The rest of a needle begins where a piece of text does.</summary>
    private void AddText(LineShape shape, int place, Needle needle, int from)
    {
        var rest = needle[from..];
        var text = shape.Literals[place].AsSpan();
        if (needle.StartsWith(text, rest)) Keep();
        else if (place < shape.Columns.Length && rest.Length >= text.Length && needle.Equals(text, rest[..text.Length])) AddValue(shape, place, needle, from + text.Length);
    }

    /// <summary>The rest of a needle begins where a value does.</summary>
    private void AddValue(LineShape shape, int place, Needle needle, int from)
    {
        if (ways > WaysMax) return;
        int column = shape.Columns[place], depth = path.Count;
        path.Add(new NeedlePiece(column, PieceKind.StartsWith, from, needle.Length - from));
        Keep();
        for (int end = from; end < needle.Length && ways <= WaysMax; end++)
        {
            path[depth] = new NeedlePiece(column, PieceKind.Equals, from, end - from);
            AddText(shape, place + 1, needle, end);
        }
        path.RemoveAt(depth);
    }

    private void Keep()
    {
        ways++;
        NeedlePiece[] pieces = path.Count == 1 ? [path[0]] : [.. path.OrderByDescending(p => p.Length)];
        if (!bordering.TryGetValue(pieces, out bool[]? shapes)) bordering[pieces] = shapes = new bool[LineShredder.ShapesMax + 1];
        shapes[shapeNumber] = true;
    }

    private sealed class PiecesComparer : IEqualityComparer<NeedlePiece[]>
    {
        public static PiecesComparer Instance { get; } = new();

        public bool Equals(NeedlePiece[]? x, NeedlePiece[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(NeedlePiece[] obj)
        {
            var hash = default(HashCode);
            foreach (var piece in obj) hash.Add(piece);
            return hash.ToHashCode();
        }
    }
}
