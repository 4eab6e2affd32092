using Pharos.Core;
using Pharos.Templates.Formatting;

namespace Pharos.Templates;

/// <summary>Numbers for people, as Prometheus and Alertmanager templates write them: four significant digits.</summary>
public static class Humanize
{
    private static readonly string[] Large = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
    private static readonly string[] Small = ["m", "u", "n", "p", "f", "a", "z", "y"];
    private static readonly string[] Binary = ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];

    /// <summary>A number from a number, a duration (seconds) or text.</summary>
    /// <exception cref="TemplateFunctionException">It is none.</exception>
    public static double ToFloat(object? value) => TemplateValue.Normalize(value) switch
    {
        double number => number,
        long number => number,
        ulong number => number,
        GoDuration duration => duration.Seconds,
        string text => FloatVerbs.TryParse(text, out double parsed)
            ? parsed
            : throw new TemplateFunctionException($"strconv.ParseFloat: parsing {GoString.Quote(text)}: invalid syntax"),
        var other => throw new TemplateFunctionException($"can't convert {TemplateValue.TypeName(other)} to float"),
    };

    /// <summary>With metric prefixes: <c>1.235M</c>, <c>120m</c>.</summary>
    public static string Metric(object? value)
    {
        double v = ToFloat(value);
        if (v == 0 || !double.IsFinite(v)) return Four(v);
        string prefix = "";
        if (Math.Abs(v) >= 1)
        {
            foreach (string p in Large)
            {
                if (Math.Abs(v) < 1000) break;
                prefix = p;
                v /= 1000;
            }
        }
        else
        {
            Shrink(ref v, ref prefix);
        }
        return Four(v) + prefix;
    }

    /// <summary>With prefixes of 1024: <c>1.177Mi</c>.</summary>
    public static string Bytes(object? value)
    {
        double v = ToFloat(value);
        if (Math.Abs(v) <= 1 || !double.IsFinite(v)) return Four(v);
        string prefix = "";
        foreach (string p in Binary)
        {
            if (Math.Abs(v) < 1024) break;
            prefix = p;
            v /= 1024;
        }
        return Four(v) + prefix;
    }

    /// <summary>Seconds as <c>1d 2h 3m 4s</c>, below one second with a metric prefix.</summary>
    public static string Duration(object? value)
    {
        double v = ToFloat(value);
        if (!double.IsFinite(v)) return Four(v);
        if (v == 0) return "0s";
        string prefix = "";
        if (Math.Abs(v) < 1)
        {
            Shrink(ref v, ref prefix);
            return $"{Four(v)}{prefix}s";
        }
        string sign = v < 0 ? "-" : "";
        v = Math.Abs(v);
        long whole = v >= long.MaxValue ? long.MaxValue : (long)v;
        long seconds = whole % 60, minutes = whole / 60 % 60, hours = whole / 3600 % 24, days = whole / 86400;
        if (days != 0) return $"{sign}{days}d {hours}h {minutes}m {seconds}s";
        if (hours != 0) return $"{sign}{hours}h {minutes}m {seconds}s";
        return minutes != 0 ? $"{sign}{minutes}m {seconds}s" : $"{sign}{Four(v)}s";
    }

    /// <summary>A ratio as <c>12.35%</c>.</summary>
    public static string Percentage(object? value) => Four(ToFloat(value) * 100) + "%";

    /// <summary>Unix seconds as a time; special values print as themselves.</summary>
    public static string Timestamp(object? value)
    {
        double v = ToFloat(value);
        return double.IsFinite(v) ? ToTime(v).ToString() : Four(v);
    }

    /// <summary>Unix seconds, fractions down to milliseconds, UTC.</summary>
    /// <exception cref="TemplateFunctionException">Outside of 1678 to 2262.</exception>
    public static GoTime ToTime(object? value)
    {
        double v = ToFloat(value);
        double ns = v * 1e9;
        if (double.IsNaN(v) || ns >= long.MaxValue || ns < long.MinValue)
            throw new TemplateFunctionException($"{GoFloat.Format(v)} cannot be represented as a nanoseconds timestamp since it overflows int64");
        return GoTime.FromUnixMs(Math.DivRem((long)ns, 1_000_000, out _));
    }

    private static string Four(double value) => FloatVerbs.Format(value, 'g', 4);

    private static void Shrink(ref double v, ref string prefix)
    {
        foreach (string p in Small)
        {
            if (Math.Abs(v) >= 1) break;
            prefix = p;
            v *= 1000;
        }
    }
}
