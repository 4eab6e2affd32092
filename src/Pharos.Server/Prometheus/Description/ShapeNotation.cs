using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Pharos.Server.Prometheus.Description;

/// <summary>
/// Makes JSON schemas of a short notation: <c>string</c>, <c>number</c>, <c>integer</c>, <c>boolean</c>, <c>null</c>, <c>any</c>, <c>'text'</c>, a
/// name of <see cref="ApiShapes"/>; <c>X[]</c> a list; <c>[X, Y]</c> a list of just those; <c>{a: X, b?: Y}</c> an object with these members and
/// no others, <c>b</c> may be missing; <c>{*: X}</c> an object with members of any name; <c>X|Y</c> either.
/// </summary>
internal sealed class ShapeNotation
{
    private readonly string text;
    private int at;

    private ShapeNotation(string text) => this.text = text;

    /// <exception cref="FormatException">The text is none in the notation.</exception>
    public static YamlMappingNode Schema(string text)
    {
        var notation = new ShapeNotation(text);
        var schema = notation.Either();
        return notation.at == text.Length ? schema : throw notation.Wrong("the end");
    }

    private YamlMappingNode Either()
    {
        var choices = new List<YamlMappingNode> { Listed() };
        while (Took('|')) choices.Add(Listed());
        if (choices.Count == 1) return choices[0];
        if (choices.TrueForAll(c => c.Children.ContainsKey("enum")))
            return Map(("type", Plain("string")), ("enum", new YamlSequenceNode(choices.SelectMany(c => (YamlSequenceNode)c["enum"]))));
        return Map(("anyOf", new YamlSequenceNode(choices)));
    }

    private YamlMappingNode Listed()
    {
        var schema = Single();
        while (at + 1 < text.Length && text[at] == '[' && text[at + 1] == ']')
        {
            at += 2;
            schema = Map(("type", Plain("array")), ("items", schema));
            Space();
        }
        return schema;
    }

    private YamlMappingNode Single()
    {
        if (Took('{')) return Object();
        if (Took('[')) return Tuple();
        if (Took('\''))
        {
            int end = text.IndexOf('\'', at);
            string value = text[at..end];
            at = end + 1;
            Space();
            return Map(("type", Plain("string")), ("enum", new YamlSequenceNode(Quoted(value))));
        }
        string name = Name();
        return name switch
        {
            "string" or "number" or "integer" or "boolean" => Map(("type", Plain(name))),
            "null" => Map(("type", Quoted(name))),
            "any" => new YamlMappingNode(),
            _ when ApiShapes.ByName.ContainsKey(name) => Map(("$ref", Plain("#/components/schemas/" + name))),
            _ => throw Wrong("a type or the name of a shape"),
        };
    }

    private YamlMappingNode Object()
    {
        if (Took('*'))
        {
            Take(':');
            var rest = Either();
            Take('}');
            return Map(("type", Plain("object")), ("additionalProperties", rest));
        }
        var members = new YamlMappingNode();
        var required = new YamlSequenceNode();
        do
        {
            string name = Name();
            if (!Took('?')) required.Add(Plain(name));
            Take(':');
            members.Add(name, Either());
        }
        while (Took(','));
        Take('}');
        var schema = Map(("type", Plain("object")), ("properties", members), ("additionalProperties", Plain("false")));
        if (required.Children.Count > 0) schema.Add("required", required);
        return schema;
    }

    private YamlMappingNode Tuple()
    {
        var items = new List<YamlMappingNode>();
        do items.Add(Either());
        while (Took(','));
        Take(']');
        string count = $"{items.Count}";
        return Map(("type", Plain("array")), ("items", Map(("anyOf", new YamlSequenceNode(items)))), ("minItems", Plain(count)), ("maxItems", Plain(count)));
    }

    private string Name()
    {
        int start = at;
        while (at < text.Length && (char.IsAsciiLetterOrDigit(text[at]) || text[at] is '_' or '-')) at++;
        if (at == start) throw Wrong("a name");
        string name = text[start..at];
        Space();
        return name;
    }

    private bool Took(char wanted)
    {
        if (at == text.Length || text[at] != wanted) return false;
        at++;
        Space();
        return true;
    }

    private void Take(char wanted)
    {
        if (!Took(wanted)) throw Wrong($"'{wanted}'");
    }

    private void Space()
    {
        while (at < text.Length && text[at] == ' ') at++;
    }

    private FormatException Wrong(string expected) => new($"the shape \"{text}\" needs {expected} at {at}");

    private static YamlScalarNode Plain(string value) => new(value);

    private static YamlScalarNode Quoted(string value) => new(value) { Style = ScalarStyle.DoubleQuoted };

    private static YamlMappingNode Map(params (string Name, YamlNode Value)[] members) =>
        new(members.Select(m => KeyValuePair.Create<YamlNode, YamlNode>(m.Name, m.Value)));
}
