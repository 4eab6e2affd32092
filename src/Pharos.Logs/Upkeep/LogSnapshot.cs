using System.Globalization;
using Pharos.Core;
using Pharos.Logs.Deletion;
using Pharos.Logs.Parts;
using Pharos.Logs.Streams;

namespace Pharos.Logs.Upkeep;

/// <summary>
/// A tenant's parts once more, in a data folder of their own: links to files that never change, with the deletions that were asked for when the parts' last entries came.
/// While it is made nobody may write or delete parts.
/// </summary>
internal static class LogSnapshot
{
    /// <param name="deletions">Of the moment at which entries were set aside: later ones may be of entries that are not in the snapshot.</param>
    /// <returns>The new folder's name in <see cref="LogStoreOptions.SnapshotFolder"/>.</returns>
    /// <exception cref="IOException">It could not be written; there is none.</exception>
    public static string Take(
        LogStoreOptions options, TenantLogs logs, (IReadOnlyList<LogDeleteRequest> Requests, FlushMark Known) deletions, DateTimeOffset now, CancellationToken cancel)
    {
        var disk = options.Disk;
        string at = now.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture), name = at;
        for (int again = 2; Directory.Exists(Path.Combine(options.SnapshotFolder, name)); again++) name = string.Create(CultureInfo.InvariantCulture, $"{at}-{again}");
        // Half a snapshot would be taken for a whole one.
        string folder = Path.Combine(options.SnapshotFolder, name), temporary = folder + ".tmp", tenant = Path.Combine(temporary, "logs", logs.Tenant.Name);
        try
        {
            if (Directory.Exists(temporary)) disk.DeleteFolder(temporary);
            disk.CreateFolder(tenant);
            string mark = Path.Combine(options.Folder, FlushMarks.FileName);
            if (File.Exists(mark)) disk.Link(mark, Path.Combine(temporary, "logs", FlushMarks.FileName));
            if (deletions.Requests.Count > 0) new DeleteFile(Path.Combine(tenant, DeleteFile.FileName), disk).Write(deletions.Requests, deletions.Known);
            foreach (var day in logs.Parts.GroupBy(p => Path.GetFileName(Path.GetDirectoryName(p.Path)!)))
            {
                string dayFolder = Path.Combine(tenant, day.Key);
                disk.CreateFolder(dayFolder);
                foreach (var part in day)
                {
                    cancel.ThrowIfCancellationRequested();
                    disk.Link(part.Path, Path.Combine(dayFolder, Path.GetFileName(part.Path)));
                }
                disk.SyncFolder(dayFolder);
            }
            disk.SyncFolder(tenant);
            disk.SyncFolder(Path.Combine(temporary, "logs"));
            disk.SyncFolder(temporary);
            disk.Move(temporary, folder);
            disk.SyncFolder(options.SnapshotFolder);
            return name;
        }
        catch
        {
            TryDelete(temporary);
            TryDelete(folder);
            throw;
        }

        void TryDelete(string path)
        {
            try
            {
                if (Directory.Exists(path)) disk.DeleteFolder(path);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // The next snapshot of that name does.
            }
        }
    }
}
