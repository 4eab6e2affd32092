using System.Globalization;
using Pharos.Collector.Evaluation;
using Pharos.Core;

namespace Pharos.Collector.Runtime;

/// <summary>Turns values into what arguments take, by the language's rules of assignment.</summary>
internal static class ValueConversion
{
    /// <summary>
    /// Text, secret → <see cref="string"/>; flag → <see cref="bool"/>; integer, size (bytes) → <see cref="long"/>; float → <see cref="double"/>;
    /// duration → <see cref="TimeSpan"/>; list → <see cref="List{T}"/> of objects; map → dictionary; target → <see cref="Labels"/>;
    /// capsule → what it holds; any → <see cref="Value"/>. Null gives the zero value.
    /// </summary>
    public static bool TryConvert(Value value, ArgumentType type, out object result, out string? error)
    {
        error = null;
        result = "";
        if (value is NullValue && type.Kind != ArgumentKind.Any)
        {
            result = Zero(type)!;
            return true;
        }
        switch (type.Kind)
        {
            case ArgumentKind.Any:
                result = value;
                return true;
            case ArgumentKind.Text when value is StringValue text:
                result = text.Text;
                return true;
            case ArgumentKind.Text when value is NumberValue:
                result = value.ToString();
                return true;
            case ArgumentKind.Text when value is SecretValue:
                error = "a secret may not be converted into a string; use convert.nonsensitive where it may be shown";
                return false;
            case ArgumentKind.Secret when value is StringValue or SecretValue or NumberValue:
                result = value switch { StringValue s => s.Text, SecretValue s => s.Text, _ => value.ToString() };
                return true;
            case ArgumentKind.Flag when value is BoolValue flag:
                result = flag.Flag;
                return true;
            case ArgumentKind.Integer:
                return Integer(value, out result, out error);
            case ArgumentKind.Float when value is NumberValue number:
                result = number.AsDouble;
                return true;
            case ArgumentKind.Float when value is StringValue digits:
                bool real = double.TryParse(digits.Text, CultureInfo.InvariantCulture, out double parsed);
                result = parsed;
                if (!real) error = $"{digits} is not a number";
                return real;
            case ArgumentKind.Duration when value is StringValue duration:
                bool valid = GoDuration.TryParse(duration.Text, out var span, out error);
                result = span;
                return valid;
            case ArgumentKind.Size when value is NumberValue { Number: long bytes }:
                result = bytes;
                return true;
            case ArgumentKind.Size when value is StringValue size:
                bool sized = ByteSize.TryParse(size.Text, out long count, out error);
                result = count;
                return sized;
            case ArgumentKind.List when value is ArrayValue array:
                return List(array, type.Element!, out result, out error);
            case ArgumentKind.Map when value is ObjectValue map:
                return Map(map, type.Element!, out result, out error);
            case ArgumentKind.Target when value is ObjectValue target:
                return Target(target, out result, out error);
            case ArgumentKind.Capsule when value is CapsuleValue capsule && capsule.Kind == type.CapsuleKind:
                result = capsule.Inner;
                return true;
        }
        error = $"expected {Expected(type)}, got {value.Type}";
        return false;
    }

    /// <summary>What a value must be, in the words of the language.</summary>
    public static string Expected(ArgumentType type) => type.Kind switch
    {
        ArgumentKind.List => "array",
        ArgumentKind.Map or ArgumentKind.Target => "object",
        ArgumentKind.Duration => "duration such as \"30s\"",
        ArgumentKind.Size => "size such as \"1MiB\"",
        ArgumentKind.Capsule => $"capsule(\"{type.CapsuleKind}\")",
        _ => type.Name,
    };

    private static object? Zero(ArgumentType type) => type.Kind switch
    {
        ArgumentKind.Flag => false,
        ArgumentKind.Integer or ArgumentKind.Size => 0L,
        ArgumentKind.Float => 0.0,
        ArgumentKind.Duration => TimeSpan.Zero,
        ArgumentKind.List => new List<object>(),
        ArgumentKind.Map => new Dictionary<string, object>(),
        ArgumentKind.Target => Labels.Empty,
        ArgumentKind.Capsule => null,
        _ => "",
    };

    private static bool Integer(Value value, out object result, out string? error)
    {
        error = null;
        result = 0L;
        switch (value)
        {
            case NumberValue { Number: long integer }:
                result = integer;
                return true;
            case NumberValue { Number: double real } when real == Math.Floor(real) && Math.Abs(real) < 1e18:
                result = (long)real;
                return true;
            case StringValue text when long.TryParse(text.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long parsed):
                result = parsed;
                return true;
        }
        error = value is NumberValue ? $"expected a whole number, got {value}" : $"expected number, got {value.Type}";
        return false;
    }

    private static bool List(ArrayValue array, ArgumentType element, out object result, out string? error)
    {
        var items = new List<object>(array.Items.Count);
        result = items;
        error = null;
        foreach (var item in array.Items)
        {
            if (!TryConvert(item, element, out object one, out error)) return false;
            // A null receiver in a list is a receiver that goes nowhere.
            if (one is not null) items.Add(one);
        }
        return true;
    }

    private static bool Map(ObjectValue map, ArgumentType element, out object result, out string? error)
    {
        var fields = new Dictionary<string, object>(StringComparer.Ordinal);
        result = fields;
        error = null;
        foreach (var (name, value) in map.Fields)
        {
            if (!TryConvert(value, element, out object one, out error))
            {
                error = $"field {GoString.Quote(name)}: {error}";
                return false;
            }
            fields[name] = one;
        }
        return true;
    }

    private static bool Target(ObjectValue target, out object result, out string? error)
    {
        error = null;
        if (target.Target is { } labels)
        {
            result = labels;
            return true;
        }
        var builder = new LabelsBuilder();
        result = Labels.Empty;
        foreach (var (name, value) in target.Fields)
        {
            string? text = value switch { StringValue s => s.Text, NumberValue or BoolValue => value.ToString(), NullValue => "", _ => null };
            if (text is null)
            {
                error = $"label {GoString.Quote(name)} of a target must be a string, got {value.Type}";
                return false;
            }
            builder.Set(name, text);
        }
        result = builder.ToLabels();
        return true;
    }
}
