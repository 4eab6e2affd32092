using Microsoft.Extensions.Logging;
using Pharos.Logs.Streams;
using Pharos.Storage.Files;

namespace Pharos.Logs.Parts;

/// <summary>Finds a tenant's parts at start, and clears away what a stop in the middle of something left.</summary>
internal sealed class PartLoader(LogStoreOptions options, IndexCache cache, LogInstruments instruments, ILogger logger)
{
    /// <summary>Gives the tenant its parts; returns the highest flush number that was seen, and the newest mark that they know of.</summary>
    /// <param name="finished">The tenant's last flush that finished; null where that is not known.</param>
    public (long Newest, FlushMark Known) Load(TenantLogs logs, string folder, long? finished)
    {
        long newest = 0;
        var known = FlushMark.None;
        foreach (var day in Directory.GetFiles(folder, "*", SearchOption.AllDirectories).GroupBy(Path.GetDirectoryName).OrderBy(d => d.Key, StringComparer.Ordinal))
        {
            var found = new List<PartFile>();
            foreach (string path in day.Order(StringComparer.Ordinal))
            {
                if (path.EndsWith(".tmp", StringComparison.Ordinal)) Delete(path);
                if (!path.EndsWith(PartFormat.Extension, StringComparison.Ordinal)) continue;
                try
                {
                    var part = PartReader.Open(path, cache);
                    newest = Math.Max(newest, part.Flush);
                    known = FlushMark.Newer(known, part.Known);
                    if (part.Flush > finished)
                    {
                        LogsLog.Unfinished(logger, path);
                        Delete(path);
                        continue;
                    }
                    found.Add(part);
                }
                catch (Exception e) when (PartReader.IsDamage(e) && e is not UnauthorizedAccessException)
                {
                    instruments.Corruptions.Add();
                    LogsLog.DamagedPart(logger, path, e.Message, SetAside(options.Disk, path));
                }
            }
            // A merge that was done before the stop: what it was made from may still be there.
            var replaced = found.SelectMany(f => f.Replaces).ToHashSet(StringComparer.Ordinal);
            foreach (var part in found)
            {
                if (replaced.Contains(Path.GetFileName(part.Path))) Delete(part.Path);
                else logs.AddPart(part);
            }
        }
        return (newest, known);
    }

    /// <summary>Gives a damaged file another name, by which nobody reads it.</summary>
    /// <returns>That name; where the disk does not take it, which matters only to who looks for the file, why not.</returns>
    public static string SetAside(IDisk disk, string path)
    {
        string aside = path + ".damaged";
        try
        {
            disk.Move(path, aside);
            return aside;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"nothing, because {e.Message}";
        }
    }

    private void Delete(string path)
    {
        try
        {
            options.Disk.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogsLog.CannotDelete(logger, path, e.Message);
        }
    }
}
