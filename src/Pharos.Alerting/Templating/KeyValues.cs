using System.Collections;
using System.Diagnostics.CodeAnalysis;
using Pharos.Core;
using Pharos.Templates;

namespace Pharos.Alerting;

/// <summary>Labels or annotations as templates see them: a map of texts with methods.</summary>
internal sealed class KeyValues : ITemplateObject, ITemplateStringer, IReadOnlyDictionary<string, string>
{
    private readonly SortedDictionary<string, string> map;

    public KeyValues(IEnumerable<KeyValuePair<string, string>> pairs)
    {
        map = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in pairs) map[name] = value;
    }

    public KeyValues(Labels labels) => map = labels.ToDictionary();

    public static KeyValues Empty { get; } = new([]);

    /// <summary>Not given at all: prints as an empty map, as JSON it is null.</summary>
    public static KeyValues Nil { get; } = new([]);

    public string TypeName => "template.KV";
    public IEnumerable<string> Keys => map.Keys;
    public IEnumerable<string> Values => map.Values;
    public int Count => map.Count;
    public string this[string key] => map[key];

    public bool ContainsKey(string key) => map.ContainsKey(key);

    public bool TryGetValue(string key, [MaybeNullWhen(false)] out string value) => map.TryGetValue(key, out value);

    public IEnumerator<KeyValuePair<string, string>> GetEnumerator() => map.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public bool TryGetMember(string name, out object? member)
    {
        member = name switch
        {
            "SortedPairs" => TemplateFunction.Of(() => (object)Sorted()),
            "Names" => TemplateFunction.Of(() => (object)Sorted().Names),
            "Values" => TemplateFunction.Of(() => (object)Sorted().Values),
            "Remove" => TemplateFunction.Of((IReadOnlyList<string> names) => (object)Remove(names)),
            _ => null,
        };
        return member is not null;
    }

    public string ToTemplateString() => Sorted().ToTemplateString();

    /// <summary>Sorted by name, <c>alertname</c> first.</summary>
    public Pairs Sorted() => new([.. map.OrderBy(p => p.Key == "alertname" ? 0 : 1)]);

    private KeyValues Remove(IReadOnlyList<string> names) => new(map.Where(p => !names.Contains(p.Key)));
}

/// <summary>A list of pairs with the lists of their names and values.</summary>
internal sealed class Pairs(IReadOnlyList<KeyValuePair<string, string>> pairs) : ITemplateObject, ITemplateStringer, IReadOnlyList<object?>
{
    public string TypeName => "template.Pairs";
    public int Count => pairs.Count;
    public object? this[int index] => new Pair(pairs[index].Key, pairs[index].Value);
    public Strings Names => new([.. pairs.Select(p => p.Key)]);
    public Strings Values => new([.. pairs.Select(p => p.Value)]);

    public IEnumerator<object?> GetEnumerator() => Enumerable.Range(0, Count).Select(i => this[i]).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public bool TryGetMember(string name, out object? member)
    {
        member = name switch
        {
            "Names" => TemplateFunction.Of(() => (object)Names),
            "Values" => TemplateFunction.Of(() => (object)Values),
            _ => null,
        };
        return member is not null;
    }

    public string ToTemplateString() => string.Join(", ", pairs.Select(p => $"{p.Key}={p.Value}"));
}

/// <summary>One label or annotation.</summary>
internal sealed record Pair(string Name, string Value) : ITemplateObject, ITemplateStruct
{
    public string TypeName => "template.Pair";

    public IEnumerable<(string Name, object? Value)> Fields => [("Name", Name), ("Value", Value)];

    public bool TryGetMember(string name, out object? member)
    {
        member = name switch { "Name" => Name, "Value" => Value, _ => null };
        return member is not null;
    }
}

/// <summary>A list of texts that can be joined.</summary>
internal sealed class Strings(List<string> items) : ITemplateObject, IReadOnlyList<string>, IList
{
    private readonly IList list = items;

    public string TypeName => "template.Strings";
    public int Count => items.Count;
    public string this[int index] => items[index];

    object? IList.this[int index]
    {
        get => items[index];
        set => throw new NotSupportedException();
    }

    public bool IsFixedSize => true;
    public bool IsReadOnly => true;
    public bool IsSynchronized => false;
    public object SyncRoot => items;

    public bool TryGetMember(string name, out object? member)
    {
        member = name == "Join" ? TemplateFunction.Of((string separator) => string.Join(separator, items)) : null;
        return member is not null;
    }

    public IEnumerator<string> GetEnumerator() => items.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => items.GetEnumerator();

    public int Add(object? value) => throw new NotSupportedException();

    public void Clear() => throw new NotSupportedException();

    public bool Contains(object? value) => list.Contains(value);

    public int IndexOf(object? value) => list.IndexOf(value);

    public void Insert(int index, object? value) => throw new NotSupportedException();

    public void Remove(object? value) => throw new NotSupportedException();

    public void RemoveAt(int index) => throw new NotSupportedException();

    public void CopyTo(Array array, int index) => list.CopyTo(array, index);
}
