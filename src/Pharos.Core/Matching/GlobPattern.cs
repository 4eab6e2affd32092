using System.Text;

namespace Pharos.Core;

/// <summary>A pattern of atoms that a whole text must match, character by character of Unicode.</summary>
internal sealed class GlobPattern
{
    private readonly GlobAtom[] atoms;

    public GlobPattern(List<GlobAtom> parts)
    {
        var joined = new List<GlobAtom>();
        foreach (var part in parts)
        {
            if (part.Kind == GlobKind.Literal && joined.Count > 0 && joined[^1].Kind == GlobKind.Literal)
                joined[^1] = joined[^1] with { Utf8 = [.. joined[^1].Utf8!, .. part.Utf8!] };
            else if (part.Kind != GlobKind.Star || joined.Count == 0 || joined[^1].Kind != GlobKind.Star)
                joined.Add(part);
        }
        atoms = [.. joined];
    }

    public bool IsLiteral => atoms.Length == 0 || (atoms.Length == 1 && atoms[0].Kind == GlobKind.Literal);

    public string Literal => atoms.Length == 0 ? "" : Encoding.UTF8.GetString(atoms[0].Utf8!);

    public ReadOnlySpan<byte> PrefixUtf8 => atoms.Length > 0 && atoms[0].Kind == GlobKind.Literal ? atoms[0].Utf8 : [];

    /// <summary>Goes back to the last <c>.*</c> alone, as what stands before it has matched at its first place.</summary>
    public bool Matches(ReadOnlySpan<byte> text)
    {
        int atom = 0, at = 0, star = -1, starAt = 0;
        while (true)
        {
            if (atom == atoms.Length)
            {
                if (at == text.Length) return true;
            }
            else if (atoms[atom].Kind == GlobKind.Star)
            {
                if (atom == atoms.Length - 1) return true;
                star = atom++;
                starAt = at;
                continue;
            }
            else if (Take(atoms[atom], text[at..]) is var taken and >= 0)
            {
                at += taken;
                atom++;
                continue;
            }
            if (star < 0 || starAt >= text.Length) return false;
            starAt += CharacterLength(text[starAt]);
            if (atoms[star + 1].Kind == GlobKind.Literal)
            {
                int next = starAt > text.Length ? -1 : text[starAt..].IndexOf(atoms[star + 1].Utf8);
                if (next < 0) return false;
                starAt += next;
            }
            if (starAt > text.Length) return false;
            atom = star + 1;
            at = starAt;
        }
    }

    /// <summary>Bytes that an atom takes from the front; -1 where it does not match.</summary>
    private static int Take(in GlobAtom atom, ReadOnlySpan<byte> text)
    {
        if (atom.Kind == GlobKind.Literal) return text.StartsWith(atom.Utf8) ? atom.Utf8!.Length : -1;
        if (text.IsEmpty) return -1;
        byte first = text[0];
        bool matches = atom.Kind switch
        {
            GlobKind.Any => true,
            GlobKind.OneOf => first < 0x80 && (atom.Set >> first & 1) != 0,
            _ => first >= 0x80 || (atom.Set >> first & 1) == 0,
        };
        return matches ? Math.Min(CharacterLength(first), text.Length) : -1;
    }

    private static int CharacterLength(byte first) => first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}
