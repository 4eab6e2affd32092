using System.Globalization;
using System.Text;
using Pharos.Core;

namespace Pharos.Collector.Evaluation;

/// <summary>A value of the configuration language. Values never change once they are made.</summary>
internal abstract class Value : IEquatable<Value>
{
    /// <summary>The type as messages name it.</summary>
    public abstract string Type { get; }

    public static Value Of(string text) => new StringValue(text);

    public static Value Of(bool flag) => flag ? BoolValue.True : BoolValue.False;

    public static Value Of(long number) => new NumberValue(number);

    public static Value Of(double number) => new NumberValue(number);

    public static Value Of(IReadOnlyList<Labels> targets) => new ArrayValue([.. targets.Select(ObjectValue.FromTarget)]);

    /// <summary>Equal in type and content; arrays and objects all the way down.</summary>
    public abstract bool Equals(Value? other);

    public sealed override bool Equals(object? obj) => Equals(obj as Value);

    public abstract override int GetHashCode();

    /// <summary>The value as it may be shown; a secret never shows.</summary>
    public abstract override string ToString();
}

internal sealed class NullValue : Value
{
    public static NullValue Instance { get; } = new();

    public override string Type => "null";

    public override bool Equals(Value? other) => other is NullValue;

    public override int GetHashCode() => 0;

    public override string ToString() => "null";
}

internal sealed class BoolValue(bool flag) : Value
{
    public static BoolValue True { get; } = new(true);
    public static BoolValue False { get; } = new(false);

    public bool Flag => flag;

    public override string Type => "bool";

    public override bool Equals(Value? other) => other is BoolValue b && b.Flag == flag;

    public override int GetHashCode() => flag ? 1 : 2;

    public override string ToString() => flag ? "true" : "false";
}

/// <summary>A <see cref="long"/>, <see cref="ulong"/> or <see cref="double"/>.</summary>
internal sealed class NumberValue : Value
{
    public NumberValue(object number) => Number = number is ulong and <= long.MaxValue ? (long)(ulong)number : number;

    public NumberValue(long number) => Number = number;

    public NumberValue(double number) => Number = number;

    public object Number { get; }

    public bool IsFloat => Number is double;

    public double AsDouble => Number switch { long l => l, ulong u => u, _ => (double)Number };

    public override string Type => "number";

    public override bool Equals(Value? other) => other is NumberValue n && CompareTo(n) == 0;

    public int CompareTo(NumberValue other) => (Number, other.Number) switch
    {
        (long a, long b) => a.CompareTo(b),
        (ulong a, ulong b) => a.CompareTo(b),
        (long, ulong) => -1,
        (ulong, long) => 1,
        _ => AsDouble.CompareTo(other.AsDouble),
    };

    public override int GetHashCode() => AsDouble.GetHashCode();

    public override string ToString() => Number switch
    {
        double d => GoNumber.Format(d),
        var n => Convert.ToString(n, CultureInfo.InvariantCulture)!,
    };
}

internal sealed class StringValue(string text) : Value
{
    public string Text => text;

    public override string Type => "string";

    public override bool Equals(Value? other) => other is StringValue s && s.Text == text;

    public override int GetHashCode() => text.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => GoString.Quote(text);
}

/// <summary>A string that must not be shown.</summary>
internal sealed class SecretValue(string text) : Value
{
    public string Text => text;

    public override string Type => "secret";

    public override bool Equals(Value? other) => other is SecretValue s && s.Text == text;

    public override int GetHashCode() => text.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => "(secret)";
}

internal sealed class ArrayValue(IReadOnlyList<Value> items) : Value
{
    public static ArrayValue Empty { get; } = new([]);

    public IReadOnlyList<Value> Items => items;

    public override string Type => "array";

    public override bool Equals(Value? other)
    {
        if (ReferenceEquals(this, other)) return true;
        if (other is not ArrayValue array || array.Items.Count != items.Count) return false;
        for (int i = 0; i < items.Count; i++)
        {
            if (!items[i].Equals(array.Items[i])) return false;
        }
        return true;
    }

    public override int GetHashCode() => items.Count;

    public override string ToString() => "[" + string.Join(", ", items) + "]";
}

