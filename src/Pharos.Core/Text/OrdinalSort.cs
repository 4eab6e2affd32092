using System.Runtime.InteropServices;

namespace Pharos.Core;

/// <summary>Sorts many texts by their UTF-16 units: by the first four after what all begin with, as one number, and only where those are equal by the rest.</summary>
public static class OrdinalSort
{
    private const int KeyChars = 4;

    public static void Sort(List<string> texts)
    {
        var values = CollectionsMarshal.AsSpan(texts);
        if (values.Length < 2) return;
        int same = values[0].Length;
        foreach (string text in values) same = Math.Min(same, values[0].AsSpan(0, same).CommonPrefixLength(text));
        var keys = new ulong[values.Length];
        for (int i = 0; i < keys.Length; i++) keys[i] = Key(values[i].AsSpan(same));
        MemoryExtensions.Sort(keys.AsSpan(), values);
        for (int from = 0; from < keys.Length;)
        {
            int to = from + 1;
            while (to < keys.Length && keys[to] == keys[from]) to++;
            if (to - from > 1) values[from..to].Sort(string.CompareOrdinal);
            from = to;
        }
    }

    private static ulong Key(ReadOnlySpan<char> text)
    {
        ulong key = 0;
        for (int i = 0; i < KeyChars; i++) key = (key << 16) | (i < text.Length ? text[i] : (ulong)0);
        return key;
    }
}
