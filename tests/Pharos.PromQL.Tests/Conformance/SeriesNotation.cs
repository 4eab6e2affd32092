using System.Globalization;
using Pharos.Core;
using Pharos.PromQL.Execution;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL.Tests.Conformance;

/// <summary>One position of a sequence: nothing, a float or a histogram.</summary>
internal readonly record struct SequenceValue(bool Missing, double Value, Histogram? Histogram)
{
    public static SequenceValue None { get; } = new(true, 0, null);
}

/// <summary>Reads the series lines of test scripts: <c>name{a="b"} 1+2x3 _ stale {{count:1}}</c>.</summary>
internal static class SeriesNotation
{
    /// <summary>Splits a line behind its metric. <paramref name="isStart"/> is set for a line of start timestamps (<c>@st</c>).</summary>
    public static (Labels Labels, string Values) Split(string line, out bool isStart)
    {
        int at = 0;
        bool inBraces = false;
        char quote = '\0';
        for (; at < line.Length; at++)
        {
            char c = line[at];
            if (quote != '\0')
            {
                if (c == '\\' && quote != '`') at++;
                else if (c == quote) quote = '\0';
            }
            else if (c is '"' or '\'' or '`' && inBraces) quote = c;
            else if (c == '{')
            {
                // A histogram begins with two braces; a metric's labels with one.
                if (at + 1 < line.Length && line[at + 1] == '{') break;
                inBraces = true;
            }
            else if (c == '}') inBraces = false;
            else if (!inBraces && c is ' ' or '\t')
            {
                int next = at;
                while (next < line.Length && line[next] is ' ' or '\t') next++;
                if (next < line.Length && line[next] == '{' && !(next + 1 < line.Length && line[next + 1] == '{') && !line[..at].Contains('{')) at = next - 1;
                else break;
            }
        }
        string metric = line[..at].Trim();
        isStart = metric.EndsWith("@st", StringComparison.Ordinal);
        if (isStart) metric = metric[..^3];
        return (Metric(metric), line[at..].Trim());
    }

    public static Labels Metric(string text)
    {
        if (text.Length == 0) return Labels.Empty;
        var builder = new LabelsBuilder();
        foreach (var matcher in Parser.ParseSelector(text, mayBeEmpty: true).Matchers) builder.Set(matcher.Name, matcher.Value);
        return builder.ToLabels();
    }

    public static List<SequenceValue> Values(string text)
    {
        var values = new List<SequenceValue>();
        foreach (string item in Items(text)) Item(item, values);
        return values;
    }

    public static List<long?> Offsets(string text)
    {
        var offsets = new List<long?>();
        foreach (string item in Items(text))
        {
            if (item[0] == '_')
            {
                int n = item.Length > 1 ? int.Parse(item[2..], CultureInfo.InvariantCulture) : 1;
                for (int i = 0; i < n; i++) offsets.Add(null);
                continue;
            }
            int times = item.LastIndexOf('x');
            string body = times < 0 ? item : item[..times];
            int repeat = times < 0 ? 0 : int.Parse(item[(times + 1)..], CultureInfo.InvariantCulture);
            int sign = 1;
            int op = body.AsSpan(1).IndexOfAny('+', '-');
            string first = op < 0 ? body : body[..(op + 1)];
            long delta = op < 0 ? 0 : Duration(body[(op + 2)..]) * (body[op + 1] == '-' ? -1 : 1);
            if (first[0] is '+' or '-')
            {
                if (first[0] == '-') sign = -1;
                first = first[1..];
            }
            long value = sign * Duration(first);
            for (int i = 0; i <= repeat; i++) offsets.Add(value + (i * delta));
        }
        return offsets;
    }

