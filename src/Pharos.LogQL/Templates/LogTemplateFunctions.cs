using System.Globalization;
using System.Text;
using System.Text.Json;
using Pharos.Core;
using Pharos.LogQL.Syntax;
using Pharos.Templates;
using Pharos.Templates.Formatting;

namespace Pharos.LogQL.Templates;

/// <summary>The functions that Loki gives to its templates; the last argument takes the piped value.</summary>
internal static class LogTemplateFunctions
{
    private const int RepeatMax = 1 << 20;
    private const int TextMax = 4 * RepeatMax;

    public static TemplateFunctions Pure { get; } = Build();

    private static TemplateFunctions Build()
    {
        var functions = new TemplateFunctions();
        Text(functions);
        OldText(functions);
        Encodings(functions);
        NumberFunctions(functions);
        Times(functions);
        return functions;
    }

    private static void Text(TemplateFunctions f) => f
        .Set("lower", (string s) => s.ToLowerInvariant())
        .Set("upper", (string s) => s.ToUpperInvariant())
        .Set("title", (string s) => GoText.Title(s))
        .Set("trim", (string s) => s.Trim())
        .Set("trimAll", (string cut, string s) => s.Trim(cut.ToCharArray()))
        .Set("trimPrefix", (string prefix, string s) => Without(s, prefix, atStart: true))
        .Set("trimSuffix", (string suffix, string s) => Without(s, suffix, atStart: false))
        .Set("replace", (string old, string by, string s) => Replace(s, old, by, -1))
        .Set("repeat", (long n, string s) => Repeat(n, s))
        .Set("trunc", (long n, string s) => Truncate(n, s))
        .Set("substr", (long from, long to, string s) => Substring(from, to, s))
        .Set("indent", (long n, string s) => Indent(n, s))
        .Set("nindent", (long n, string s) => "\n" + Indent(n, s))
        .Set("alignLeft", (long n, string s) => Align(n, s, left: true))
        .Set("alignRight", (long n, string s) => Align(n, s, left: false))
        .Set("default", (object? otherwise, object? value) => IsEmpty(value) ? otherwise : value)
        .Set("contains", (string part, string s) => s.Contains(part, StringComparison.Ordinal))
        .Set("hasPrefix", (string prefix, string s) => s.StartsWith(prefix, StringComparison.Ordinal))
        .Set("hasSuffix", (string suffix, string s) => s.EndsWith(suffix, StringComparison.Ordinal));

    private static void OldText(TemplateFunctions f) => f
        .Set("ToLower", (string s) => s.ToLowerInvariant())
        .Set("ToUpper", (string s) => s.ToUpperInvariant())
        .Set("Replace", (string s, string old, string by, long n) => Replace(s, old, by, n))
        .Set("Trim", (string s, string cut) => s.Trim(cut.ToCharArray()))
        .Set("TrimLeft", (string s, string cut) => s.TrimStart(cut.ToCharArray()))
        .Set("TrimRight", (string s, string cut) => s.TrimEnd(cut.ToCharArray()))
        .Set("TrimPrefix", (string s, string prefix) => Without(s, prefix, atStart: true))
        .Set("TrimSuffix", (string s, string suffix) => Without(s, suffix, atStart: false))
        .Set("TrimSpace", (string s) => s.Trim());

    /// <summary>The functions that search with expressions.</summary>
    /// <param name="watch">Called after each match; ends what takes too long.</param>
    public static TemplateFunctions Patterns(Action watch) => new TemplateFunctions()
        .Set("regexReplaceAll", (string pattern, string s, string by) => GoText.ReReplaceAll(pattern, by, s, watch))
        .Set("regexReplaceAllLiteral", (string pattern, string s, string by) => GoText.ReReplaceAll(pattern, by.Replace("$", "$$", StringComparison.Ordinal), s, watch))
        .Set("count", (string pattern, string s) => (long)GoText.Matches(GoText.Regex(pattern), s, watch).Count());

    private static void Encodings(TemplateFunctions f) => f
        .Set("urlencode", (string s) => GoText.UrlQueryEscape(s))
        .Set("urldecode", (string s) => GoText.UrlQueryUnescape(s))
        .Set("b64enc", (string s) => Convert.ToBase64String(Encoding.UTF8.GetBytes(s)))
        .Set("b64dec", (string s) => Base64(s))
        .Set("fromJson", (string s) => FromJson(s));

