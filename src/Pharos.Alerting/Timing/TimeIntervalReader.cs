using System.Globalization;
using Pharos.Core;
using Pharos.Yaml;

namespace Pharos.Alerting;

/// <summary>Reads <c>time_intervals</c>. Source of the grammar: Alertmanager's package timeinterval.</summary>
internal static class TimeIntervalReader
{
    private static readonly string[] Days = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

    private static readonly string[] MonthNames =
    [
        "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
    ];

    public static TimeInterval Read(YamlSection section)
    {
        string name = section.Text("name");
        if (name.Length == 0) section.ErrorHere("missing name in time interval");
        var specs = section.Sections("time_intervals").Select(Spec).ToList();
        section.Done();
        return new TimeInterval(name, specs);
    }

    private static TimeSpec Spec(YamlSection section)
    {
        var times = new List<(int, int)>();
        foreach (var range in section.Sections("times"))
        {
            int? start = Minute(range, "start_time"), end = Minute(range, "end_time");
            range.Done();
            if (start is null || end is null) continue;
            if (start >= end) range.ErrorHere("start time cannot be equal or greater than end time", "an interval past midnight needs two entries");
            else times.Add((start.Value, end.Value));
        }
        var spec = new TimeSpec
        {
            Times = times,
            Weekdays = Ranges(section, "weekdays", t => Named(t, Days, 0, out _, requireName: true)),
            DaysOfMonth = Ranges(section, "days_of_month", DayOfMonth, negative: true),
            Months = Ranges(section, "months", t => Named(t, MonthNames, 1, out int month) ?? (month >= 1 ? month : null)),
            Years = Ranges(section, "years", t => int.TryParse(t, NumberStyles.None, CultureInfo.InvariantCulture, out int y) && y > 0 ? y : null),
            Location = Location(section),
        };
        // Alertmanager takes such months too; they never come.
        if (spec.Months.Any(m => m.From > 12) && section.Value("months") is { } months) section.Reading.Warn(months, "there is no month after 12");
        section.Done();
        return spec;
    }

    private static int? Minute(YamlSection section, string key)
    {
        string? text = section.TextOrNull(key);
        if (text is null)
        {
            section.ErrorHere($"both start and end times must be provided: {key} is missing");
            return null;
        }
        if (text == "24:00") return 24 * 60;
        var parts = text.Split(':');
        if (parts is [{ Length: 2 } h, { Length: 2 } m] && int.TryParse(h, NumberStyles.None, CultureInfo.InvariantCulture, out int hour)
            && int.TryParse(m, NumberStyles.None, CultureInfo.InvariantCulture, out int minute) && hour <= 23 && minute <= 59)
            return (hour * 60) + minute;
        section.Error(key, $"couldn't parse timestamp {text}, invalid format", "write it as HH:MM, 00:00 to 24:00");
        return null;
    }

    private static List<Span> Ranges(YamlSection section, string key, Func<string, int?> value, bool negative = false)
    {
        var ranges = new List<Span>();
        foreach (var (text, node) in section.TextNodes(key))
        {
            var parts = text.ToLowerInvariant().Split(':', StringSplitOptions.TrimEntries);
            int? from = parts.Length is 1 or 2 ? value(parts[0]) : null;
            int? to = parts.Length == 2 ? value(parts[1]) : from;
            if (from is null || to is null)
            {
                section.Reading.Error(node, $"{GoString.Quote(text)} is not a valid value of {key}");
                continue;
            }
            if (negative && from < 0 && to > 0) section.Reading.Error(node, $"end day must be negative if start day is negative in {GoString.Quote(text)}");
            else if (!(negative && from > 0 && to < 0) && from > to) section.Reading.Error(node, $"start of the range is after its end in {GoString.Quote(text)}");
            else ranges.Add(new Span(from.Value, to.Value));
        }
        return ranges;
    }

    private static int? Named(string text, string[] names, int first, out int number, bool requireName = false)
    {
        number = 0;
        int at = Array.IndexOf(names, text);
        if (at >= 0) return at + first;
        if (!requireName) _ = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
        return null;
    }

    private static int? DayOfMonth(string text) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int day) && day is >= -31 and <= 31 and not 0 ? day : null;

    private static TimeZoneInfo Location(YamlSection section)
    {
        string name = section.Text("location", "UTC");
        if (name is "UTC" or "") return TimeZoneInfo.Utc;
        if (name == "Local") return TimeZoneInfo.Local;
        if (TimeZoneInfo.TryFindSystemTimeZoneById(name, out var zone)) return zone;
        section.Error("location", $"unknown time zone {name}", "write an IANA name such as Europe/Berlin");
        return TimeZoneInfo.Utc;
    }
}
