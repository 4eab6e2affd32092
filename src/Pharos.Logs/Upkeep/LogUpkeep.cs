using System.Runtime.ExceptionServices;
using Microsoft.Extensions.Logging;
using Pharos.Core;
using Pharos.Logs.Deletion;
using Pharos.Logs.Parts;
using Pharos.Logs.Streams;

namespace Pharos.Logs.Upkeep;

/// <summary>The life of parts after they were written: retention, deletion for good, merging. One call at a time.</summary>
internal sealed class LogUpkeep(LogStoreOptions options, IndexCache cache, ITenantLimits limits, TimeProvider time, LogInstruments instruments, ILogger logger)
{
    /// <summary>Parts of about one size that are merged into one.</summary>
    private const int MergeCount = 4;

    /// <summary>How long a merged part's file stays: queries that began before may be reading it.</summary>
    private static readonly TimeSpan Linger = TimeSpan.FromMinutes(2);

    private readonly List<(PartFile Part, long Since)> replaced = [];

    /// <summary>New parts that failed when they were in place already, and could not be deleted: a start would take them for what they were to replace.</summary>
    private readonly HashSet<string> leftOver = new(StringComparer.Ordinal);
    private readonly HashSet<string> unreadable = new(StringComparer.Ordinal);

    /// <summary>Deletes parts whose entries are all older than retention keeps them.</summary>
    public void ApplyRetention(IEnumerable<TenantLogs> tenants)
    {
        foreach (var logs in tenants)
        {
            var rules = new RetentionRules(limits.For(logs.Tenant), time.UnixNs());
            if (rules.None) continue;
            foreach (var part in logs.Parts)
            {
                // Without rules for single streams the part's own bounds settle it.
                if (part.MaxNs >= rules.NewestKeepFromNs) continue;
                if (rules.HasStreams && AnyStream(part, [], s => part.MaxNs >= rules.KeepFromNs(s))) continue;
                if (!TryClear(Path.GetDirectoryName(part.Path)!)) continue;
                // The files of what it replaced go first: without it a start would take them for parts, with all that was deleted since.
                if (!PartMerger.StillReplaced(part).All(name => TryDelete(Path.Combine(Path.GetDirectoryName(part.Path)!, name)))) continue;
                logs.ReplaceParts([part], null);
                Delete(part);
                logs.Changes.Note(part.MinNs, part.MaxNs);
                LogsLog.Retired(logger, part.Path, logs.Tenant.Name);
            }
        }
        instruments.RetentionRun.Set(time.UnixMs() / 1000.0);
    }

    /// <summary>Whether a deletion of a tenant waits to be carried out.</summary>
    public bool HasDueDeletions(TenantLogs logs) => DueDeletions(logs).Count > 0;

    /// <summary>Merges parts, and takes deleted and expired entries off the disk.</summary>
    /// <param name="known">The marks that hold.</param>
    /// <param name="flushed">Of whom all that due deletions may mean is in parts; of others the deletions stay in force.</param>
    /// <exception cref="IOException">The disk failed for a tenant, for which everything is as it was; for the others all was done.</exception>
    public void Run(IEnumerable<TenantLogs> tenants, FlushMarks known, Func<TenantLogs, bool> flushed, CancellationToken cancel)
    {
        DeleteReplaced();
        ExceptionDispatchInfo? failure = null;
        foreach (var logs in tenants)
        {
            try
            {
                Run(logs, known.Of(logs.Tenant), flushed(logs), cancel);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or StoreUnavailableException)
            {
                // No other tenant waits for this one.
                failure ??= ExceptionDispatchInfo.Capture(e);
            }
        }
        failure?.Throw();
    }

    private void Run(TenantLogs logs, FlushMark known, bool flushed, CancellationToken cancel)
    {
        var due = DueDeletions(logs);
        var rules = new RetentionRules(limits.For(logs.Tenant), time.UnixNs());
        bool whole = flushed;
        foreach (var day in logs.Parts.GroupBy(p => Path.GetDirectoryName(p.Path)).ToList())
        {
            cancel.ThrowIfCancellationRequested();
            if (!TryClear(day.Key!)) throw new IOException($"a part in {day.Key} that was written in vain cannot be deleted; see above");
            List<PartFile> parts = [.. day.OrderBy(p => p.Flush).ThenBy(p => p.Path, StringComparer.Ordinal)];
            foreach (var part in parts.Where(p => MustRewrite(p, due, rules)).ToList())
            {
                whole &= Replace(logs, [part], known, due, rules, cancel);
                parts.Remove(part);
            }
            while (NextMerge(parts) is { Count: > 0 } together)
            {
                parts.RemoveAll(together.Contains);
                Replace(logs, together, known, due, rules, cancel);
            }
        }
        if (due.Count > 0 && whole) logs.Deletes.Done([.. due.Select(d => d.Request.Id)], known);
    }

    private List<ActiveDeletion> DueDeletions(TenantLogs logs) =>
        [.. logs.Deletes.Active.Where(d => d.Request.CreatedAt + options.DeletionDelay <= time.GetUtcNow())];