    private static void NumberFunctions(TemplateFunctions f) => f
        .Set("int", (object? v) => Int(v))
        .Set("float64", (object? v) => Float(v))
        .SetVariadic<object>("add", 0, a => a.Aggregate(0L, (sum, v) => unchecked(sum + Int(v))))
        .Set("sub", (object? a, object? b) => unchecked(Int(a) - Int(b)))
        .SetVariadic<object>("mul", 1, a => a.Aggregate(1L, (product, v) => unchecked(product * Int(v))))
        .Set("div", (object? a, object? b) => Divide(Int(a), Int(b)))
        .Set("mod", (object? a, object? b) => Modulo(Int(a), Int(b)))
        .SetVariadic<object>("max", 1, a => a.Max(Int))
        .SetVariadic<object>("min", 1, a => a.Min(Int))
        .SetVariadic<object>("addf", 0, a => Decimals(a, (x, y) => x + y, (x, y) => x + y))
        .SetVariadic<object>("subf", 1, a => Decimals(a, (x, y) => x - y, (x, y) => x - y))
        .SetVariadic<object>("mulf", 1, a => Decimals(a, (x, y) => x * y, (x, y) => x * y))
        .SetVariadic<object>("divf", 1, a => Decimals(a, (x, y) => decimal.Round(x / y, 16), (x, y) => x / y))
        .SetVariadic<object>("maxf", 1, a => a.Max(Float))
        .SetVariadic<object>("minf", 1, a => a.Min(Float))
        .Set("ceil", (object? v) => Math.Ceiling(Float(v)))
        .Set("floor", (object? v) => Math.Floor(Float(v)))
        .SetVariadic<object>("round", 2, a => Round(Float(a[0]), Int(a[1]), a.Length > 2 ? Float(a[2]) : .5))
        .Set("bytes", (string s) => Numbers.TrySize(s, out double bytes, out string error) ? bytes : throw new TemplateFunctionException(error))
        .Set("duration", (string s) => Seconds(s))
        .Set("duration_seconds", (string s) => Seconds(s));

    private static void Times(TemplateFunctions f) => f
        .Set("date", (string layout, object? time) => Time(time).Format(layout))
        .Set("toDate", (string layout, string s) => ToDate(layout, s, null))
        .Set("toDateInZone", (string layout, string zone, string s) => ToDate(layout, s, GoZone.Find(zone)))
        .Set("unixEpoch", (GoTime t) => t.UnixSeconds.ToString(CultureInfo.InvariantCulture))
        .Set("unixEpochMillis", (GoTime t) => t.UnixMs.ToString(CultureInfo.InvariantCulture))
        .Set("unixEpochNanos", (GoTime t) => t.UnixNs.ToString(CultureInfo.InvariantCulture))
        .Set("unixToTime", (string s) => UnixToTime(s));

    private static string Without(string s, string part, bool atStart)
    {
        if (atStart) return s.StartsWith(part, StringComparison.Ordinal) ? s[part.Length..] : s;
        return s.EndsWith(part, StringComparison.Ordinal) ? s[..^part.Length] : s;
    }

    private static string Replace(string s, string old, string by, long n)
    {
        var text = new StringBuilder();
        int at = 0;
        for (long done = 0; n < 0 || done < n; done++)
        {
            int hit = old.Length == 0 ? (done == 0 ? 0 : at < s.Length ? at + 1 : -1) : s.IndexOf(old, at, StringComparison.Ordinal);
            if (hit < 0) break;
            text.Append(s, at, hit - at).Append(by);
            Bounded(text.Length);
            at = hit + old.Length;
        }
        return text.Append(s, at, s.Length - at).ToString();
    }

    private static string Repeat(long n, string s)
    {
        if (n < 0) throw new TemplateFunctionException("strings: negative Repeat count");
        if (s.Length > 0 && n > RepeatMax / s.Length) throw new TemplateFunctionException($"repeat gives more than {RepeatMax} characters");
        return s.Length == 0 ? "" : string.Concat(Enumerable.Repeat(s, (int)n));
    }

    private static void Bounded(long length)
    {
        if (length > TextMax) throw new TemplateFunctionException($"the text has more than {TextMax} characters");
    }

    private static string Truncate(long n, string s)
    {
        var runes = s.EnumerateRunes().ToArray();
        if (n < 0 && runes.Length + n > 0) return string.Concat(runes.Skip((int)(runes.Length + n)));
        return n >= 0 && runes.Length > n ? string.Concat(runes.Take((int)n)) : s;
    }

