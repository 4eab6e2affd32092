using System.Globalization;
using Microsoft.Extensions.Logging;
using Pharos.Metrics.Chunks;
using Pharos.Storage.Files;

namespace Pharos.Metrics.Head;

/// <summary>
/// The files <c>head-chunks/000001</c> … of one tenant: finished chunks of its head, each written once, so that they need not stay in memory
/// and a saved head only says where they are. The write log keeps the samples too until they are in a block: a file that is missing or
/// damaged costs a longer start. Safe for several threads.
/// </summary>
/// <param name="readOnly">Whether opening leaves the files as they are.</param>
internal sealed class HeadChunks(string tenantFolder, IDisk disk, MetricInstruments instruments, ILogger logger, bool readOnly = false)
{
    private const string FolderName = "head-chunks";
    private const string SetAside = ".damaged";
    private const long FileBytesMax = 256 << 20;
    private const long FreeBytesMin = 64 << 20;

    private readonly Lock gate = new();
    private readonly string folder = Path.Combine(tenantFolder, FolderName);
    private readonly List<HeadChunkFile> files = [];
    private readonly HashSet<(int File, uint Offset)> damaged = [];
    private HeadChunkFile? current;
    private int lastNumber;
    private bool folderUnsynced;
    private Task checking = Task.CompletedTask;

    /// <summary>Bytes of all files.</summary>
    public long Bytes
    {
        get
        {
            lock (gate) return files.Sum(f => f.Length);
        }
    }

    /// <summary>The file into which so many bytes go next, behind what counts in it. One writer at a time.</summary>
    /// <exception cref="IOException">There is no room, or the file cannot be made.</exception>
    public HeadChunkFile Room(int bytes)
    {
        if (current is { } open && open.Length + bytes <= FileBytesMax) return open;
        disk.CreateFolder(folder);
        long free = disk.FreeBytes(folder);
        if (free < FreeBytesMin + bytes) throw new IOException($"{free} bytes are free and {FreeBytesMin + bytes} are wanted");
        string path = PathOf(++lastNumber);
        var handle = disk.Open(path, FileMode.Create);
        var header = new ByteBuffer(HeadChunkFile.HeaderBytes);
        HeadChunkFile.WriteHeader(header);
        disk.Write(handle, header.Written, 0);
        var file = new HeadChunkFile(this, lastNumber, path, handle, header.Length);
        lock (gate)
        {
            files.Add(file);
            current = file;
            folderUnsynced = true;
        }
        return file;
    }

    /// <summary>Writes entries that begin at the file's end. Where it fails nothing more goes into that file.</summary>
    /// <exception cref="IOException">They could not be written; nothing of them counts.</exception>
    public void Write(HeadChunkFile file, ReadOnlySpan<byte> entries, long newestMs)
    {
        try
        {
            long free = disk.FreeBytes(folder);
            if (free < FreeBytesMin + entries.Length) throw new IOException($"{free} bytes are free and {FreeBytesMin + entries.Length} are wanted");
            disk.Write(file.Handle, entries, file.Length);
        }
        catch
        {
            lock (gate) current = null;
            throw;
        }
        lock (gate)
        {
            file.Length += entries.Length;
            file.MaxMs = Math.Max(file.MaxMs, newestMs);
        }
    }

    /// <summary>Makes durable what was written. Returns the files with their lengths, for a saved head. No writer beside it.</summary>
    /// <exception cref="IOException">It is not durable.</exception>
    public List<(int Number, long Length)> Sync()
    {
        HeadChunkFile[] all;
        lock (gate) all = [.. files];
        try
        {
            foreach (var file in all)
            {
                if (file.SyncedLength == file.Length) continue;
                disk.Sync(file.Handle);
                file.SyncedLength = file.Length;
            }
            if (folderUnsynced)
            {
                disk.SyncFolder(folder);
                disk.SyncFolder(tenantFolder);
                folderUnsynced = false;
            }
        }
        catch
        {
            // After a failed fsync the kernel may hold the pages as clean: that file gets nothing more, and its checksums will tell.
            lock (gate) current = null;
            throw;
        }
        return [.. all.Select(f => (f.Number, f.Length))];
    }

