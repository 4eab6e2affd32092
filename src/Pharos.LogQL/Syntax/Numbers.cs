using System.Globalization;
using Pharos.Core;

namespace Pharos.LogQL.Syntax;

/// <summary>Numbers, durations and sizes as Go and humanize libraries read them.</summary>
internal static class Numbers
{
    private static readonly (string Unit, double Ns)[] GoUnits =
    [
        ("ns", 1), ("us", 1e3), ("µs", 1e3), ("μs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9),
    ];

    /// <summary>Units of sizes in label values, lower case; any case is taken there.</summary>
    private static readonly Dictionary<string, double> SizeUnits = new(StringComparer.Ordinal)
    {
        [""] = 1, ["b"] = 1,
        ["kb"] = 1e3, ["k"] = 1e3, ["mb"] = 1e6, ["m"] = 1e6, ["gb"] = 1e9, ["g"] = 1e9, ["tb"] = 1e12, ["t"] = 1e12,
        ["pb"] = 1e15, ["p"] = 1e15, ["eb"] = 1e18, ["e"] = 1e18,
        ["kib"] = 1L << 10, ["ki"] = 1L << 10, ["mib"] = 1L << 20, ["mi"] = 1L << 20, ["gib"] = 1L << 30, ["gi"] = 1L << 30,
        ["tib"] = 1L << 40, ["ti"] = 1L << 40, ["pib"] = 1L << 50, ["pi"] = 1L << 50, ["eib"] = 1L << 60, ["ei"] = 1L << 60,
    };

    private static readonly HashSet<string> QueryUnits = new(StringComparer.Ordinal)
    {
        "B", "kB", "KB", "MB", "GB", "TB", "PB", "EB", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB",
    };

    /// <summary>Go's strconv.ParseFloat: decimal, Inf, NaN, hexadecimal only with a binary exponent; underscores are not taken.</summary>
    public static bool TryFloat(ReadOnlySpan<char> text, out double value)
    {
        value = 0;
        if (text.IsEmpty) return false;
        var unsigned = text[0] is '+' or '-' ? text[1..] : text;
        bool negative = text[0] == '-';
        if (unsigned.IsEmpty) return false;
        if (unsigned.Equals("inf", StringComparison.OrdinalIgnoreCase) || unsigned.Equals("infinity", StringComparison.OrdinalIgnoreCase))
        {
            value = negative ? double.NegativeInfinity : double.PositiveInfinity;
            return true;
        }
        if (unsigned.Equals("nan", StringComparison.OrdinalIgnoreCase))
        {
            value = double.NaN;
            return unsigned.Length == text.Length;
        }
        if (unsigned.Length > 1 && unsigned[0] == '0' && unsigned[1] is 'x' or 'X') return TryHexFloat(unsigned[2..], negative, out value);
        if (!char.IsAsciiDigit(unsigned[0]) && unsigned[0] != '.') return false;
        return double.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out value)
            && !double.IsInfinity(value);
    }

    /// <summary>Go's time.ParseDuration; nanoseconds. The error is Go's.</summary>
    public static bool TryGoDuration(ReadOnlySpan<char> text, out double ns, out string error)
    {
        ns = 0;
        error = "";
        var rest = text;
        bool negative = false;
        if (!rest.IsEmpty && rest[0] is '-' or '+')
        {
            negative = rest[0] == '-';
            rest = rest[1..];
        }
        if (rest is "0") return true;
        if (rest.IsEmpty) return Invalid(text, out error);
        while (!rest.IsEmpty)
        {
            int digits = 0;
            while (digits < rest.Length && (char.IsAsciiDigit(rest[digits]) || rest[digits] == '.')) digits++;
            if (digits == 0 || !double.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number))
                return Invalid(text, out error);
            int letters = digits;
            while (letters < rest.Length && rest[letters] != '.' && !char.IsAsciiDigit(rest[letters])) letters++;
            var unit = rest[digits..letters];
            if (unit.IsEmpty)
            {
                error = $"time: missing unit in duration {GoString.Quote(text.ToString())}";
                return false;
            }
            double factor = 0;
            foreach (var (name, unitNs) in GoUnits)
            {
                if (unit.SequenceEqual(name)) factor = unitNs;
            }
            if (factor == 0)
            {
                error = $"time: unknown unit {GoString.Quote(unit.ToString())} in duration {GoString.Quote(text.ToString())}";
                return false;
            }
            ns += number * factor;
            rest = rest[letters..];
        }
        if (ns > long.MaxValue) return Invalid(text, out error);
        ns = Math.Round(negative ? -ns : ns);
        return true;

