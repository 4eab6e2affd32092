namespace Pharos.Core;

/// <summary>What may be the name of a label or a metric.</summary>
public static class LabelNames
{
    /// <summary><c>[a-zA-Z_][a-zA-Z0-9_]*</c>: a name that needs no quotes in a query.</summary>
    public static bool IsLegacy(ReadOnlySpan<char> name)
    {
        if (name.IsEmpty) return false;
        for (int i = 0; i < name.Length; i++)
        {
            char c = name[i];
            if (!(char.IsAsciiLetter(c) || c == '_' || (i > 0 && char.IsAsciiDigit(c)))) return false;
        }
        return true;
    }

    /// <summary><c>[a-zA-Z_:][a-zA-Z0-9_:]*</c>: a metric name that needs no quotes in a query.</summary>
    public static bool IsLegacyMetric(ReadOnlySpan<char> name)
    {
        if (name.IsEmpty) return false;
        for (int i = 0; i < name.Length; i++)
        {
            char c = name[i];
            if (!(char.IsAsciiLetter(c) || c is '_' or ':' || (i > 0 && char.IsAsciiDigit(c)))) return false;
        }
        return true;
    }
}