    public static long Duration(string text) =>
        PromDuration.TryParseMs(text, out long ms, out string? error) ? ms
        : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds) ? (long)(seconds * 1000)
        : throw new FormatException(error);

    private static IEnumerable<string> Items(string text)
    {
        int at = 0;
        while (at < text.Length)
        {
            while (at < text.Length && text[at] is ' ' or '\t') at++;
            if (at >= text.Length) break;
            int start = at, depth = 0;
            for (; at < text.Length; at++)
            {
                if (text[at] == '{') depth++;
                else if (text[at] == '}') depth--;
                else if (depth == 0 && text[at] is ' ' or '\t') break;
            }
            yield return text[start..at];
        }
    }

    private static void Item(string item, List<SequenceValue> into)
    {
        if (item[0] == '_')
        {
            int n = item.Length > 1 ? int.Parse(item[2..], CultureInfo.InvariantCulture) : 1;
            for (int i = 0; i < n; i++) into.Add(SequenceValue.None);
            return;
        }
        if (item.StartsWith("{{", StringComparison.Ordinal))
        {
            Histograms(item, into);
            return;
        }
        if (item == "stale")
        {
            into.Add(new SequenceValue(false, SampleValue.Stale, null));
            return;
        }
        int times = item.LastIndexOf('x');
        // 0x10 is eleven zeros; 0x1f can only be hexadecimal.
        if (times >= 0 && item.AsSpan(times + 1).ContainsAnyExceptInRange('0', '9')) times = -1;
        if (times < 0)
        {
            into.Add(new SequenceValue(false, Number(item), null));
            return;
        }
        int repeat = int.Parse(item[(times + 1)..], CultureInfo.InvariantCulture);
        string body = item[..times];
        int op = -1;
        for (int i = body.Length - 1; i > 0; i--)
        {
            if (body[i] is '+' or '-' && body[i - 1] is not ('e' or 'E' or '+' or '-'))
            {
                op = i;
                break;
            }
            if (body[i] is '+' or '-' && body[i - 1] is '+' or '-')
            {
                op = i - 1;
                break;
            }
        }
        double value = Number(op < 0 ? body : body[..op]);
        double delta = op < 0 ? 0 : Number(body[(op + 1)..]) * (body[op] == '-' ? -1 : 1);
        for (int i = 0; i <= repeat; i++)
        {
            into.Add(new SequenceValue(false, value, null));
            value += delta;
        }
    }

    public static double Number(string text)
    {
        bool negative = text.StartsWith('-');
        string bare = text.TrimStart('+', '-');
        double value = bare.ToLowerInvariant() switch
        {
            "inf" => double.PositiveInfinity,
            "nan" => SampleValue.NormalNaN,
            _ => Lexer.TryNumber(bare, out double n) ? n : throw new FormatException($"not a number: {text}"),
        };
        return negative ? -value : value;
    }

    private static void Histograms(string item, List<SequenceValue> into)
    {
        int end = item.IndexOf("}}", StringComparison.Ordinal) + 2;
        var first = Histogram(item[..end]);
        if (end == item.Length)
        {
            into.Add(new SequenceValue(false, 0, first));
            return;
        }
        Histogram? delta = null;
        bool subtract = false;
        if (item[end] is '+' or '-')
        {
            subtract = item[end] == '-';
            int deltaEnd = item.IndexOf("}}", end, StringComparison.Ordinal) + 2;
            delta = Histogram(item[(end + 1)..deltaEnd]);
            end = deltaEnd;
        }
        int repeat = int.Parse(item[(end + 1)..], CultureInfo.InvariantCulture);
        var current = first;
        into.Add(new SequenceValue(false, 0, current));
        for (int i = 0; i < repeat; i++)
        {
            if (delta is not null)
            {
                HistogramMath.TryAdd(current, delta, subtract, out var sum, out _, out _);
                current = HistogramMath.WithHint(sum!, first.ResetHint);
            }
            into.Add(new SequenceValue(false, 0, current));
        }
    }

    public static Histogram Histogram(string text)
    {
        double count = 0, sum = 0, zeroCount = 0, zeroWidth = 0;
        int schema = 0, offset = 0, negativeOffset = 0;
        double[] positive = [], negative = [], custom = [];
        var hint = CounterResetHint.Unknown;
        foreach (string pair in Pairs(text[2..^2]))
        {
            int colon = pair.IndexOf(':', StringComparison.Ordinal);
            string value = pair[(colon + 1)..].Trim();
            switch (pair[..colon].Trim())
            {
                case "schema": schema = int.Parse(value, CultureInfo.InvariantCulture); break;
                case "count": count = Number(value); break;
                case "sum": sum = Number(value); break;
                case "z_bucket": zeroCount = Number(value); break;
                case "z_bucket_w": zeroWidth = Number(value); break;
                case "buckets": positive = List(value); break;
                case "offset": offset = int.Parse(value, CultureInfo.InvariantCulture); break;
                case "n_buckets": negative = List(value); break;
                case "n_offset": negativeOffset = int.Parse(value, CultureInfo.InvariantCulture); break;
                case "custom_values": custom = List(value); break;
                case "counter_reset_hint":
                    hint = value switch
                    {
                        "gauge" => CounterResetHint.Gauge,
                        "reset" => CounterResetHint.Reset,
                        "not_reset" => CounterResetHint.NotReset,
                        _ => CounterResetHint.Unknown,
                    };
                    break;
                default: throw new FormatException($"unknown key of a histogram: {pair}");
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

    private static double[] List(string text) =>
        [.. text.Trim('[', ']').Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(Number)];

    private static IEnumerable<string> Pairs(string text)
    {
        int at = 0;
        while (at < text.Length)
        {
            while (at < text.Length && text[at] == ' ') at++;
            if (at >= text.Length) yield break;
            int start = at, depth = 0;
            for (; at < text.Length; at++)
            {
                if (text[at] == '[') depth++;
                else if (text[at] == ']') depth--;
                else if (depth == 0 && text[at] == ' ') break;
            }
            yield return text[start..at];
        }
    }
}
