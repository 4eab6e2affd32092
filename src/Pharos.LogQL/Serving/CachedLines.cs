using Pharos.Core;
using Pharos.LogQL.Syntax;

namespace Pharos.LogQL.Serving;

/// <summary>Names the lines of a log query in one hour.</summary>
internal readonly record struct LinesKey(TenantId Tenant, string Query, bool Backward, long Hour);

/// <summary>All lines of an hour, in the query's order.</summary>
/// <param name="Version">Of the store's lines in that hour that the selector sees, read before they were scanned.</param>
internal sealed record LinesPart(long Version, IReadOnlyList<LogQlEntry> Entries)
{
    public long Bytes { get; } = 150 + Entries.Sum(e => 150L + e.Line.Length + e.Metadata.Encoded.Length + e.Parsed.Encoded.Length);
}

/// <summary>
/// Answers log queries from hours that were scanned to their end before and had few lines or none, and scans the others. An hour is used
/// only while the store says that no line of it that the query's selector sees came or went.
/// </summary>
internal sealed class CachedLines(long bytesMax, ILogChanges changes)
{
    private const long HourNs = ILogChanges.GrainNs;

    /// <summary>Hours of a query of which finished ones are looked for; a longer range is scanned as one piece.</summary>
    private const int HoursMax = 2200;

    /// <summary>Lines of an hour that is kept.</summary>
    private const int EntriesMax = 200;

    private readonly SizedCache<LinesKey, LinesPart> parts = new(bytesMax);

    public long BytesUsed => parts.BytesUsed;

    private readonly record struct Hour(long Number, long StartNs, long EndNs, bool Whole, long Version);

    /// <param name="scan">Hands over the lines from a start (inclusive) to an end (exclusive) until told to stop; true where it came to the end.</param>
    public LogQlResult Answer(
        TenantId tenant, LogExpr log, LogQlRangeQuery query, Func<long, long, Func<LogQlEntry, bool>, (LogQlStatistics Statistics, bool Complete)> scan)
    {
        var entries = new List<LogQlEntry>(Math.Min(query.Limit, 1000));
        var read = default(LogReadStatistics);
        int requested = 0, found = 0, stored = 0;
        long bytesFound = 0, bytesStored = 0;
        string text = Formatter.Format(log);
        var hours = Hours(tenant, log, query, keep: query.IntervalNs <= 0 && !ExprWalk.DependsOnNow(log));
        for (int i = 0; i < hours.Count && entries.Count < query.Limit;)
        {
            requested += hours[i].Whole ? 1 : 0;
            if (Find(hours[i]) is { } part)
            {
                found++;
                bytesFound += part.Bytes;
                entries.AddRange(part.Entries.Take(query.Limit - entries.Count));
                i++;
                continue;
            }
            int to = i + 1;
            for (; to < hours.Count && Find(hours[to]) is null; to++) requested += hours[to].Whole ? 1 : 0;
            i = Scan(i, to);
        }
        return new LogQlResult
        {
            Kind = LogQlResultKind.Streams,
            Entries = entries,
            Statistics = new LogQlStatistics(read, entries.Count, default)
            {
                Splits = hours.Count,
                Cache = (requested, found, stored),
                CacheBytes = (bytesFound, bytesStored),
                CacheServed = TimeSpan.FromTicks(HourNs / 100 * found),
            },
        };

        LinesPart? Find(Hour hour) => hour.Whole && parts.Find(Key(hour)) is { } part && part.Version == hour.Version ? part : null;

        LinesKey Key(Hour hour) => new(tenant, text, query.Backward, hour.Number);

        // Scans hours that lie side by side; returns the first one after them.
        int Scan(int from, int to)
        {
            int at = from, firstOfHour = entries.Count;
            var (start, end) = query.Backward ? (hours[to - 1].StartNs, hours[from].EndNs) : (hours[from].StartNs, hours[to - 1].EndNs);
            var (statistics, complete) = scan(start, end, entry =>
            {
                while (entry.TimestampNs < hours[at].StartNs || entry.TimestampNs >= hours[at].EndNs) Finish();
                entries.Add(entry);
                return entries.Count < query.Limit;
            });
            read += statistics.Read;
            while (complete && at < to) Finish();
            return to;

            void Finish()
            {
                var hour = hours[at++];
                int count = entries.Count - firstOfHour;
                if (hour.Whole && count <= EntriesMax)
                {
                    var part = new LinesPart(hour.Version, entries.GetRange(firstOfHour, count));
                    parts.Put(Key(hour), part, part.Bytes);
                    stored++;
                    bytesStored += part.Bytes;
                }
                firstOfHour = entries.Count;
            }
        }
    }

    /// <summary>The hours of a query in its order; one piece where nothing is to be kept.</summary>
    private List<Hour> Hours(TenantId tenant, LogExpr log, LogQlRangeQuery query, bool keep)
    {
        if (query.EndNs <= query.StartNs) return [];
        if (!keep || ((Int128)query.EndNs - query.StartNs) / HourNs >= HoursMax) return [new Hour(0, query.StartNs, query.EndNs, false, 0)];
        var hours = new List<Hour>();
        for (long from = query.StartNs; from < query.EndNs;)
        {
            long number = TimeRanges.Number(from, HourNs);
            long to = query.EndNs - (number * HourNs) <= HourNs ? query.EndNs : (number + 1) * HourNs;
            bool whole = to - from == HourNs;
            hours.Add(new Hour(number, from, to, whole, whole ? changes.VersionOf(tenant, log.Matchers, from, to) : 0));
            from = to;
        }
        if (query.Backward) hours.Reverse();
        return hours;
    }
}
