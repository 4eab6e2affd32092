namespace Pharos.Templates;

/// <summary>Methods of Go's time.Time, time.Duration and the names that their results print as.</summary>
internal static class TimeMembers
{
    public static bool TryGet(GoTime time, string name, out object? member)
    {
        member = name switch
        {
            "Format" => TemplateFunction.Of((string layout) => time.Format(layout)),
            "String" => time.ToString(),
            "Unix" => time.UnixSeconds,
            "UnixMilli" => time.UnixMs,
            "UnixMicro" => (time.UnixSeconds * 1_000_000) + (time.Nanosecond / 1000),
            "UnixNano" => time.UnixNs,
            "Year" => (long)time.Face().Local.Year,
            "Month" => new NamedInt("time.Month", time.Face().Local.Month, time.Format("January")),
            "Day" => (long)time.Face().Local.Day,
            "Hour" => (long)time.Face().Local.Hour,
            "Minute" => (long)time.Face().Local.Minute,
            "Second" => (long)time.Face().Local.Second,
            "Nanosecond" => (long)time.Nanosecond,
            "Weekday" => new NamedInt("time.Weekday", (int)time.Face().Local.DayOfWeek, time.Format("Monday")),
            "YearDay" => (long)time.Face().Local.DayOfYear,
            "IsZero" => time.IsZero,
            "UTC" or "Local" => time.In(null),
            "Location" => time.Zone?.ToString() ?? "UTC",
            "Add" => TemplateFunction.Of((GoDuration by) => time.Add(by)),
            "Sub" => TemplateFunction.Of((GoTime other) => time.Sub(other)),
            "After" => TemplateFunction.Of((GoTime other) => time > other),
            "Before" => TemplateFunction.Of((GoTime other) => time < other),
            "Equal" => TemplateFunction.Of((GoTime other) => time == other),
            "Compare" => TemplateFunction.Of((GoTime other) => (long)time.CompareTo(other)),
            "AddDate" => TemplateFunction.Of((long years, long months, long days) => AddDate(time, years, months, days)),
            "Truncate" => TemplateFunction.Of((GoDuration to) => time.Add(new GoDuration(-SinceZero(time, to)))),
            "Round" => TemplateFunction.Of((GoDuration to) => Round(time, to)),
            _ => null,
        };
        return member is not null;
    }

    public static bool TryGet(GoDuration duration, string name, out object? member)
    {
        member = name switch
        {
            "String" => duration.ToString(),
            "Hours" => duration.Nanoseconds / 3.6e12,
            "Minutes" => duration.Nanoseconds / 6e10,
            "Seconds" => duration.Seconds,
            "Milliseconds" => duration.Nanoseconds / 1_000_000,
            "Microseconds" => duration.Nanoseconds / 1000,
            "Nanoseconds" => duration.Nanoseconds,
            "Abs" => new GoDuration(duration.Nanoseconds == long.MinValue ? long.MaxValue : Math.Abs(duration.Nanoseconds)),
            "Truncate" => TemplateFunction.Of((GoDuration to) =>
                to.Nanoseconds <= 0 ? duration : new GoDuration(duration.Nanoseconds - (duration.Nanoseconds % to.Nanoseconds))),
            "Round" => TemplateFunction.Of((GoDuration to) => Round(duration, to)),
            _ => null,
        };
        return member is not null;
    }

    private static GoTime AddDate(GoTime time, long years, long months, long days)
    {
        if (Math.Abs(years) > 10_000 || Math.Abs(months) > 120_000 || Math.Abs(days) > 4_000_000)
            throw new TemplateFunctionException("AddDate: out of range");
        var (local, offset, _) = time.Face();
        try
        {
            // Go carries days that a month does not have into the next month; so does adding days to its first.
            var first = new DateTime(local.Year, local.Month, 1).AddMonths((int)((years * 12) + months));
            var moved = first.AddDays(local.Day - 1 + days) + local.TimeOfDay;
            return GoTime.FromUnix((long)(moved - DateTime.UnixEpoch).TotalSeconds - offset, time.Nanosecond, time.Zone);
        }
        catch (ArgumentOutOfRangeException)
        {
            throw new TemplateFunctionException("AddDate: time is outside of the years 1 to 9999");
        }
    }

    private static long SinceZero(GoTime time, GoDuration to)
    {
        if (to.Nanoseconds <= 0) return 0;
        var sinceYearOne = (((Int128)time.UnixSeconds + 62135596800) * 1_000_000_000) + time.Nanosecond;
        return (long)(sinceYearOne % to.Nanoseconds);
    }

    private static GoTime Round(GoTime time, GoDuration to)
    {
        long rest = SinceZero(time, to);
        return rest + rest < to.Nanoseconds ? time.Add(new GoDuration(-rest)) : time.Add(new GoDuration(to.Nanoseconds - rest));
    }

    private static GoDuration Round(GoDuration duration, GoDuration to)
    {
        if (to.Nanoseconds <= 0) return duration;
        long rest = Math.Abs(duration.Nanoseconds % to.Nanoseconds);
        long down = duration.Nanoseconds - (duration.Nanoseconds % to.Nanoseconds);
        if (rest < to.Nanoseconds - rest) return new GoDuration(down);
        return new GoDuration(duration.Nanoseconds < 0 ? down - to.Nanoseconds : down + to.Nanoseconds);
    }

    /// <summary>A month or a weekday.</summary>
    private sealed record NamedInt(string TypeName, int Number, string Name) : ITemplateObject, ITemplateStringer
    {
        public bool TryGetMember(string name, out object? member)
        {
            member = name == "String" ? Name : null;
            return member is not null;
        }

        public string ToTemplateString() => Name;
    }
}
