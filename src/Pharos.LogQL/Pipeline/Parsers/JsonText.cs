using System.Text;
using System.Text.Json;

namespace Pharos.LogQL.Pipeline.Parsers;

/// <summary>What the JSON stages share.</summary>
internal static class JsonText
{
    public const string Error = "JSONParserErr";

    public static JsonReaderOptions Options => new() { MaxDepth = 64, AllowMultipleValues = true };

    /// <summary>A scalar as a label's value: strings without quotes and escapes, the rest as it is written.</summary>
    public static string Value(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.String || !reader.ValueIsEscaped) return ParserText.Decode(reader.ValueSpan);
        try
        {
            return ParserText.Clean(reader.GetString()!);
        }
        catch (InvalidOperationException)
        {
            // Escapes beside bytes that are no UTF-8: show the text as it is.
            return ParserText.Decode(reader.ValueSpan);
        }
    }

    /// <summary>Any value as a label's value: objects and arrays as they are written.</summary>
    public static string AnyValue(ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        if (reader.TokenType == JsonTokenType.Null) return "";
        if (reader.TokenType is not (JsonTokenType.StartObject or JsonTokenType.StartArray)) return Value(ref reader);
        int from = (int)reader.TokenStartIndex;
        reader.Skip();
        return ParserText.Clean(Encoding.UTF8.GetString(json[from..(int)reader.BytesConsumed]));
    }
}