    private static string Substring(long from, long to, string s)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(s);
        long start = from < 0 ? 0 : from;
        long end = from < 0 || (to >= 0 && to <= bytes.Length) ? to : bytes.Length;
        if (start > end || end > bytes.Length || end < 0) throw new TemplateFunctionException($"slice bounds out of range [{start}:{end}] with length {bytes.Length}");
        return Encoding.UTF8.GetString(bytes, (int)start, (int)(end - start));
    }

    private static string Indent(long n, string s)
    {
        string pad = Repeat(Math.Max(0, n), " ");
        Bounded(s.Length + (pad.Length * (1L + s.Count(c => c == '\n'))));
        return pad + s.Replace("\n", "\n" + pad, StringComparison.Ordinal);
    }

    private static string Align(long n, string s, bool left)
    {
        if (n < 0) return s;
        var runes = s.EnumerateRunes().ToArray();
        if (runes.Length >= n) return string.Concat(left ? runes.Take((int)n) : runes.Skip(runes.Length - (int)n));
        string pad = Repeat(n - runes.Length, " ");
        return left ? s + pad : pad + s;
    }

    private static bool IsEmpty(object? value) => value switch
    {
        null => true,
        string text => text.Length == 0,
        bool yes => !yes,
        long number => number == 0,
        double number => number == 0,
        System.Collections.ICollection all => all.Count == 0,
        _ => false,
    };

    private static string Base64(string s)
    {
        try
        {
            return Encoding.UTF8.GetString(Convert.FromBase64String(s));
        }
        catch (FormatException)
        {
            // As Sprig does: the error is the text.
            return "illegal base64 data";
        }
    }

    private static object? FromJson(string s)
    {
        try
        {
            using var document = JsonDocument.Parse(s);
            return Value(document.RootElement);
        }
        catch (JsonException)
        {
            return "";
        }

        static object? Value(JsonElement element) => element.ValueKind switch
        {
            JsonValueKind.Object => element.EnumerateObject().GroupBy(p => p.Name, StringComparer.Ordinal).ToDictionary(p => p.Key, p => Value(p.Last().Value), StringComparer.Ordinal),
            JsonValueKind.Array => element.EnumerateArray().Select(Value).ToList(),
            JsonValueKind.String => element.GetString(),
            JsonValueKind.Number => element.GetDouble(),
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => null,
        };
    }

    private static long Int(object? value) => value switch
    {
        long number => number,
        ulong number => unchecked((long)number),
        double number => double.IsNaN(number) ? 0 : (long)number,
        bool yes => yes ? 1 : 0,
        string text when long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) => number,
        string text when Numbers.TryFloat(text, out double number) => (long)number,
        GoDuration duration => duration.Nanoseconds,
        _ => 0,
    };

    private static double Float(object? value) => value switch
    {
        double number => number,
        long number => number,
        ulong number => number,
        bool yes => yes ? 1 : 0,
        string text when Numbers.TryFloat(text, out double number) => number,
        _ => 0,
    };

    /// <summary>Sprig calculates with decimals, so that 0.1 + 0.2 is 0.3; where a number is too large or small for them, with floats.</summary>
    private static double Decimals(object?[] values, Func<decimal, decimal, decimal> exact, Func<double, double, double> rough)
    {
        if (values.Length == 0) return 0;
        var numbers = values.Select(Float).ToList();
        try
        {
            decimal result = numbers.Select(n => decimal.Parse(n.ToString("R", CultureInfo.InvariantCulture), NumberStyles.Float, CultureInfo.InvariantCulture)).Aggregate(exact);
            return double.Parse(result.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is OverflowException or DivideByZeroException or FormatException)
        {
            return numbers.Aggregate(rough);
        }
    }

    private static long Divide(long a, long b) => b == 0 ? throw new TemplateFunctionException("runtime error: integer divide by zero") : b == -1 ? unchecked(-a) : a / b;

    private static long Modulo(long a, long b) => b == 0 ? throw new TemplateFunctionException("runtime error: integer divide by zero") : b == -1 ? 0 : a % b;

    private static double Round(double value, long places, double roundOn)
    {
        double power = Math.Pow(10, places), digit = power * value;
        double fraction = digit - Math.Truncate(digit);
        return (fraction >= roundOn ? Math.Ceiling(digit) : Math.Floor(digit)) / power;
    }

    private static double Seconds(string s) => Numbers.TryGoDuration(s, out double ns, out string error) ? ns / 1e9 : throw new TemplateFunctionException(error);

    private static GoTime Time(object? value) => value switch
    {
        GoTime time => time,
        long seconds => GoTime.FromUnix(seconds),
        _ => throw new TemplateFunctionException("date takes a time, for example __timestamp__"),
    };

    private static GoTime ToDate(string layout, string s, GoZone? zone)
    {
        try
        {
            return GoTimeLayout.Parse(layout, s, zone);
        }
        catch (TemplateFunctionException)
        {
            // As Sprig's toDate does: an unreadable time is the zero time.
            return default;
        }
    }

    private static GoTime UnixToTime(string s)
    {
        if (!long.TryParse(s, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number))
            throw new TemplateFunctionException($"unable to parse time '{s}'");
        return s.Length switch
        {
            5 => GoTime.FromUnix(number * 86_400),
            10 => GoTime.FromUnix(number),
            13 => GoTime.FromUnixMs(number),
            16 => GoTime.FromUnix(number / 1_000_000, number % 1_000_000 * 1000),
            19 => GoTime.FromUnixNs(number),
            _ => throw new TemplateFunctionException($"unable to parse time '{s}': use 5 digits for days, 10 for seconds, 13 for milliseconds, 16 for microseconds, 19 for nanoseconds"),
        };
    }
}
