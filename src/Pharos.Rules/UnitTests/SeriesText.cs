using System.Globalization;
using Pharos.Core;
using Pharos.Templates.Formatting;

namespace Pharos.Rules.UnitTests;

/// <summary>One position of a sequence: nothing, a float or a histogram.</summary>
internal readonly record struct SeriesValue(bool Missing, double Value, Histogram? Histogram);

/// <summary>
/// The notation of series and values in rule unit tests: <c>name{a="b"}</c>; values <c>1 _ stale 0+1x5 {{sum:3 count:2 buckets:[2]}}x3</c>.
/// </summary>
internal static class SeriesText
{
    /// <summary>Longest expanded sequence.</summary>
    private const int ValuesMax = 10_000_000;

    /// <exception cref="FormatException">The text is no metric.</exception>
    public static Labels Metric(string text)
    {
        var builder = new LabelsBuilder();
        var rest = text.AsSpan().Trim();
        int brace = rest.IndexOf('{');
        var name = (brace < 0 ? rest : rest[..brace]).Trim();
        if (name.Length > 0)
        {
            if (!LabelNames.IsLegacyMetric(name)) throw new FormatException($"\"{text}\": not a metric name: \"{name}\"");
            builder.Set(Labels.MetricName, name.ToString());
        }
        if (brace < 0) return builder.ToLabels();
        int at = brace + 1;
        while (true)
        {
            SkipSpace(rest, ref at);
            if (at < rest.Length && rest[at] == '}')
            {
                at++;
                break;
            }
            string label = Word(rest, ref at, text);
            SkipSpace(rest, ref at);
            if (at < rest.Length && rest[at] is ',' or '}' && builder.Get(Labels.MetricName).Length == 0)
            {
                // A quoted name alone is the metric's name.
                builder.Set(Labels.MetricName, label);
            }
            else
            {
                if (at >= rest.Length || rest[at] != '=') throw new FormatException($"\"{text}\": expected = after label {label} at character {at + 1}");
                at++;
                SkipSpace(rest, ref at);
                if (at >= rest.Length || rest[at] is not ('"' or '\'' or '`')) throw new FormatException($"\"{text}\": expected a quoted value of label {label} at character {at + 1}");
                builder.Set(label, Word(rest, ref at, text));
            }
            SkipSpace(rest, ref at);
            if (at < rest.Length && rest[at] == ',') at++;
            else if (at >= rest.Length || rest[at] != '}') throw new FormatException($"\"{text}\": expected , or }} at character {at + 1}");
        }
        return rest[at..].Trim().IsEmpty ? builder.ToLabels() : throw new FormatException($"\"{text}\": unexpected text after }}");
    }

    /// <exception cref="FormatException">The text is no sequence of values.</exception>
    public static List<SeriesValue> Values(string text)
    {
        var values = new List<SeriesValue>();
        foreach (string item in Items(text))
        {
            try
            {
                Item(item, values);
            }
            catch (FormatException e)
            {
                throw new FormatException($"\"{item}\" is no value: {e.Message}", e);
            }
        }
        return values;
    }

    /// <summary>One histogram, <c>{{…}}</c>.</summary>
    /// <exception cref="FormatException">The text is no histogram.</exception>
    public static Histogram Histogram(string text)
    {
        if (!text.StartsWith("{{", StringComparison.Ordinal) || !text.EndsWith("}}", StringComparison.Ordinal)) throw new FormatException($"not a histogram: {text}");
        double count = 0, sum = 0, zeroCount = 0, zeroWidth = 0;
        int schema = 0, offset = 0, negativeOffset = 0;
        double[] positive = [], negative = [], custom = [];
        var hint = CounterResetHint.Unknown;
        foreach (string pair in Items(text[2..^2]))
        {
            int colon = pair.IndexOf(':');
            if (colon < 0) throw new FormatException($"not key:value in a histogram: {pair}");
            string value = pair[(colon + 1)..].Trim();
            switch (pair[..colon])
            {
                case "schema": schema = Whole(value); break;
                case "count": count = Number(value); break;
                case "sum": sum = Number(value); break;
                case "z_bucket": zeroCount = Number(value); break;
                case "z_bucket_w": zeroWidth = Number(value); break;
                case "buckets": positive = List(value); break;
                case "offset": offset = Whole(value); break;
                case "n_buckets": negative = List(value); break;
                case "n_offset": negativeOffset = Whole(value); break;
                case "custom_values": custom = List(value); break;
                case "counter_reset_hint":
                    hint = value switch
                    {
                        "gauge" => CounterResetHint.Gauge,
                        "reset" => CounterResetHint.Reset,
                        "not_reset" => CounterResetHint.NotReset,
                        "unknown" => CounterResetHint.Unknown,
                        _ => throw new FormatException($"unknown counter_reset_hint {value}"),
                    };
                    break;
                default: throw new FormatException($"unknown key in a histogram: {pair}");
            }
        }
        return new Histogram
        {
            Schema = schema,
            Count = count,
            Sum = sum,
            ZeroCount = zeroCount,
            ZeroThreshold = zeroWidth,
            PositiveBuckets = positive,
            PositiveSpans = positive.Length == 0 ? [] : [new BucketSpan(offset, (uint)positive.Length)],
            NegativeBuckets = negative,
            NegativeSpans = negative.Length == 0 ? [] : [new BucketSpan(negativeOffset, (uint)negative.Length)],
            CustomValues = custom,
            ResetHint = hint,
            IsFloat = true,
        };
    }

