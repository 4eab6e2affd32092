using System.Text;
using Pharos.Core;

namespace Pharos.Logs.Streams;

/// <summary>
/// When what a tenant holds of each hour changed last, told apart by the label pairs of the streams that changed: their hashes fall into
/// <see cref="Groups"/> groups. Bounded in memory; safe for several threads.
/// </summary>
internal sealed class StreamChanges
{
    /// <summary>Groups of label pairs, one bit each.</summary>
    private const int Groups = 128;

    /// <summary>Hours that are told apart at all.</summary>
    private const int HoursMax = 20_000;

    /// <summary>Hours whose pairs are told apart, some 50 KiB a tenant; of others, those that changed last stay.</summary>
    private const int PairedHoursMax = 48;

    private readonly Lock gate = new();
    private readonly Dictionary<long, Hour> hours = [];
    private long changes;
    private long everything;
    private int paired;

    private sealed class Hour
    {
        /// <summary>The last change of any stream.</summary>
        public long Any;

        /// <summary>The last change that may have touched each group; null: it is not told apart.</summary>
        public long[]? ByGroup;
    }

    /// <summary>The groups of a stream's label pairs, from their canonical form.</summary>
    public static UInt128 GroupsOf(ReadOnlySpan<byte> encoded)
    {
        UInt128 groups = 0;
        for (int at = 0; at < encoded.Length;)
        {
            int from = at;
            _ = LabelCodec.ReadString(encoded, ref at);
            _ = LabelCodec.ReadString(encoded, ref at);
            groups |= UInt128.One << GroupOf(encoded[from..at]);
        }
        return groups;
    }

    /// <summary>Notes that entries of any streams came or went between two times, both inclusive. To be called once the change can be seen.</summary>
    public void Note(long firstNs, long lastNs) => Note(firstNs, lastNs, UInt128.MaxValue);

    /// <param name="groups">Of the streams whose entries they are.</param>
    /// <inheritdoc cref="Note(long, long)"/>
    public void Note(long firstNs, long lastNs, UInt128 groups)
    {
        long from = TimeRanges.Number(firstNs, ILogChanges.GrainNs), to = TimeRanges.Number(lastNs, ILogChanges.GrainNs);
        lock (gate)
        {
            changes++;
            if (to - from >= HoursMax || hours.Count + (to - from) >= 2 * HoursMax)
            {
                // Too many to tell apart: all of them have changed.
                everything = changes;
                hours.Clear();
                paired = 0;
                return;
            }
            for (long number = from; number <= to; number++) Note(number, groups);
        }
    }

    /// <summary>
    /// The number of the last change, counted over all, that touched an hour of the range (both times inclusive) and, as far as it can be told
    /// apart, streams that the matchers see.
    /// </summary>
    public long VersionOf(IReadOnlyList<Matcher> matchers, long firstNs, long lastNs)
    {
        long from = TimeRanges.Number(firstNs, ILogChanges.GrainNs), to = TimeRanges.Number(lastNs, ILogChanges.GrainNs);
        Span<int> pairs = stackalloc int[Math.Min(matchers.Count, 16)];
        int count = 0;
        foreach (var matcher in matchers)
        {
            // A stream that is seen has each pair that a matcher asks for.
            if (matcher.Op == MatchOp.Equal && matcher.Value.Length > 0 && count < pairs.Length) pairs[count++] = GroupOf(matcher.Name, matcher.Value);
        }
        pairs = pairs[..count];
        lock (gate)
        {
            long last = everything;
            if (to - from > hours.Count)
            {
                foreach (var (number, hour) in hours) last = number >= from && number <= to ? Math.Max(last, LastOf(hour, pairs)) : last;
                return last;
            }
            for (long number = from; number <= to; number++)
            {
                if (hours.TryGetValue(number, out var hour)) last = Math.Max(last, LastOf(hour, pairs));
            }
            return last;
        }
    }

    private static long LastOf(Hour hour, ReadOnlySpan<int> pairs)
    {
        if (hour.ByGroup is not { } groups) return hour.Any;
        long last = hour.Any;
        foreach (int pair in pairs) last = Math.Min(last, groups[pair]);
        return last;
    }

    private void Note(long number, UInt128 groups)
    {
        if (!hours.TryGetValue(number, out var hour)) hours[number] = hour = new Hour();
        if (groups == UInt128.MaxValue)
        {
            if (hour.ByGroup is not null) paired--;
            hour.ByGroup = null;
        }
        else
        {
            if (hour.ByGroup is null)
            {
                hour.ByGroup = new long[Groups];
                Array.Fill(hour.ByGroup, hour.Any);
                if (++paired > PairedHoursMax) Join(hour);
            }
            for (var left = groups; left != 0; left &= left - 1) hour.ByGroup[(int)UInt128.TrailingZeroCount(left)] = changes;
        }
        hour.Any = changes;
    }

    /// <summary>Tells the groups of the hour that has not changed for longest apart no more.</summary>
    private void Join(Hour kept)
    {
        hours.Values.Where(h => h.ByGroup is not null && h != kept).MinBy(h => h.Any)!.ByGroup = null;
        paired--;
    }

    private static int GroupOf(string name, string value)
    {
        byte[] encoded = new byte[LabelCodec.SizeOf(Encoding.UTF8.GetByteCount(name)) + LabelCodec.SizeOf(Encoding.UTF8.GetByteCount(value))];
        int at = LabelCodec.WriteString(encoded, Encoding.UTF8.GetBytes(name));
        LabelCodec.WriteString(encoded.AsSpan(at), Encoding.UTF8.GetBytes(value));
        return GroupOf(encoded);
    }

    private static int GroupOf(ReadOnlySpan<byte> encodedPair) => (int)(LabelCodec.Hash(encodedPair) % Groups);
}
