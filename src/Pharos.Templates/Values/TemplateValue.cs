using System.Collections;
using System.Text;
using Pharos.Core;

namespace Pharos.Templates;

internal enum ValueKind
{
    /// <summary>No value at all: a missing key.</summary>
    Invalid,
    Nil,
    Bool,
    Int,
    Uint,
    Float,
    String,
    List,
    Map,
    Function,
    Object,
}

/// <summary>
/// What template values are. Go's types by .NET's: bool, long (int), ulong (uint64), double (float64), string, any list, any map with
/// string keys, <see cref="Labels"/> (map[string]string), <see cref="GoTime"/>, <see cref="GoDuration"/>, <see cref="ITemplateObject"/>,
/// <see cref="TemplateFunction"/>, null (nil). Other numbers and times are converted on the way in.
/// </summary>
public static class TemplateValue
{
    private sealed class NoValueType
    {
        public override string ToString() => "<no value>";
    }

    /// <summary>The result of reading a key that is not there, where the options ask for no value.</summary>
    public static object NoValue { get; } = new NoValueType();

    internal static object? Normalize(object? value) => value switch
    {
        null or string or long or double or bool => value,
        int number => (long)number,
        float number => (double)number,
        uint number => (ulong)number,
        short number => (long)number,
        ushort number => (ulong)number,
        byte number => (ulong)number,
        sbyte number => (long)number,
        char letter => (long)letter,
        decimal number => (double)number,
        DateTimeOffset time => GoTime.From(time),
        DateTime time => GoTime.From(new DateTimeOffset(DateTime.SpecifyKind(time, DateTimeKind.Utc))),
        TimeSpan span => GoDuration.From(span),
        Enum name => name.ToString(),
        _ => value,
    };

    internal static ValueKind KindOf(object? value) => value switch
    {
        null => ValueKind.Nil,
        string => ValueKind.String,
        bool => ValueKind.Bool,
        long or GoDuration => ValueKind.Int,
        ulong => ValueKind.Uint,
        double => ValueKind.Float,
        SafeText => ValueKind.String,
        TemplateFunction => ValueKind.Function,
        Labels => ValueKind.Map,
        IDictionary or IReadOnlyDictionary<string, string> or IReadOnlyDictionary<string, object?> => ValueKind.Map,
        IList or IReadOnlyList<object?> => ValueKind.List,
        _ when ReferenceEquals(value, NoValue) => ValueKind.Invalid,
        _ => ValueKind.Object,
    };

    internal static string Text(object value) => value as string ?? ((SafeText)value).Text;

    internal static bool IsTrue(object? value) => KindOf(value) switch
    {
        ValueKind.Invalid or ValueKind.Nil => false,
        ValueKind.Bool => (bool)value!,
        ValueKind.Int => value is GoDuration duration ? duration.Nanoseconds != 0 : (long)value! != 0,
        ValueKind.Uint => (ulong)value! != 0,
        ValueKind.Float => (double)value! != 0,
        ValueKind.String => Text(value!).Length > 0,
        ValueKind.List => ListOf(value!).Count > 0,
        ValueKind.Map => MapOf(value!).Count > 0,
        _ => true,
    };

    /// <summary>Go's name of the type.</summary>
    internal static string TypeName(object? value) => value switch
    {
        null => "<nil>",
        ITemplateObject named => named.TypeName,
        string => "string",
        SafeText safe => $"template.{(safe.Kind == SafeKind.Attribute ? "HTMLAttr" : safe.Kind.ToString().ToUpperInvariant())}",
        bool => "bool",
        long => "int",
        ulong => "uint64",
        double => "float64",
        GoTime => "time.Time",
        GoDuration => "time.Duration",
        TemplateFunction => "func",
        _ => KindOf(value) switch
        {
            ValueKind.Map => MapOf(value).HoldsStrings ? "map[string]string" : "map[string]interface {}",
            ValueKind.List => value is IEnumerable<string> ? "[]string" : value is IEnumerable<double> ? "[]float64"
                : value is IEnumerable<long> or IEnumerable<int> ? "[]int" : "[]interface {}",
            _ => value.GetType().Name,
        },
    };

    internal static ListView ListOf(object value) => new(value);

    internal static MapView MapOf(object value) => new(value);

    internal static int ByteCount(string text) => Encoding.UTF8.GetByteCount(text);
}

/// <summary>Any list, read by index.</summary>
internal readonly struct ListView(object list)
{
    public int Count => list switch { IList l => l.Count, IReadOnlyList<object?> l => l.Count, _ => 0 };

    public object? this[int index] => TemplateValue.Normalize(list switch { IList l => l[index], IReadOnlyList<object?> l => l[index], _ => null });
}

/// <summary>Any map with string keys.</summary>
internal readonly struct MapView(object map)
{
    public int Count => map switch
    {
        Labels labels => labels.Count,
        IReadOnlyDictionary<string, string> strings => strings.Count,
        IReadOnlyDictionary<string, object?> values => values.Count,
        IDictionary any => any.Count,
        _ => 0,
    };

    public bool HoldsStrings => map is Labels or IReadOnlyDictionary<string, string>;

    /// <summary>Zero value of the elements.</summary>
    public object? Zero => HoldsStrings ? "" : null;

    public bool TryGet(string key, out object? value)
    {
        switch (map)
        {
            case Labels labels:
                bool has = labels.TryGetValue(key, out string? label);
                value = label;
                return has;
            case IReadOnlyDictionary<string, string> strings:
                bool found = strings.TryGetValue(key, out string? text);
                value = text;
                return found;
            case IReadOnlyDictionary<string, object?> values:
                bool there = values.TryGetValue(key, out object? element);
                value = TemplateValue.Normalize(element);
                return there;
            case IDictionary any when any.Contains(key):
                value = TemplateValue.Normalize(any[key]);
                return true;
            default:
                value = null;
                return false;
        }
    }

    /// <summary>Keys and values, sorted by key.</summary>
    public List<(string Key, object? Value)> Sorted()
    {
        var pairs = new List<(string Key, object? Value)>();
        switch (map)
        {
            case Labels labels:
                foreach (var (name, value) in labels) pairs.Add((name, value));
                break;
            case IReadOnlyDictionary<string, string> strings:
                foreach (var (key, value) in strings) pairs.Add((key, value));
                break;
            case IReadOnlyDictionary<string, object?> values:
                foreach (var (key, value) in values) pairs.Add((key, TemplateValue.Normalize(value)));
                break;
            case IDictionary any:
                foreach (DictionaryEntry entry in any) pairs.Add((entry.Key.ToString()!, TemplateValue.Normalize(entry.Value)));
                break;
        }
        pairs.Sort(static (a, b) => string.CompareOrdinal(a.Key, b.Key));
        return pairs;
    }
}
