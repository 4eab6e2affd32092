using Pharos.Collector.Evaluation;
using Pharos.Collector.Syntax;
using Pharos.Core;

namespace Pharos.Collector.Runtime;

/// <summary>The arguments of a block, checked and converted. Equal where all values are equal.</summary>
internal sealed class Arguments(string blockName, TextSpan span, ArgumentBody schema) : IEquatable<Arguments>
{
    private readonly Dictionary<string, (Value Value, object? Converted, TextSpan Span)> attributes = new(StringComparer.Ordinal);
    private readonly List<Arguments> blocks = [];

    /// <summary>Name of the block, for nested ones.</summary>
    public string Name => blockName;

    public TextSpan Span => span;

    public ArgumentBody Schema => schema;

    internal void Set(string name, Value value, object? converted, TextSpan at) => attributes[name] = (value, converted, at);

    internal void Add(Arguments block) => blocks.Add(block);

    /// <summary>Given in the configuration, not null there.</summary>
    public bool IsSet(string name) => attributes.TryGetValue(name, out var found) && found.Value is not NullValue;

    /// <summary>The value as written; null value where none is given.</summary>
    public Value Raw(string name) => attributes.TryGetValue(name, out var found) ? found.Value : schema.Attribute(name)?.Default ?? NullValue.Instance;

    public string Text(string name) => (string)Get(name)!;

    /// <summary>Null where the attribute is not given or empty.</summary>
    public string? TextOrNull(string name) => Text(name) is { Length: > 0 } text ? text : null;

    public bool Flag(string name) => (bool)Get(name)!;

    public long Integer(string name) => (long)Get(name)!;

    /// <summary>An integer that must fit a range.</summary>
    public int Integer(string name, int min, int max = int.MaxValue)
    {
        long value = Integer(name);
        if (value < min || value > max) throw Wrong(name, max == int.MaxValue ? $"{name} must be at least {min}, got {value}" : $"{name} must be between {min} and {max}, got {value}");
        return (int)value;
    }

    public double Float(string name) => (double)Get(name)!;

    public TimeSpan Duration(string name) => (TimeSpan)Get(name)!;

    /// <summary>A duration that must be more than zero.</summary>
    public TimeSpan PositiveDuration(string name) => Duration(name) is var d && d > TimeSpan.Zero ? d : throw Wrong(name, $"{name} must be greater than 0");

    public IReadOnlyList<string> Texts(string name) => [.. ((List<object>)Get(name)!).Cast<string>()];

    public IReadOnlyDictionary<string, string> TextMap(string name) =>
        ((Dictionary<string, object>)Get(name)!).ToDictionary(p => p.Key, p => (string)p.Value, StringComparer.Ordinal);

    public IReadOnlyList<Labels> Targets(string name) => [.. ((List<object>)Get(name)!).Cast<Labels>()];

    public IReadOnlyList<T> Capsules<T>(string name) => [.. ((List<object>)Get(name)!).Cast<T>()];

    public T? Capsule<T>(string name) where T : class => Get(name) as T;

    /// <exception cref="EvaluationException">It is no absolute http or https URL.</exception>
    public Uri Url(string name)
    {
        string text = Text(name);
        return Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
            ? url
            : throw Wrong(name, $"{GoString.Quote(text)} is not an http or https URL");
    }

    /// <summary>The only block of that name; null where none is given.</summary>
    public Arguments? Block(string name) => blocks.FirstOrDefault(b => b.Name == name);

    public IEnumerable<Arguments> Blocks(string name) => blocks.Where(b => b.Name == name);

    /// <summary>All nested blocks in the order in which they are written.</summary>
    public IReadOnlyList<Arguments> AllBlocks => blocks;

    /// <summary>An error at an attribute, or at the block where the attribute is not given.</summary>
    public EvaluationException Wrong(string name, string message, string? mend = null) =>
        new(attributes.TryGetValue(name, out var found) ? found.Span : span, message, mend);

    /// <summary>An error about the block as a whole.</summary>
    public EvaluationException Wrong(string message) => new(span, message);

    private object? Get(string name)
    {
        if (attributes.TryGetValue(name, out var found)) return found.Converted;
        var attribute = schema.Attribute(name) ?? throw new InvalidOperationException($"{blockName} has no argument {name}");
        return ValueConversion.TryConvert(attribute.Default ?? NullValue.Instance, attribute.Type, out object converted, out string? error)
            ? converted
            : throw new InvalidOperationException($"default of {blockName}.{name}: {error}");
    }

    /// <summary>A size in bytes.</summary>
    public long Size(string name) => Integer(name);

    public bool Equals(Arguments? other) => other is not null && EqualsExcept(other);

    /// <summary>Equal where some attributes do not count.</summary>
    public bool EqualsExcept(Arguments other, params IReadOnlyList<string> names)
    {
        if (other.Name != blockName || other.blocks.Count != blocks.Count) return false;
        foreach (string name in attributes.Keys.Union(other.attributes.Keys).Except(names))
        {
            if (!attributes.TryGetValue(name, out var ours) || !other.attributes.TryGetValue(name, out var theirs) || !theirs.Value.Equals(ours.Value)) return false;
        }
        return blocks.SequenceEqual(other.blocks);
    }

    public override bool Equals(object? obj) => Equals(obj as Arguments);

    public override int GetHashCode() => attributes.Count;

    /// <summary>The arguments as one value, for showing: attributes by name, blocks as lists. Secrets stay hidden.</summary>
    public ObjectValue ToValue() => new(attributes.Select(a => KeyValuePair.Create(a.Key, a.Value.Value))
        .Concat(blocks.GroupBy(b => b.Name).Select(g => KeyValuePair.Create<string, Value>(g.Key, new ArrayValue([.. g.Select(b => b.ToValue())])))));
}
