using System.Globalization;
using System.Text;

namespace Pharos.Collector.Runtime;

/// <summary>Durations as Go writes them: <c>1h30m</c>, <c>1.5s</c>, <c>250ms</c>; units h m s ms us ns.</summary>
internal static class GoDuration
{
    public static bool TryParse(string text, out TimeSpan duration, out string? error)
    {
        duration = default;
        error = null;
        var rest = text.AsSpan();
        bool negative = rest.StartsWith("-");
        if (rest.StartsWith("-") || rest.StartsWith("+")) rest = rest[1..];
        if (rest is "0") return true;
        double ticks = 0;
        if (rest.IsEmpty) error = $"\"{text}\" is not a duration; write for example \"30s\"";
        while (!rest.IsEmpty && error is null)
        {
            int digits = 0;
            while (digits < rest.Length && (char.IsAsciiDigit(rest[digits]) || rest[digits] == '.')) digits++;
            int letters = digits;
            while (letters < rest.Length && !char.IsAsciiDigit(rest[letters]) && rest[letters] != '.') letters++;
            double? unit = rest[digits..letters] switch
            {
                "h" => TimeSpan.TicksPerHour,
                "m" => TimeSpan.TicksPerMinute,
                "s" => TimeSpan.TicksPerSecond,
                "ms" => TimeSpan.TicksPerMillisecond,
                "us" or "µs" or "μs" => 10,
                "ns" => 0.01,
                _ => null,
            };
            if (!double.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number) || unit is null)
            {
                error = letters == digits && digits > 0
                    ? $"duration \"{text}\" has no unit; write for example \"{text}s\""
                    : $"\"{text}\" is not a duration; units are h, m, s, ms, us, ns";
                return false;
            }
            ticks += number * unit.Value;
            rest = rest[letters..];
        }
        if (error is not null) return false;
        if (ticks > TimeSpan.MaxValue.Ticks / 2.0)
        {
            error = $"duration \"{text}\" is out of range";
            return false;
        }
        duration = TimeSpan.FromTicks((long)(negative ? -ticks : ticks));
        return true;
    }

    /// <summary>As Go prints it: <c>1m0s</c>, <c>1.5s</c>, <c>100ms</c>.</summary>
    public static string Format(TimeSpan duration)
    {
        if (duration == TimeSpan.Zero) return "0s";
        var text = new StringBuilder();
        if (duration < TimeSpan.Zero)
        {
            text.Append('-');
            duration = -duration;
        }
        if (duration < TimeSpan.FromSeconds(1))
        {
            return duration < TimeSpan.FromMilliseconds(1)
                ? text.Append((duration.Ticks / 10.0).ToString(CultureInfo.InvariantCulture)).Append("µs").ToString()
                : text.Append(duration.TotalMilliseconds.ToString(CultureInfo.InvariantCulture)).Append("ms").ToString();
        }
        long hours = (long)duration.TotalHours;
        if (hours > 0) text.Append(hours).Append('h');
        if (duration.TotalMinutes >= 1) text.Append(duration.Minutes).Append('m');
        double seconds = duration.Seconds + ((duration.Ticks % TimeSpan.TicksPerSecond) / (double)TimeSpan.TicksPerSecond);
        return text.Append(seconds.ToString("0.#######", CultureInfo.InvariantCulture)).Append('s').ToString();
    }
}

/// <summary>Sizes: <c>512B</c>, <c>64KiB</c>, <c>1MiB</c>; KB and KiB both mean 1024 bytes, as upstream.</summary>
internal static class ByteSize
{
    public static bool TryParse(string text, out long bytes, out string? error)
    {
        bytes = 0;
        error = null;
        int digits = 0;
        while (digits < text.Length && (char.IsAsciiDigit(text[digits]) || text[digits] == '.')) digits++;
        long? unit = text[digits..].Trim() switch
        {
            "" or "B" => 1,
            "KB" or "KiB" or "K" => 1L << 10,
            "MB" or "MiB" or "M" => 1L << 20,
            "GB" or "GiB" or "G" => 1L << 30,
            "TB" or "TiB" or "T" => 1L << 40,
            _ => null,
        };
        if (unit is null || !double.TryParse(text.AsSpan(0, digits), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number) || number * unit.Value > long.MaxValue / 2)
        {
            error = $"\"{text}\" is not a size; write for example \"1MiB\"";
            return false;
        }
        bytes = (long)(number * unit.Value);
        return true;
    }
}
