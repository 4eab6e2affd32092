using System.Globalization;
using System.Text.Json;

namespace Pharos.Collector.Evaluation;

/// <summary>
/// JSONPath: <c>$ .name ['name'] [0] [-1] [1:3] [*] .* ..name [a,b] [?(@.name == "x" &amp;&amp; @.n &gt; 1)]</c>.
/// What a path does not find is left out of the result.
/// </summary>
internal static class JsonPath
{
    public static IReadOnlyList<JsonElement> Select(JsonElement root, string path)
    {
        var reader = new Reader(path);
        if (reader.Peek == '$') reader.Take();
        return reader.Steps([root], root, inFilter: false);
    }

    private sealed class Reader(string path)
    {
        private int at;
        private int depth;

        public char Peek => at < path.Length ? path[at] : '\0';

        public void Take() => at++;

        public List<JsonElement> Steps(List<JsonElement> current, JsonElement root, bool inFilter)
        {
            while (at < path.Length)
            {
                if (Peek == '.')
                {
                    at++;
                    bool deep = Peek == '.';
                    if (deep)
                    {
                        at++;
                        current = [.. current.SelectMany(Descendants)];
                    }
                    if (Peek == '[') continue;
                    if (Peek == '*')
                    {
                        at++;
                        current = [.. current.SelectMany(Children)];
                        continue;
                    }
                    string name = Name();
                    if (name.Length == 0)
                    {
                        if (at >= path.Length && !deep) return current;
                        throw Wrong("a name is missing");
                    }
                    current = [.. current.SelectMany(e => Property(e, name))];
                }
                else if (Peek == '[')
                {
                    at++;
                    current = Bracket(current, root);
                }
                else if (inFilter)
                {
                    return current;
                }
                else if (at == 0)
                {
                    string name = Name();
                    if (name.Length == 0) throw Wrong($"unexpected '{Peek}'");
                    current = [.. current.SelectMany(e => Property(e, name))];
                }
                else
                {
                    throw Wrong($"unexpected '{Peek}'");
                }
            }
            return current;
        }

        private List<JsonElement> Bracket(List<JsonElement> current, JsonElement root)
        {
            Space();
            if (Peek == '*')
            {
                at++;
                Close();
                return [.. current.SelectMany(Children)];
            }
            if (Peek == '?')
            {
                at++;
                Space();
                int start = at;
                var kept = new List<JsonElement>();
                var candidates = current.SelectMany(Children).ToList();
                // The filter's text is read once for each candidate; with none it is read for its end alone.
                foreach (var candidate in candidates.Count > 0 ? candidates : [root])
                {
                    at = start;
                    bool keep = Or(candidate, root);
                    if (keep && candidates.Count > 0) kept.Add(candidate);
                }
                Close();
                return kept;
            }
            var selected = new List<Func<JsonElement, IEnumerable<JsonElement>>>();
            while (true)
            {
                Space();
                if (Peek is '"' or '\'')
                {
                    string name = Quoted();
                    selected.Add(e => Property(e, name));
                }
                else
                {
                    int? first = Integer();
                    Space();
                    if (Peek == ':')
                    {
                        at++;
                        Space();
                        int? last = Integer();
                        selected.Add(e => Slice(e, first, last));
                    }
                    else if (first is { } index)
                    {
                        selected.Add(e => Item(e, index));
                    }
                    else
                    {
                        string name = Name();
                        if (name.Length == 0) throw Wrong("an index is missing");
                        selected.Add(e => Property(e, name));
                    }
                }
                Space();
                if (Peek != ',') break;
                at++;
            }
            Close();
            return [.. current.SelectMany(e => selected.SelectMany(s => s(e)))];
        }

        private bool Or(JsonElement here, JsonElement root)
        {
            bool value = And(here, root);
            while (Operator("||")) value |= And(here, root);
            return value;
        }

        private bool And(JsonElement here, JsonElement root)
        {
            bool value = Compare(here, root);
            while (Operator("&&")) value &= Compare(here, root);
            return value;
        }

        private bool Compare(JsonElement here, JsonElement root)
        {
            if (++depth > 64) throw Wrong("it is nested too deeply");
            bool value = Comparison(here, root);
            depth--;
            return value;
        }