/// <summary>An object, its fields in the order in which they were written. A target is one whose fields are labels.</summary>
internal sealed class ObjectValue : Value
{
    private readonly Dictionary<string, Value> byName;
    private readonly List<string> names;

    public ObjectValue(IEnumerable<KeyValuePair<string, Value>> fields)
    {
        byName = new Dictionary<string, Value>(StringComparer.Ordinal);
        names = [];
        foreach (var (name, value) in fields)
        {
            if (!byName.ContainsKey(name)) names.Add(name);
            byName[name] = value;
        }
    }

    public static ObjectValue Empty { get; } = new([]);

    /// <summary>The label set this object was made from; null for any other object.</summary>
    public Labels? Target { get; private init; }

    public IReadOnlyList<string> Names => names;

    public Value? this[string name] => byName.GetValueOrDefault(name);

    public IEnumerable<KeyValuePair<string, Value>> Fields => names.Select(n => KeyValuePair.Create(n, byName[n]));

    public static ObjectValue FromTarget(Labels labels) =>
        new(labels.ToDictionary().Select(p => KeyValuePair.Create(p.Key, Of(p.Value)))) { Target = labels };

    public override string Type => "object";

    public override bool Equals(Value? other)
    {
        if (ReferenceEquals(this, other)) return true;
        if (other is not ObjectValue map || map.names.Count != names.Count) return false;
        if (Target is not null && map.Target is not null) return Target.Equals(map.Target);
        foreach (string name in names)
        {
            if (!map.byName.TryGetValue(name, out var value) || !value.Equals(byName[name])) return false;
        }
        return true;
    }

    public override int GetHashCode() => names.Count;

    public override string ToString() => "{" + string.Join(", ", names.Select(n => $"{GoString.Quote(n)} = {byName[n]}")) + "}";
}

/// <summary>An opaque thing that one component exports and another takes: a receiver, relabelling rules.</summary>
/// <param name="kind">As messages name it, for example <c>MetricsReceiver</c>.</param>
internal sealed class CapsuleValue(string kind, object inner) : Value
{
    public string Kind => kind;

    public object Inner => inner;

    public override string Type => $"capsule({GoString.Quote(kind)})";

    public override bool Equals(Value? other) => other is CapsuleValue c && (ReferenceEquals(c.Inner, inner) || c.Inner.Equals(inner));

    public override int GetHashCode() => inner.GetHashCode();

    public override string ToString() => Type;
}

/// <summary>A function of the standard library. Cannot be written, only called.</summary>
internal sealed class FunctionValue(StandardFunction function) : Value
{
    public StandardFunction Function => function;

    public override string Type => "function";

    public override bool Equals(Value? other) => ReferenceEquals(this, other);

    public override int GetHashCode() => function.Name.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => $"function {function.Name}";
}

/// <summary>Numbers as Go writes them with %v.</summary>
internal static class GoNumber
{
    public static string Format(double d)
    {
        if (double.IsNaN(d)) return "NaN";
        if (double.IsPositiveInfinity(d)) return "+Inf";
        if (double.IsNegativeInfinity(d)) return "-Inf";
        string shortest = d.ToString("E16", CultureInfo.InvariantCulture);
        int exponent = int.Parse(shortest[(shortest.IndexOf('E', StringComparison.Ordinal) + 1)..], CultureInfo.InvariantCulture);
        if (d != 0 && (exponent < -4 || exponent >= 21))
        {
            string text = d.ToString("R", CultureInfo.InvariantCulture);
            if (!text.Contains('E', StringComparison.Ordinal)) text = d.ToString("0.################E+0", CultureInfo.InvariantCulture);
            int e = text.IndexOf('E', StringComparison.Ordinal);
            string mantissa = text[..e];
            int power = int.Parse(text[(e + 1)..], CultureInfo.InvariantCulture);
            return new StringBuilder(mantissa).Append('e').Append(power < 0 ? '-' : '+').Append(Math.Abs(power).ToString("00", CultureInfo.InvariantCulture)).ToString();
        }
        string plain = d.ToString("R", CultureInfo.InvariantCulture);
        if (!plain.Contains('E', StringComparison.Ordinal)) return plain;
        return Math.Abs(d) < 1 ? d.ToString("0.####################", CultureInfo.InvariantCulture) : d.ToString("F0", CultureInfo.InvariantCulture);
    }
}
