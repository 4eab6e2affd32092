using System.Globalization;
using System.Text;

namespace Pharos.Templates;

/// <summary>A span of time as Go's time.Duration: nanoseconds, printed like <c>1h2m3.5s</c>.</summary>
public readonly record struct GoDuration(long Nanoseconds)
{
    public static GoDuration FromSeconds(double seconds) => new(Saturate(seconds * 1e9));

    public static GoDuration From(TimeSpan span) => new(Saturate(span.Ticks * 100.0));

    public double Seconds => Nanoseconds / 1e9;

    public override string ToString()
    {
        if (Nanoseconds == 0) return "0s";
        var text = new StringBuilder();
        if (Nanoseconds < 0) text.Append('-');
        ulong ns = Nanoseconds < 0 ? (ulong)-(Nanoseconds + 1) + 1 : (ulong)Nanoseconds;
        if (ns < 1_000_000_000)
        {
            (string unit, ulong size) = ns switch { < 1000 => ("ns", 1UL), < 1_000_000 => ("µs", 1000UL), _ => ("ms", 1_000_000UL) };
            return text.Append(Fraction(ns, size)).Append(unit).ToString();
        }
        ulong seconds = ns / 1_000_000_000;
        ulong hours = seconds / 3600, minutes = seconds / 60 % 60;
        if (hours > 0) text.Append(hours).Append('h');
        if (hours > 0 || minutes > 0) text.Append(minutes).Append('m');
        return text.Append(Fraction(ns - ((seconds - (seconds % 60)) * 1_000_000_000), 1_000_000_000)).Append('s').ToString();
    }

    /// <summary>Reads what Go's time.ParseDuration reads, for example <c>-1.5h</c>, <c>300ms</c>, <c>1h2m</c>.</summary>
    public static bool TryParse(string text, out GoDuration duration)
    {
        duration = default;
        var rest = text.AsSpan();
        bool negative = rest.StartsWith("-");
        if (rest.Length > 0 && rest[0] is '+' or '-') rest = rest[1..];
        if (rest is "0") return true;
        if (rest.IsEmpty) return false;
        decimal total = 0;
        while (!rest.IsEmpty)
        {
            int digits = 0;
            while (digits < rest.Length && (char.IsAsciiDigit(rest[digits]) || rest[digits] == '.')) digits++;
            if (!decimal.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal number)) return false;
            int letters = digits;
            while (letters < rest.Length && !char.IsAsciiDigit(rest[letters]) && rest[letters] != '.') letters++;
            decimal unit = rest[digits..letters] switch
            {
                "ns" => 1m,
                "us" or "µs" or "μs" => 1000m,
                "ms" => 1_000_000m,
                "s" => 1_000_000_000m,
                "m" => 60_000_000_000m,
                "h" => 3_600_000_000_000m,
                _ => 0m,
            };
            if (unit == 0 || number > long.MaxValue / unit) return false;
            total += number * unit;
            if (total > long.MaxValue) return false;
            rest = rest[letters..];
        }
        duration = new GoDuration((long)(negative ? -total : total));
        return true;
    }

    private static string Fraction(ulong value, ulong unit)
    {
        ulong rest = value % unit;
        string whole = (value / unit).ToString(CultureInfo.InvariantCulture);
        if (rest == 0) return whole;
        int width = unit.ToString(CultureInfo.InvariantCulture).Length - 1;
        return $"{whole}.{rest.ToString(CultureInfo.InvariantCulture).PadLeft(width, '0').TrimEnd('0')}";
    }

    private static long Saturate(double ns) => ns >= long.MaxValue ? long.MaxValue : ns <= long.MinValue ? long.MinValue : (long)ns;
}
