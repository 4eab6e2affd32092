using System.Text;

namespace Pharos.Core;

internal enum GlobKind
{
    Literal,
    Any,
    OneOf,
    NoneOf,
    Star,
}

/// <summary>A piece of a pattern: a text, one character, or any characters.</summary>
/// <param name="Set">The ASCII characters of a class, by code.</param>
internal readonly record struct GlobAtom(GlobKind Kind, byte[]? Utf8, UInt128 Set)
{
    public static GlobAtom Any { get; } = new(GlobKind.Any, null, 0);

    public static GlobAtom Star { get; } = new(GlobKind.Star, null, 0);

    public static GlobAtom Of(ReadOnlySpan<char> text) => new(GlobKind.Literal, Encoding.UTF8.GetBytes(text.ToString()), 0);

    public static GlobAtom OneOf(UInt128 set) => new(GlobKind.OneOf, null, set);

    public static GlobAtom NoneOf(UInt128 set) => new(GlobKind.NoneOf, null, set);
}