        static bool Invalid(ReadOnlySpan<char> text, out string error)
        {
            error = $"time: invalid duration {GoString.Quote(text.ToString())}";
            return false;
        }
    }

    /// <summary>A size in a label's value: a number, digit groups by comma allowed, and a unit in any case.</summary>
    public static bool TrySize(ReadOnlySpan<char> text, out double bytes, out string error)
    {
        bytes = 0;
        error = "";
        int end = 0;
        bool hasComma = false;
        while (end < text.Length && (char.IsAsciiDigit(text[end]) || text[end] is '.' or ','))
        {
            hasComma |= text[end] == ',';
            end++;
        }
        var digits = text[..end];
        if (hasComma) digits = digits.ToString().Replace(",", "", StringComparison.Ordinal);
        if (!double.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number))
        {
            error = $"strconv.ParseFloat: parsing {GoString.Quote(digits.ToString())}: invalid syntax";
            return false;
        }
        string unit = text[end..].Trim().ToString().ToLowerInvariant();
        if (!SizeUnits.TryGetValue(unit, out double factor))
        {
            error = $"unhandled size name: {unit}";
            return false;
        }
        bytes = Math.Truncate(number * factor);
        if (bytes < ulong.MaxValue) return true;
        error = $"too large: {text}";
        return false;
    }

    /// <summary>Between what numbers, durations or sizes are, given their texts' numbers and what follows these.</summary>
    /// <param name="factor">What a number is multiplied by; the result is rounded where <paramref name="kind"/> is not a plain number.</param>
    /// <returns>False: not known, or some may be none of the kind.</returns>
    public static bool TryRange(LogFieldRange texts, QuantityKind kind, out double min, out double max, out double factor)
    {
        (min, max) = (texts.Min, texts.Max);
        factor = 1;
        if (kind == QuantityKind.Number) return texts.Suffix.Length == 0;
        factor = 0;
        if (kind == QuantityKind.Duration)
        {
            foreach (var (unit, ns) in GoUnits)
            {
                if (unit == texts.Suffix) factor = ns;
            }
        }
        else if (min >= 0)
        {
            SizeUnits.TryGetValue(texts.Suffix.ToLowerInvariant(), out factor);
        }
        // Reading rounds to a whole nanosecond or byte; beyond 64 bits it fails.
        min = (min * factor) - 1;
        max = (max * factor) + 1;
        return factor > 0 && min > long.MinValue && max < long.MaxValue;
    }

    /// <summary>A word of a query that starts with a digit: a number, a duration or a size.</summary>
    public static TokenKind Classify(string word, out double value)
    {
        if (TryFloat(word, out value)) return TokenKind.Number;
        if (PromDuration.TryParseMs(word, out long ms, out _))
        {
            value = ms * 1e6;
            return TokenKind.Duration;
        }
        if (TryGoDuration(word, out value, out _)) return TokenKind.Duration;
        int unitFrom = 0;
        while (unitFrom < word.Length && (char.IsAsciiDigit(word[unitFrom]) || word[unitFrom] == '.')) unitFrom++;
        return QueryUnits.Contains(word[unitFrom..]) && TrySize(word, out value, out _) ? TokenKind.Bytes : TokenKind.End;
    }

    /// <summary>A number as Go's %v, and so Loki's own formatter, writes it.</summary>
    public static string Show(double value)
    {
        if (double.IsNaN(value)) return "NaN";
        if (double.IsInfinity(value)) return value > 0 ? "+Inf" : "-Inf";
        double magnitude = Math.Abs(value);
        string text = value.ToString("R", CultureInfo.InvariantCulture);
        int e = text.IndexOf('E');
        if (magnitude is 0 or (>= 1e-4 and < 1e21)) return e < 0 ? text : value.ToString(magnitude < 1 ? "0.####################################" : "F0", CultureInfo.InvariantCulture);
        if (e < 0) text = value.ToString("0.################E+0", CultureInfo.InvariantCulture);
        e = text.IndexOf('E');
        return $"{text[..e]}e{text[e + 1]}{text[(e + 2)..].TrimStart('0').PadLeft(2, '0')}";
    }

    private static bool TryHexFloat(ReadOnlySpan<char> text, bool negative, out double value)
    {
        value = 0;
        int p = text.IndexOfAny('p', 'P');
        if (p <= 0 || !int.TryParse(text[(p + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int exponent)) return false;
        bool fraction = false, any = false;
        foreach (char c in text[..p])
        {
            if (c == '.' && !fraction)
            {
                fraction = true;
                continue;
            }
            if (!char.IsAsciiHexDigit(c)) return false;
            any = true;
            value = (value * 16) + Convert.ToInt32(c.ToString(), 16);
            if (fraction) exponent -= 4;
        }
        value = Math.ScaleB(negative ? -value : value, exponent);
        return any;
    }
}