    /// <summary>Parts of one day to merge: enough of about one size, the smallest first.</summary>
    private List<PartFile> NextMerge(List<PartFile> parts)
    {
        List<PartFile> bySize = [.. parts.Where(p => p.Bytes < options.MergedPartBytesMax && !unreadable.Contains(p.Path)).OrderBy(p => p.Bytes)];
        for (int from = 0; from + MergeCount <= bySize.Count; from++)
        {
            // As many as are not much larger than the smallest of them.
            long most = Math.Max(bySize[from].Bytes * MergeCount, 1 << 20), total = 0;
            List<PartFile> together = [.. bySize.Skip(from).TakeWhile(p => p.Bytes <= most && (total += p.Bytes) <= options.MergedPartBytesMax)];
            if (together.Count >= MergeCount) return together;
        }
        return [];
    }

    private static bool MustRewrite(PartFile part, List<ActiveDeletion> due, RetentionRules rules)
    {
        bool deleted = due.Any(d => d.Request.StartNs <= part.MaxNs && d.Request.EndNs > part.MinNs && AnyStream(part, d.Filter.Matchers, d.Touches));
        // A stream that has gone altogether is worth it; one that goes piece by piece waits for that.
        return deleted || (rules.HasStreams && AnyStream(part, [], s => part.MaxNs < rules.KeepFromNs(s)));
    }

    /// <summary>Whether something holds of a stream of a part; true where that cannot be read.</summary>
    private static bool AnyStream(PartFile part, IReadOnlyList<Matcher> matchers, Func<Labels, bool> holds)
    {
        try
        {
            return part.Index.Streams(part.Index.Find(matchers), long.MinValue, long.MaxValue).Any(s => holds(s.Labels));
        }
        catch (Exception e) when (PartReader.IsDamage(e))
        {
            return true;
        }
    }

    /// <summary>False: the parts stay as they are, for one cannot be read.</summary>
    private bool Replace(TenantLogs logs, List<PartFile> parts, FlushMark known, List<ActiveDeletion> due, RetentionRules rules, CancellationToken cancel)
    {
        if (parts.Any(p => unreadable.Contains(p.Path))) return false;
        long started = time.GetTimestamp();
        var merger = new PartMerger(options, cache, known, due, rules.KeepFromNs, logs.Parts.All(p => parts.Contains(p) || p.MinNs > parts.Max(o => o.MaxNs) || p.MaxNs < parts.Min(o => o.MinNs)));
        PartFile? written;
        try
        {
            written = merger.Write(parts, cancel);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            lock (leftOver)
            {
                if (File.Exists(merger.NewPath)) leftOver.Add(merger.NewPath);
            }
            throw;
        }
        catch (InvalidDataException) when (!parts.TrueForAll(logs.Parts.Contains))
        {
            // Retention removed one of them meanwhile.
            return false;
        }
        catch (InvalidDataException e)
        {
            foreach (var part in parts) unreadable.Add(part.Path);
            instruments.Corruptions.Add();
            LogsLog.CannotMerge(logger, string.Join(", ", parts.Select(p => p.Path)), e.Message);
            return false;
        }
        if (written is null)
        {
            // No new part says that these are replaced: they must be gone before anything counts on it, and what they replaced before them.
            foreach (var part in parts)
            {
                foreach (string name in PartMerger.StillReplaced(part)) options.Disk.Delete(Path.Combine(Path.GetDirectoryName(part.Path)!, name));
                part.Close();
                options.Disk.Delete(part.Path);
                logs.ReplaceParts([part], null);
            }
            options.Disk.SyncFolder(Path.GetDirectoryName(parts[0].Path)!);
        }
        else
        {
            logs.ReplaceParts(parts, written);
            foreach (var part in parts) replaced.Add((part, time.GetTimestamp()));
        }
        if (merger.Dropped > 0) logs.Changes.Note(parts.Min(p => p.MinNs), parts.Max(p => p.MaxNs));
        instruments.PartsMerged.Add(parts.Count);
        LogsLog.Merged(logger, parts.Count, written?.Path ?? "nothing", merger.Dropped, time.GetElapsedTime(started).TotalSeconds);
        return true;
    }

    private void DeleteReplaced()
    {
        foreach (var old in replaced.Where(r => time.GetElapsedTime(r.Since) >= Linger).ToList())
        {
            replaced.Remove(old);
            Delete(old.Part);
        }
    }

    private void Delete(PartFile part)
    {
        part.Close();
        TryDelete(part.Path);
    }

    /// <summary>Deletes what failed merges left in a folder. False: it is there still, and no part of the folder may go or be written anew.</summary>
    private bool TryClear(string folder)
    {
        lock (leftOver)
        {
            leftOver.RemoveWhere(path => Path.GetDirectoryName(path) == folder && TryDelete(path));
            return !leftOver.Any(path => Path.GetDirectoryName(path) == folder);
        }
    }

    private bool TryDelete(string path)
    {
        try
        {
            options.Disk.Delete(path);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogsLog.CannotDelete(logger, path, e.Message);
            return false;
        }
    }
}
