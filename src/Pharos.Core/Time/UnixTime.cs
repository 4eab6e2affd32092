using System.Globalization;

namespace Pharos.Core;

/// <summary>Unix time from the injected clock.</summary>
public static class UnixTime
{
    /// <summary>Milliseconds since 1970, UTC.</summary>
    public static long UnixMs(this TimeProvider time) => time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Nanoseconds since 1970, UTC; the clock itself ticks every 100 ns.</summary>
    public static long UnixNs(this TimeProvider time) => (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * 100;

    public static DateTimeOffset FromMs(long unixMs) => DateTimeOffset.FromUnixTimeMilliseconds(unixMs);

    public static DateTimeOffset FromNs(long unixNs) => DateTimeOffset.UnixEpoch.AddTicks(unixNs / 100);

    /// <summary>Reads RFC 3339 with up to nine digits of a second's fraction, years 1678 to 2262.</summary>
    public static bool TryRfc3339Ns(ReadOnlySpan<char> text, out long unixNs)
    {
        unixNs = 0;
        const int seconds = 19;
        if (text.Length <= seconds || text[10] is not ('T' or 't')) return false;
        int end = seconds;
        long fraction = 0;
        if (text[seconds] == '.')
        {
            for (end = seconds + 1; end < text.Length && char.IsAsciiDigit(text[end]); end++)
            {
                if (end <= seconds + 9) fraction = (fraction * 10) + (text[end] - '0');
            }
            if (end == seconds + 1) return false;
            for (int digits = end - seconds - 1; digits < 9; digits++) fraction *= 10;
        }
        var whole = string.Concat(text[..10], "T", text[11..seconds], text[end..]);
        if (!DateTimeOffset.TryParseExact(whole, ["yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:sszzz"], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)) return false;
        if (time.UtcDateTime.Year is < 1678 or > 2261) return false;
        unixNs = ((time - DateTimeOffset.UnixEpoch).Ticks * 100) + fraction;
        return true;
    }

    /// <summary>RFC 3339 in UTC, with as many digits of the second's fraction as it has.</summary>
    public static string Rfc3339(long unixNs)
    {
        string text = FromNs(unixNs - ((unixNs % 1_000_000_000 + 1_000_000_000) % 1_000_000_000)).ToString("yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture);
        long fraction = (unixNs % 1_000_000_000 + 1_000_000_000) % 1_000_000_000;
        return fraction == 0 ? text + "Z" : $"{text}.{fraction.ToString("D9", CultureInfo.InvariantCulture).TrimEnd('0')}Z";
    }
}

/// <summary>A span of time, both ends inclusive, in Unix milliseconds.</summary>
public readonly record struct TimeRange(long MinMs, long MaxMs)
{
    public static TimeRange All { get; } = new(long.MinValue, long.MaxValue);

    public bool Contains(long ms) => MinMs <= ms && ms <= MaxMs;

    public bool Overlaps(long minMs, long maxMs) => MinMs <= maxMs && minMs <= MaxMs;
}
