using Pharos.Core;
using Pharos.Logs.Streams;
using Pharos.LogQL;

namespace Pharos.Server.Loki;

/// <summary>
/// Work that tails of the same query have in common: what a thousand clients follow is filtered and written once. Safe for several threads.
/// </summary>
internal sealed class SharedTails(TimeProvider time)
{
    private readonly Lock gate = new();
    private readonly Dictionary<(TenantId Tenant, string Query, TailForm Form), (SharedTail Tail, int Users)> tails = [];

    /// <summary>Joins the tails of a query; to be left by <see cref="Leave"/>.</summary>
    /// <exception cref="QueryException">The text is no log query.</exception>
    public SharedTail Join(TenantId tenant, string query, TailForm form)
    {
        lock (gate)
        {
            var (tail, users) = tails.TryGetValue((tenant, query, form), out var there) ? there : (new SharedTail(query, form, time), 0);
            tails[(tenant, query, form)] = (tail, users + 1);
            return tail;
        }
    }

    public void Leave(TenantId tenant, string query, TailForm form)
    {
        lock (gate)
        {
            var (tail, users) = tails[(tenant, query, form)];
            if (users > 1) tails[(tenant, query, form)] = (tail, users - 1);
            else tails.Remove((tenant, query, form));
        }
    }
}

/// <summary>The filter of a query, and the last frame it gave. Safe for several threads.</summary>
internal sealed class SharedTail(string query, TailForm form, TimeProvider time)
{
    private readonly Lock gate = new();
    private readonly LogQlLineFilter filter = new(query, time);
    private TailEntry[] last = [];
    private ReadOnlyMemory<byte> frame;

    public IReadOnlyList<Matcher> Matchers => filter.Matchers;

    /// <summary>The frame of some entries as the query leaves them; empty where it leaves none.</summary>
    public ReadOnlyMemory<byte> Encode(List<TailEntry> entries)
    {
        lock (gate)
        {
            if (Same(entries)) return frame;
            last = [.. entries];
            var passed = Filter(entries);
            return frame = passed.Count == 0 ? default : new TailFrame(passed, []).Encode(form);
        }
    }

    /// <summary>The entries as the query leaves them.</summary>
    public List<LogQlEntry> Filter(List<TailEntry> entries)
    {
        lock (gate)
        {
            var passed = new List<LogQlEntry>(entries.Count);
            foreach (var entry in entries)
            {
                if (filter.Process(entry.Stream, entry.TimestampNs, entry.Line, entry.Metadata) is { } line) passed.Add(line);
            }
            return passed;
        }
    }

    private bool Same(List<TailEntry> entries)
    {
        if (last.Length != entries.Count) return false;
        for (int i = 0; i < last.Length; i++)
        {
            if (!ReferenceEquals(last[i], entries[i])) return false;
        }
        return true;
    }
}
