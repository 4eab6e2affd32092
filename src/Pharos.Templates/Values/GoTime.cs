using Pharos.Templates.Formatting;

namespace Pharos.Templates;

/// <summary>
/// A point in time as Go's time.Time: nanosecond precision and a zone. Prints as
/// <c>2006-01-02 15:04:05.999999999 -0700 MST</c>. The default value is Go's zero time, 1 January of year 1, UTC.
/// </summary>
public readonly struct GoTime : IEquatable<GoTime>, IComparable<GoTime>
{
    private const long ZeroUnixSeconds = -62135596800;

    // Seconds since year 1, so that the default value is Go's zero time.
    private readonly long secondsSinceZero;

    private GoTime(long secondsSinceZero, int nanosecond, GoZone? zone)
    {
        this.secondsSinceZero = secondsSinceZero;
        Nanosecond = nanosecond;
        Zone = zone;
    }

    /// <summary>The zone it is shown in; null is UTC.</summary>
    public GoZone? Zone { get; }

    public int Nanosecond { get; }

    public long UnixSeconds => secondsSinceZero + ZeroUnixSeconds;

    /// <summary>Nanoseconds since 1970; wraps outside of 1678 to 2262, as Go's UnixNano does.</summary>
    public long UnixNs => unchecked((UnixSeconds * 1_000_000_000) + Nanosecond);

    public long UnixMs => (UnixSeconds * 1000) + (Nanosecond / 1_000_000);

    public bool IsZero => secondsSinceZero == 0 && Nanosecond == 0;

    public static GoTime FromUnix(long seconds, long nanoseconds = 0, GoZone? zone = null)
    {
        seconds += nanoseconds / 1_000_000_000;
        nanoseconds %= 1_000_000_000;
        if (nanoseconds < 0)
        {
            nanoseconds += 1_000_000_000;
            seconds--;
        }
        return new GoTime(seconds - ZeroUnixSeconds, (int)nanoseconds, zone);
    }

    public static GoTime FromUnixNs(long ns) => FromUnix(0, ns);

    public static GoTime FromUnixMs(long ms) => FromUnix(Math.DivRem(ms, 1000, out long rest), rest * 1_000_000);

    public static GoTime From(DateTimeOffset time)
    {
        var zone = time.Offset == TimeSpan.Zero ? null : GoZone.Fixed("", (int)time.Offset.TotalSeconds);
        long ticks = time.UtcTicks;
        return new GoTime(ticks / TimeSpan.TicksPerSecond, (int)(ticks % TimeSpan.TicksPerSecond) * 100, zone);
    }

    /// <exception cref="TemplateFunctionException">The year is outside of 1 to 9999.</exception>
    public DateTimeOffset ToDateTimeOffset()
    {
        if (secondsSinceZero < 0 || secondsSinceZero > DateTimeOffset.MaxValue.UtcTicks / TimeSpan.TicksPerSecond)
            throw new TemplateFunctionException("time is outside of the years 1 to 9999");
        return new DateTimeOffset((secondsSinceZero * TimeSpan.TicksPerSecond) + (Nanosecond / 100), TimeSpan.Zero);
    }

    public GoTime In(GoZone? zone) => new(secondsSinceZero, Nanosecond, zone);

    public GoTime Add(GoDuration duration) =>
        FromUnix(UnixSeconds + (duration.Nanoseconds / 1_000_000_000), Nanosecond + (duration.Nanoseconds % 1_000_000_000), Zone);

    public GoDuration Sub(GoTime other)
    {
        decimal ns = ((decimal)(secondsSinceZero - other.secondsSinceZero) * 1_000_000_000m) + Nanosecond - other.Nanosecond;
        return new GoDuration(ns > long.MaxValue ? long.MaxValue : ns < long.MinValue ? long.MinValue : (long)ns);
    }

    /// <summary>The clock face in its zone, with offset and abbreviation.</summary>
    public (DateTime Local, int OffsetSeconds, string Abbreviation) Face()
    {
        var utc = ToDateTimeOffset();
        var (offset, abbreviation) = Zone is null ? (0, "UTC") : Zone.At(utc);
        return (utc.UtcDateTime.AddSeconds(offset), offset, abbreviation);
    }

    /// <summary>By a Go layout, for example <c>2006-01-02T15:04:05Z07:00</c>.</summary>
    public string Format(string layout) => GoTimeLayout.Format(this, layout);

    public override string ToString() => Format("2006-01-02 15:04:05.999999999 -0700 MST");

    public bool Equals(GoTime other) => secondsSinceZero == other.secondsSinceZero && Nanosecond == other.Nanosecond;

    public override bool Equals(object? obj) => obj is GoTime other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(secondsSinceZero, Nanosecond);

    public int CompareTo(GoTime other)
    {
        int order = secondsSinceZero.CompareTo(other.secondsSinceZero);
        return order != 0 ? order : Nanosecond.CompareTo(other.Nanosecond);
    }

    public static bool operator ==(GoTime left, GoTime right) => left.Equals(right);

    public static bool operator !=(GoTime left, GoTime right) => !left.Equals(right);

    public static bool operator <(GoTime left, GoTime right) => left.CompareTo(right) < 0;

    public static bool operator >(GoTime left, GoTime right) => left.CompareTo(right) > 0;

    public static bool operator <=(GoTime left, GoTime right) => left.CompareTo(right) <= 0;

    public static bool operator >=(GoTime left, GoTime right) => left.CompareTo(right) >= 0;
}

/// <summary>A time zone: a fixed offset, or a place with rules.</summary>
public sealed class GoZone
{
    private readonly TimeZoneInfo? place;
    private readonly string name;
    private readonly int offsetSeconds;

    private GoZone(string name, int offsetSeconds, TimeZoneInfo? place)
    {
        this.name = name;
        this.offsetSeconds = offsetSeconds;
        this.place = place;
    }

    /// <param name="name">Abbreviation; empty: the offset stands for it.</param>
    public static GoZone Fixed(string name, int offsetSeconds) => new(name, offsetSeconds, null);

    /// <summary>A place of the zone database, for example <c>Europe/Paris</c>; <c>UTC</c>, <c>Local</c> and the empty name are UTC.</summary>
    /// <exception cref="TemplateFunctionException">There is no such zone.</exception>
    public static GoZone? Find(string name)
    {
        if (name is "" or "UTC" or "Local") return null;
        if (name.Contains("..", StringComparison.Ordinal) || name[0] is '/' or '\\')
            throw new TemplateFunctionException("time: invalid location name");
        return TimeZoneInfo.TryFindSystemTimeZoneById(name, out var found)
            ? new GoZone(name, 0, found)
            : throw new TemplateFunctionException($"unknown time zone {name}");
    }

    public (int OffsetSeconds, string Abbreviation) At(DateTimeOffset instant)
    {
        if (place is null) return (offsetSeconds, name.Length > 0 ? name : OffsetName(offsetSeconds));
        int offset = (int)place.GetUtcOffset(instant).TotalSeconds;
        string abbreviation = place.IsDaylightSavingTime(instant) ? place.DaylightName : place.StandardName;
        return (offset, abbreviation.Contains(' ') || abbreviation.Length > 6 ? OffsetName(offset) : abbreviation);
    }

    public override string ToString() => place?.Id ?? name;

    private static string OffsetName(int seconds)
    {
        int minutes = Math.Abs(seconds) / 60;
        string sign = seconds < 0 ? "-" : "+";
        return minutes % 60 == 0 ? $"{sign}{minutes / 60:00}" : $"{sign}{minutes / 60:00}{minutes % 60:00}";
    }
}
