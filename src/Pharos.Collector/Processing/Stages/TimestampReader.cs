using System.Globalization;
using Pharos.Core;
using Pharos.Templates;
using Pharos.Templates.Formatting;

namespace Pharos.Collector.Processing.Stages;

/// <summary>Sets an entry's time from an extracted value.</summary>
internal sealed class TimestampReader : SimpleStage
{
    private static readonly Dictionary<string, string> Named = new(StringComparer.Ordinal)
    {
        ["ANSIC"] = "Mon Jan _2 15:04:05 2006",
        ["UnixDate"] = "Mon Jan _2 15:04:05 MST 2006",
        ["RubyDate"] = "Mon Jan 02 15:04:05 -0700 2006",
        ["RFC822"] = "02 Jan 06 15:04 MST",
        ["RFC822Z"] = "02 Jan 06 15:04 -0700",
        ["RFC850"] = "Monday, 02-Jan-06 15:04:05 MST",
        ["RFC1123"] = "Mon, 02 Jan 2006 15:04:05 MST",
        ["RFC1123Z"] = "Mon, 02 Jan 2006 15:04:05 -0700",
        ["RFC3339"] = "2006-01-02T15:04:05Z07:00",
        ["RFC3339Nano"] = "2006-01-02T15:04:05.999999999Z07:00",
    };

    private readonly TimestampStage options;
    private readonly TimeProvider time;
    private readonly string[] formats;
    private readonly GoZone? zone;
    private readonly Dictionary<Labels, long> lastByStream = [];

    public TimestampReader(TimestampStage options, IStage next, TimeProvider time)
        : base(next)
    {
        if (options.Source.Length == 0) throw new FormatException("source must be set");
        if (options.ActionOnFailure is not ("fudge" or "skip")) throw new FormatException($"action_on_failure \"{options.ActionOnFailure}\" is neither fudge nor skip");
        if (options.ActionOnDuplicate is not ("fudge" or "keep")) throw new FormatException($"action_on_duplicate_timestamp \"{options.ActionOnDuplicate}\" is neither fudge nor keep");
        this.options = options;
        this.time = time;
        formats = [.. (options.FallbackFormats ?? []).Prepend(options.Format).Select(f => Named.GetValueOrDefault(f, f))];
        try
        {
            zone = GoZone.Find(options.Location);
        }
        catch (TemplateFunctionException e)
        {
            throw new FormatException($"location: {e.Message}", e);
        }
    }

    protected override bool Apply(LogEntry entry)
    {
        var labels = entry.Labels.ToLabels();
        bool known = lastByStream.TryGetValue(labels, out long lastNs);
        if (entry.Source(options.Source) is { } text && TryRead(text, out long ns))
        {
            if (known && ns == lastNs && options.ActionOnDuplicate == "fudge") ns++;
            entry.TimestampNs = ns;
        }
        else if (options.ActionOnFailure == "fudge")
        {
            if (!known) return true;
            entry.TimestampNs = lastNs + 1;
        }
        else
        {
            return true;
        }
        if (lastByStream.Count > 10_000) lastByStream.Clear();
        lastByStream[labels] = entry.TimestampNs;
        return true;
    }

    private bool TryRead(string text, out long ns)
    {
        foreach (string format in formats)
        {
            if (TryRead(text, format, out ns)) return true;
        }
        ns = 0;
        return false;
    }

    private bool TryRead(string text, string format, out long ns)
    {
        ns = 0;
        long unit = format switch { "Unix" => 1_000_000_000, "UnixMs" => 1_000_000, "UnixUs" => 1000, "UnixNs" => 1, _ => 0 };
        if (unit > 0)
        {
            if (!decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out decimal number) || Math.Abs(number) > long.MaxValue / unit) return false;
            ns = (long)(number * unit);
            return true;
        }
        try
        {
            // A layout without a year means the current one.
            bool hasYear = format.Contains("06", StringComparison.Ordinal);
            if (!hasYear) (format, text) = ("2006 " + format, $"{time.GetUtcNow().Year} {text}");
            ns = GoTimeLayout.Parse(format, text, zone).UnixNs;
            return true;
        }
        catch (TemplateFunctionException)
        {
            return false;
        }
    }
}