    /// <summary>Opens the files of a saved head, cuts off what was written after it, and begins to check them.</summary>
    /// <exception cref="InvalidDataException">A file is missing.</exception>
    public void Open(IReadOnlyList<(int Number, long Length)> saved)
    {
        foreach (var (number, length) in saved)
        {
            string path = PathOf(number);
            if (!File.Exists(path)) throw new InvalidDataException($"{path} is missing");
            var handle = readOnly ? File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete) : disk.Open(path, FileMode.Open);
            var file = new HeadChunkFile(this, number, path, handle, length) { SyncedLength = length };
            if (!readOnly && RandomAccess.GetLength(handle) > length) disk.SetLength(handle, length);
            files.Add(file);
            checking = Task.WhenAll(checking, Task.Run(file.Verify));
        }
        if (readOnly) return;
        lastNumber = NumbersInFolder().Concat(saved.Select(s => s.Number)).DefaultIfEmpty().Max();
        var kept = saved.Select(s => s.Number).ToHashSet();
        foreach (int number in NumbersInFolder().Where(n => !kept.Contains(n)).ToList()) TryDisk(PathOf(number), () => disk.Delete(PathOf(number)));
    }

    /// <summary>Waits for the check of the files that were opened.</summary>
    /// <exception cref="InvalidDataException">One is damaged or too short: names it and the place.</exception>
    public void WaitForCheck() => checking.GetAwaiter().GetResult();

    /// <summary>The file of a saved head by its number.</summary>
    /// <exception cref="InvalidDataException">There is none, or it does not reach so far.</exception>
    public HeadChunkFile Find(int number, long end)
    {
        foreach (var file in files)
        {
            if (file.Number == number && end <= file.Length) return file;
        }
        throw new InvalidDataException($"it speaks of chunks in file {number} up to {end}, which is not there");
    }

    /// <summary>Begins anew without a saved head: damaged files are set aside, the others deleted, as the write log brings their samples.</summary>
    public void Discard()
    {
        // What it finds is in the files' own fields.
        checking.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default).GetAwaiter().GetResult();
        checking = Task.CompletedTask;
        foreach (var file in files)
        {
            file.Handle.Dispose();
            if (!file.IsDamaged) continue;
            instruments.HeadChunkFilesDamaged.Add(1);
            MetricsLog.HeadChunksDamaged(logger, file.Path, file.Path + SetAside);
            TryDisk(file.Path, () => disk.Move(file.Path, file.Path + SetAside));
        }
        files.Clear();
        current = null;
        foreach (int number in NumbersInFolder().ToList())
        {
            lastNumber = Math.Max(lastNumber, number);
            TryDisk(PathOf(number), () => disk.Delete(PathOf(number)));
        }
    }

    /// <summary>Deletes files whose samples are all older than a time; chunks that come later go into a new file.</summary>
    public void Drop(long beforeMs)
    {
        List<HeadChunkFile> gone;
        lock (gate)
        {
            current = null;
            gone = files.FindAll(f => f.MaxMs < beforeMs);
            files.RemoveAll(gone.Contains);
            damaged.RemoveWhere(d => gone.Exists(f => f.Number == d.File));
        }
        foreach (var file in gone) TryDisk(file.Path, () => disk.Delete(file.Path));
    }

    /// <summary>A chunk could not be read: counts and says it, once.</summary>
    public void Damaged(MemChunk chunk, CorruptChunkException why)
    {
        lock (gate)
        {
            if (!damaged.Add((chunk.File!.Number, chunk.FileOffset))) return;
        }
        instruments.ChunksDamaged.Add(1);
        MetricsLog.HeadChunkDamaged(logger, why.Message);
    }

    private void TryDisk(string path, Action work)
    {
        try
        {
            work();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            MetricsLog.CannotDelete(logger, path, failure.Message);
        }
    }

    private IEnumerable<int> NumbersInFolder()
    {
        if (!Directory.Exists(folder)) yield break;
        foreach (string path in Directory.EnumerateFiles(folder))
        {
            if (int.TryParse(Path.GetFileName(path), NumberStyles.None, CultureInfo.InvariantCulture, out int number) && path == PathOf(number)) yield return number;
        }
    }

    private string PathOf(int number) => Path.Combine(folder, number.ToString("D6", CultureInfo.InvariantCulture));
}