    /// <exception cref="FormatException">The text is no number.</exception>
    public static double Number(string text)
    {
        string plain = text.Replace("_", "", StringComparison.Ordinal);
        if (FloatVerbs.TryParse(plain, out double value)) return value;
        bool negative = plain.StartsWith('-');
        string digits = plain.TrimStart('+', '-');
        switch (digits.ToLowerInvariant())
        {
            case ".inf": return negative ? double.NegativeInfinity : double.PositiveInfinity;
            case ".nan" or "nan": return double.NaN;
        }
        if (digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            && long.TryParse(digits.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out long hexadecimal))
            return negative ? -hexadecimal : hexadecimal;
        throw new FormatException($"not a number: \"{text}\"");
    }

    private static void SkipSpace(ReadOnlySpan<char> text, ref int at)
    {
        while (at < text.Length && char.IsWhiteSpace(text[at])) at++;
    }

    /// <summary>A label name, or text in quotes.</summary>
    private static string Word(ReadOnlySpan<char> text, ref int at, string whole)
    {
        int start = at;
        if (at < text.Length && text[at] is '"' or '\'' or '`')
        {
            char quote = text[at++];
            while (at < text.Length && text[at] != quote) at += text[at] == '\\' && quote != '`' ? 2 : 1;
            if (at >= text.Length) throw new FormatException($"\"{whole}\": string at character {start + 1} is not closed");
            at++;
            return GoString.TryUnquote(text[start..at], out string? unquoted, out string? error, out _) ? unquoted : throw new FormatException($"\"{whole}\": {error}");
        }
        while (at < text.Length && (char.IsAsciiLetterOrDigit(text[at]) || text[at] == '_')) at++;
        if (at == start) throw new FormatException($"\"{whole}\": expected a label name or }} at character {at + 1}");
        return text[start..at].ToString();
    }

    /// <summary>Parts between white space that is in no bracket.</summary>
    private static IEnumerable<string> Items(string text)
    {
        int at = 0;
        while (at < text.Length)
        {
            while (at < text.Length && char.IsWhiteSpace(text[at])) at++;
            if (at >= text.Length) break;
            int start = at, depth = 0;
            for (; at < text.Length; at++)
            {
                if (text[at] is '{' or '[') depth++;
                else if (text[at] is '}' or ']') depth--;
                else if (depth == 0 && char.IsWhiteSpace(text[at])) break;
            }
            yield return text[start..at];
        }
    }

    private static void Item(string item, List<SeriesValue> into)
    {
        if (item[0] == '_')
        {
            int n = item.Length == 1 ? 1 : item[1] == 'x' ? Whole(item[2..]) : throw new FormatException($"not a value: {item}");
            Repeat(into, n, _ => new SeriesValue(true, 0, null));
            return;
        }
        if (item == "stale")
        {
            into.Add(new SeriesValue(false, SampleValue.Stale, null));
            return;
        }
        if (item.StartsWith("{{", StringComparison.Ordinal))
        {
            Histograms(item, into);
            return;
        }
        int times = item.LastIndexOf('x');
        // 0x10 is eleven zeros; 0x1f can only be hexadecimal.
        if (times >= 0 && item.AsSpan(times + 1).ContainsAnyExceptInRange('0', '9')) times = -1;
        if (times < 0)
        {
            into.Add(new SeriesValue(false, Number(item), null));
            return;
        }
        int repeat = Whole(item[(times + 1)..]);
        string body = item[..times];
        int op = Operator(body);
        double value = Number(op < 0 ? body : body[..op]);
        double delta = op < 0 ? 0 : Number(body[(op + 1)..]) * (body[op] == '-' ? -1 : 1);
        Repeat(into, repeat + 1, _ =>
        {
            double now = value;
            value += delta;
            return new SeriesValue(false, now, null);
        });
    }

    /// <summary>Index of the + or - between start and step; −1 where there is no step.</summary>
    private static int Operator(string body)
    {
        for (int i = 1; i < body.Length; i++)
        {
            if (body[i] is '+' or '-' && body[i - 1] is not ('e' or 'E')) return i;
        }
        return -1;
    }

    private static void Histograms(string item, List<SeriesValue> into)
    {
        int end = item.IndexOf("}}", StringComparison.Ordinal) + 2;
        if (end < 2) throw new FormatException($"histogram is not closed: {item}");
        var current = Histogram(item[..end]);
        into.Add(new SeriesValue(false, 0, current));
        if (end == item.Length) return;
        Histogram? delta = null;
        bool subtract = item[end] == '-';
        if (item[end] is '+' or '-')
        {
            int deltaEnd = item.IndexOf("}}", end, StringComparison.Ordinal) + 2;
            if (deltaEnd < 2) throw new FormatException($"histogram is not closed: {item}");
            delta = Histogram(item[(end + 1)..deltaEnd]);
            end = deltaEnd;
        }
        if (end >= item.Length || item[end] != 'x') throw new FormatException($"expected x and a count after a histogram: {item}");
        Repeat(into, Whole(item[(end + 1)..]), _ =>
        {
            if (delta is not null) current = HistogramSum.Add(current, delta, subtract ? -1 : 1);
            return new SeriesValue(false, 0, current);
        });
    }

    private static void Repeat(List<SeriesValue> into, int count, Func<int, SeriesValue> value)
    {
        if (into.Count + (long)count > ValuesMax) throw new FormatException($"more than {ValuesMax} values");
        for (int i = 0; i < count; i++) into.Add(value(i));
    }

    private static int Whole(string text) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) ? number : throw new FormatException($"not a whole number: \"{text}\"");

    private static double[] List(string text) =>
        [.. text.Trim('[', ']').Split((char[])[' ', '\t', '\n'], StringSplitOptions.RemoveEmptyEntries).Select(Number)];
}
