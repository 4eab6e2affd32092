namespace Pharos.Alerting;

/// <summary>A span of whole numbers, both ends inclusive.</summary>
internal readonly record struct Span(int From, int To)
{
    public bool Contains(int value) => From <= value && value <= To;
}

/// <summary>One specification of a time interval: all of its fields must hold; a field without values always holds.</summary>
internal sealed record TimeSpec
{
    /// <summary>Minutes of the day, start inclusive, end exclusive.</summary>
    public IReadOnlyList<(int Start, int End)> Times { get; init; } = [];

    /// <summary>0 is Sunday.</summary>
    public IReadOnlyList<Span> Weekdays { get; init; } = [];

    /// <summary>1 to 31, or negative: -1 is the month's last day.</summary>
    public IReadOnlyList<Span> DaysOfMonth { get; init; } = [];
    public IReadOnlyList<Span> Months { get; init; } = [];
    public IReadOnlyList<Span> Years { get; init; } = [];
    public TimeZoneInfo Location { get; init; } = TimeZoneInfo.Utc;

    public bool Contains(DateTimeOffset instant)
    {
        var t = TimeZoneInfo.ConvertTime(instant, Location);
        int minute = (t.Hour * 60) + t.Minute;
        if (Times.Count > 0 && !Times.Any(r => minute >= r.Start && minute < r.End)) return false;
        if (DaysOfMonth.Count > 0 && !DaysOfMonth.Any(r => DayFits(r, t))) return false;
        if (Months.Count > 0 && !Months.Any(r => r.Contains(t.Month))) return false;
        if (Weekdays.Count > 0 && !Weekdays.Any(r => r.Contains((int)t.DayOfWeek))) return false;
        return Years.Count == 0 || Years.Any(r => r.Contains(t.Year));
    }

    private static bool DayFits(Span range, DateTimeOffset t)
    {
        int days = DateTime.DaysInMonth(t.Year, t.Month);
        int from = range.From < 0 ? days + range.From + 1 : range.From;
        int to = range.To < 0 ? days + range.To + 1 : range.To;
        // A range that lies wholly outside of this month holds on no day; otherwise it is cut to the month.
        if (from > days || to < 1) return false;
        return t.Day >= Math.Clamp(from, 1, days) && t.Day <= Math.Clamp(to, 1, days);
    }
}

/// <summary>A named time interval: holds while any of its specifications holds.</summary>
public sealed class TimeInterval
{
    private readonly IReadOnlyList<TimeSpec> specs;

    internal TimeInterval(string name, IReadOnlyList<TimeSpec> specs)
    {
        Name = name;
        this.specs = specs;
    }

    public string Name { get; }

    public bool Contains(DateTimeOffset instant) => specs.Any(s => s.Contains(instant));
}