        private bool Comparison(JsonElement here, JsonElement root)
        {
            Space();
            if (Operator("!")) return !Compare(here, root);
            if (Peek == '(')
            {
                at++;
                bool inner = Or(here, root);
                Space();
                if (Peek != ')') throw Wrong("a ) is missing");
                at++;
                return inner;
            }
            var left = Operand(here, root);
            foreach (string operation in (string[])["==", "!=", "<=", ">=", "<", ">"])
            {
                if (!Operator(operation)) continue;
                var right = Operand(here, root);
                if (operation == "==") return Same(left, right);
                if (operation == "!=") return !Same(left, right);
                int? order = (left, right) switch
                {
                    (double a, double b) => a.CompareTo(b),
                    (string a, string b) => string.CompareOrdinal(a, b),
                    _ => null,
                };
                return order is { } o && operation switch { "<=" => o <= 0, ">=" => o >= 0, "<" => o < 0, _ => o > 0 };
            }
            return left is not null and not false;
        }

        private static bool Same(object? left, object? right) => Equals(left, right);

        private object? Operand(JsonElement here, JsonElement root)
        {
            Space();
            if (Peek is '@' or '$')
            {
                var from = Peek == '@' ? here : root;
                at++;
                if (++depth > 64) throw Wrong("it is nested too deeply");
                var found = Steps([from], root, inFilter: true);
                depth--;
                return found.Count == 0 ? null : Plain(found[0]);
            }
            if (Peek is '"' or '\'') return Quoted();
            int start = at;
            while (char.IsAsciiLetterOrDigit(Peek) || Peek is '-' or '+' or '.') at++;
            string word = path[start..at];
            return word switch
            {
                "true" => true,
                "false" => false,
                "null" => null,
                _ when double.TryParse(word, CultureInfo.InvariantCulture, out double number) => number,
                _ => throw Wrong($"\"{word}\" is no value"),
            };
        }

        private static object? Plain(JsonElement element) => element.ValueKind switch
        {
            JsonValueKind.String => element.GetString(),
            JsonValueKind.Number => element.GetDouble(),
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            JsonValueKind.Null => null,
            _ => element.GetRawText(),
        };

        private bool Operator(string text)
        {
            Space();
            if (string.CompareOrdinal(path, at, text, 0, text.Length) != 0) return false;
            at += text.Length;
            return true;
        }

        private string Name()
        {
            int start = at;
            while (char.IsLetterOrDigit(Peek) || Peek is '_' or '-') at++;
            return path[start..at];
        }

        private int? Integer()
        {
            int start = at;
            if (Peek == '-') at++;
            while (char.IsAsciiDigit(Peek)) at++;
            if (int.TryParse(path.AsSpan(start, at - start), CultureInfo.InvariantCulture, out int number)) return number;
            at = start;
            return null;
        }

        private string Quoted()
        {
            char quote = Peek;
            var text = new System.Text.StringBuilder();
            for (at++; at < path.Length && Peek != quote; at++)
            {
                if (Peek == '\\' && at + 1 < path.Length) at++;
                text.Append(Peek);
            }
            if (Peek != quote) throw Wrong("a quote is not closed");
            at++;
            return text.ToString();
        }

        private void Space()
        {
            while (Peek is ' ' or '\t' or '\n') at++;
        }

        private void Close()
        {
            Space();
            if (Peek != ']') throw Wrong("a ] is missing");
            at++;
        }

        private FunctionException Wrong(string what) => new(1, $"not a valid JSONPath at character {at + 1}: {what}");

        private static IEnumerable<JsonElement> Property(JsonElement element, string name)
        {
            if (element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value)) yield return value;
        }

        private static IEnumerable<JsonElement> Item(JsonElement element, int index)
        {
            if (element.ValueKind != JsonValueKind.Array) yield break;
            int length = element.GetArrayLength();
            if (index < 0) index += length;
            if (index >= 0 && index < length) yield return element[index];
        }

        private static IEnumerable<JsonElement> Slice(JsonElement element, int? first, int? last)
        {
            if (element.ValueKind != JsonValueKind.Array) yield break;
            int length = element.GetArrayLength();
            int from = Math.Clamp(first is { } f ? (f < 0 ? f + length : f) : 0, 0, length);
            int to = Math.Clamp(last is { } l ? (l < 0 ? l + length : l) : length, 0, length);
            for (int i = from; i < to; i++) yield return element[i];
        }

        private static IEnumerable<JsonElement> Children(JsonElement element) => element.ValueKind switch
        {
            JsonValueKind.Array => element.EnumerateArray(),
            JsonValueKind.Object => element.EnumerateObject().Select(p => p.Value),
            _ => [],
        };

        private static IEnumerable<JsonElement> Descendants(JsonElement element) => Children(element).SelectMany(Descendants).Prepend(element);
    }
}
