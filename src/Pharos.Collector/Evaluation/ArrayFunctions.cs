namespace Pharos.Collector.Evaluation;

/// <summary>Functions that merge and group arrays of objects.</summary>
internal static class ArrayFunctions
{
    /// <summary>Merges every object of the first array with every one of the second that agrees on all keys; the second wins.</summary>
    public static Value CombineMaps(HostFacts facts, Value[] arguments)
    {
        if (arguments.Length is not (3 or 4)) throw new FunctionException(-1, $"combine_maps: expected 3 or 4 arguments, got {arguments.Length}");
        var left = Objects(arguments, 0);
        var right = Objects(arguments, 1);
        if (arguments[2] is not ArrayValue keyList) throw StandardFunctions.Wrong(2, arguments[2], "array");
        var keys = keyList.Items.Select(k => k is StringValue s ? s.Text : throw StandardFunctions.Wrong(2, k, "string")).ToList();
        // Two empty lists give an empty list whatever the keys, so that it can be checked before there is any target.
        if (keys.Count == 0 && left.Count + right.Count == 0) return ArrayValue.Empty;
        if (keys.Count == 0) throw new FunctionException(2, "combine_maps: merge conditions must not be empty");
        bool keepUnmatched = false;
        if (arguments.Length == 4) keepUnmatched = arguments[3] is BoolValue flag ? flag.Flag : throw StandardFunctions.Wrong(3, arguments[3], "bool");
        var merged = new List<Value>();
        foreach (var a in left)
        {
            bool matched = false;
            foreach (var b in right)
            {
                if (!keys.TrueForAll(k => a[k] is { } x && b[k] is { } y && x.Equals(y))) continue;
                matched = true;
                merged.Add(new ObjectValue(a.Fields.Concat(b.Fields)));
            }
            if (!matched && keepUnmatched) merged.Add(a);
        }
        return new ArrayValue(merged);
    }

    /// <summary>Groups objects by the text of one field: <c>[{key = value, items = […]}]</c>, objects without it last.</summary>
    public static Value GroupBy(HostFacts facts, Value[] arguments)
    {
        if (arguments.Length != 3) throw new FunctionException(-1, $"group_by: expected 3 arguments, got {arguments.Length}");
        if (arguments[0] is not ArrayValue) throw StandardFunctions.Wrong(0, arguments[0], "array");
        string key = arguments[1] is StringValue text ? text.Text : throw StandardFunctions.Wrong(1, arguments[1], "string");
        bool dropMissing = arguments[2] is BoolValue flag ? flag.Flag : throw StandardFunctions.Wrong(2, arguments[2], "bool");
        var order = new List<string>();
        var groups = new Dictionary<string, List<Value>>(StringComparer.Ordinal);
        var missing = new List<Value>();
        foreach (var item in Objects(arguments, 0))
        {
            if (item[key] is not { } value)
            {
                missing.Add(item);
                continue;
            }
            string name = value is StringValue s ? s.Text : throw StandardFunctions.Wrong(0, value, "string");
            if (!groups.TryGetValue(name, out var group))
            {
                groups[name] = group = [];
                order.Add(name);
            }
            group.Add(item);
        }
        var result = order.Select(n => Group(key, n, groups[n])).ToList();
        if (missing.Count > 0 && !dropMissing) result.Add(Group(key, "", missing));
        return new ArrayValue(result);
    }

    private static Value Group(string key, string name, List<Value> items) => new ObjectValue(
    [
        KeyValuePair.Create(key, Value.Of(name)),
        KeyValuePair.Create<string, Value>("items", new ArrayValue(items)),
    ]);

    private static List<ObjectValue> Objects(Value[] arguments, int index)
    {
        if (arguments[index] is not ArrayValue array) throw StandardFunctions.Wrong(index, arguments[index], "array");
        return [.. array.Items.Select(i => i as ObjectValue ?? throw StandardFunctions.Wrong(index, i, "object"))];
    }
}
