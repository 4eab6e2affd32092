using System.Text;
using Pharos.Core;

namespace Pharos.Logs.Fields;

/// <summary>What lines are searched for: bytes as they are, or ASCII text whatever the case of its letters. Immutable.</summary>
internal sealed class Needle
{
    private readonly byte[] bytes;
    private readonly FoldedNeedle? folded;

    public Needle(ReadOnlySpan<byte> literal) => bytes = literal.ToArray();

    public Needle(FoldedNeedle folded)
    {
        this.folded = folded;
        bytes = folded.Bytes.ToArray();
    }

    public int Length => bytes.Length;

    public ReadOnlySpan<byte> Piece(NeedlePiece piece) => bytes.AsSpan(piece.From, piece.Length);

    public ReadOnlySpan<byte> this[Range range] => bytes.AsSpan(range);

    /// <summary>False: what may hold it need not.</summary>
    public bool IsExact => folded is not { HasRelatives: true };

    /// <summary>Where it is in a text that <see cref="IsPlain"/>; -1: nowhere.</summary>
    public int IndexIn(ReadOnlySpan<byte> text) => folded is null ? text.IndexOf(bytes) : folded.IndexIn(text);

    /// <summary>False: the text may hold it, or a part of it, in ways that are not looked for.</summary>
    public bool IsPlain(ReadOnlySpan<byte> text) => folded is not { HasRelatives: true } || Ascii.IsValid(text);

    public bool MayBeIn(ReadOnlySpan<byte> text) => IndexIn(text) >= 0 || !IsPlain(text);

    /// <summary>Whether a text is the same as a part of the needle.</summary>
    public bool Equals(ReadOnlySpan<byte> text, ReadOnlySpan<byte> part) => folded is null ? text.SequenceEqual(part) : Ascii.EqualsIgnoreCase(text, part);

    public bool StartsWith(ReadOnlySpan<byte> text, ReadOnlySpan<byte> part) => text.Length >= part.Length && Equals(text[..part.Length], part);

    public bool EndsWith(ReadOnlySpan<byte> text, ReadOnlySpan<byte> part) => text.Length >= part.Length && Equals(text[^part.Length..], part);

    /// <summary>Whether a value takes part in an occurrence as a piece says.</summary>
    public bool Holds(ReadOnlySpan<byte> value, NeedlePiece piece) => piece.Kind switch
    {
        PieceKind.Contains => MayBeIn(value),
        PieceKind.StartsWith => StartsWith(value, Piece(piece)),
        PieceKind.EndsWith => EndsWith(value, Piece(piece)),
        _ => Equals(value, Piece(piece)),
    };

    /// <summary>Whether a text of some bytes can hold a piece.</summary>
    public bool MayConsistOf(ReadOnlySpan<byte> alphabet, NeedlePiece piece)
    {
        if (!IsPlain(alphabet)) return true;
        foreach (byte b in Piece(piece))
        {
            if (alphabet.IndexOf(b) < 0 && (folded is null || alphabet.IndexOf((byte)char.ToUpperInvariant((char)b)) < 0)) return false;
        }
        return true;
    }
}
