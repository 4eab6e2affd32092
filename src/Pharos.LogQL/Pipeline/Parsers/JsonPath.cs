using System.Globalization;
using System.Text;
using Pharos.Core;

namespace Pharos.LogQL.Pipeline.Parsers;

/// <summary>One step of a path: a field's name, or an index.</summary>
internal readonly record struct JsonStep(byte[]? Field, int Index);

/// <summary>Paths like <c>a.b["c d"][0]</c>.</summary>
internal static class JsonPath
{
    /// <exception cref="QueryException">The text is no path.</exception>
    public static JsonStep[] Parse(string text)
    {
        var steps = new List<JsonStep>();
        int at = 0;
        bool needField = true;
        while (at < text.Length)
        {
            if (text[at] == '[')
            {
                int close;
                if (at + 1 < text.Length && text[at + 1] == '"')
                {
                    close = at + 2;
                    while (close < text.Length && text[close] != '"') close += text[close] == '\\' ? 2 : 1;
                    if (close + 1 >= text.Length || text[close + 1] != ']') throw Wrong(text);
                    if (!GoString.TryUnquote(text.AsSpan(at + 1, close - at), out string? name, out _, out _)) throw Wrong(text);
                    steps.Add(new JsonStep(Encoding.UTF8.GetBytes(name), 0));
                    close++;
                }
                else
                {
                    close = text.IndexOf(']', at);
                    if (close < 0 || !int.TryParse(text.AsSpan(at + 1, close - at - 1), NumberStyles.None, CultureInfo.InvariantCulture, out int index)) throw Wrong(text);
                    steps.Add(new JsonStep(null, index));
                }
                at = close + 1;
                needField = false;
                continue;
            }
            if (text[at] == '.')
            {
                if (needField) throw Wrong(text);
                needField = true;
                at++;
                continue;
            }
            if (!needField || !IsFieldStart(text[at])) throw Wrong(text);
            int from = at;
            while (at < text.Length && (IsFieldStart(text[at]) || char.IsAsciiDigit(text[at]) || text[at] == '-')) at++;
            steps.Add(new JsonStep(Encoding.UTF8.GetBytes(text[from..at]), 0));
            needField = false;
        }
        if (steps.Count == 0 || needField) throw Wrong(text);
        return [.. steps];
    }

    private static bool IsFieldStart(char c) => char.IsLetter(c) || c is '_' or '@' or '$';

    private static QueryException Wrong(string text) =>
        new(QueryErrorKind.BadData, $"cannot parse expression [{text}]: use fields and indexes like a.b[0][\"c d\"]");
}
