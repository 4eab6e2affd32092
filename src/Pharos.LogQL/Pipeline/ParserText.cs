using System.Text;

namespace Pharos.LogQL.Pipeline;

/// <summary>Text from lines as label values.</summary>
internal static class ParserText
{
    /// <summary>Decodes UTF-8; what is no valid text, or says it was not, becomes a space.</summary>
    public static string Decode(ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty) return "";
        string text = Encoding.UTF8.GetString(value);
        return Clean(text);
    }

    public static string Clean(string text) => text.Contains('\uFFFD') ? text.Replace('\uFFFD', ' ') : text;
}
