using System.Text;

namespace Pharos.Core;

/// <summary>
/// Durations as Prometheus, Alertmanager and Loki configurations write them: <c>1y2w3d4h5m6s7ms</c>,
/// units in that order, each at most once, whole numbers; a bare <c>0</c> is zero. A year is 365 days.
/// Source: prometheus/common model.ParseDuration.
/// </summary>
public static class PromDuration
{
    private static readonly (string Unit, long Ms)[] Units =
    [
        ("y", 365L * 86_400_000), ("w", 7L * 86_400_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ];

    /// <summary>Reads a duration; milliseconds out.</summary>
    public static bool TryParseMs(ReadOnlySpan<char> text, out long ms, out string? error)
    {
        ms = 0;
        error = null;
        if (text.IsEmpty) { error = "empty duration; write for example \"30s\""; return false; }
        if (text is "0") return true;
        var rest = text;
        int unitFrom = 0;
        while (!rest.IsEmpty)
        {
            int digits = 0;
            while (digits < rest.Length && char.IsAsciiDigit(rest[digits])) digits++;
            int letters = digits;
            while (letters < rest.Length && char.IsAsciiLetter(rest[letters])) letters++;
            var unit = rest[digits..letters];
            int found = -1;
            for (int i = unitFrom; i < Units.Length; i++)
            {
                if (unit.SequenceEqual(Units[i].Unit)) { found = i; break; }
            }
            if (digits == 0 || found < 0 || !long.TryParse(rest[..digits], out long number))
            {
                error = unit.IsEmpty && digits > 0 && digits == rest.Length
                    ? $"duration \"{text}\" has no unit; write for example \"{text}s\""
                    : $"not a valid duration string: \"{text}\"; units are y w d h m s ms, in this order";
                return false;
            }
            try
            {
                ms = checked(ms + (number * Units[found].Ms));
                if (ms > long.MaxValue / 1_000_000) throw new OverflowException();
            }
            catch (OverflowException)
            {
                error = "duration out of range";
                return false;
            }
            unitFrom = found + 1;
            rest = rest[letters..];
        }
        return true;
    }

    public static bool TryParse(ReadOnlySpan<char> text, out TimeSpan duration, out string? error)
    {
        bool ok = TryParseMs(text, out long ms, out error);
        duration = ok ? TimeSpan.FromMilliseconds(ms) : default;
        return ok;
    }

    /// <summary>Prometheus's own form: the fewest units, years and weeks only where they fit exactly. Zero is <c>0s</c>.</summary>
    public static string Format(TimeSpan duration) => FormatMs((long)duration.TotalMilliseconds);

    /// <inheritdoc cref="Format(TimeSpan)"/>
    public static string FormatMs(long ms)
    {
        if (ms == 0) return "0s";
        var text = new StringBuilder();
        if (ms < 0)
        {
            text.Append('-');
            ms = -ms;
        }
        foreach (var (unit, unitMs) in Units)
        {
            bool exactOnly = unit is "y" or "w";
            if (exactOnly ? ms % unitMs != 0 || ms == 0 : ms / unitMs == 0) continue;
            text.Append(ms / unitMs).Append(unit);
            ms %= unitMs;
        }
        return text.ToString();
    }
}
