using System.Buffers;

namespace Pharos.Core;

internal static class NameChars
{
    public static readonly SearchValues<char> Word = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

    public static readonly SearchValues<char> RegexMeta = SearchValues.Create("\\.+*?()|[]{}^$");

    public static readonly SearchValues<char> RegexMetaButBar = SearchValues.Create("\\.+*?()[]{}^$");
}
