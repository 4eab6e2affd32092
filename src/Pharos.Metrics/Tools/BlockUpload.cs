using System.Text.RegularExpressions;
using Microsoft.Win32.SafeHandles;
using Pharos.Core;
using Pharos.Metrics.Blocks;
using Pharos.Storage.Files;

namespace Pharos.Metrics.Tools;

/// <summary>Where the upload of a block is.</summary>
public enum UploadState
{
    Unknown,
    Uploading,
    Validating,
    Complete,
    Failed,
}

/// <summary>How uploads of a tenant are checked. Mimir: <c>compactor_block_upload_*</c>.</summary>
/// <param name="Validates">Whether a finished upload is read before it is taken in.</param>
/// <param name="ReadsChunks">Whether that reads each sample.</param>
/// <param name="BytesMax">Of all files of a block; 0: any.</param>
/// <param name="OldestMs">Blocks that end before this are refused.</param>
public sealed record UploadRules(bool Validates, bool ReadsChunks, long BytesMax, long OldestMs);

/// <summary>An upload request cannot be taken.</summary>
/// <param name="status">As an HTTP status: 400 a mistake, 404 not started, 409 the block is there, 413 too large, 422 too old.</param>
public sealed class BlockUploadException(int status, string message) : Exception(message)
{
    public int Status { get; } = status;
}

/// <summary>
/// Uploads of blocks into one tenant's folder: started with their meta.json, then file by file, then verified and taken in whole.
/// Files wait in <c>uploads/</c> beside the blocks; a restart leaves them there. Safe for several threads.
/// </summary>
public sealed partial class BlockUpload
{
    private const string MetaFile = "uploading-meta.json";
    private const int FailuresKept = 1000;
    private const long FreeBytesMin = 256 << 20;

    private readonly string folder;
    private readonly IDisk disk;
    private readonly TimeProvider time;
    private readonly Lock gate = new();
    private readonly HashSet<string> validating = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> failures = new(StringComparer.Ordinal);

    /// <param name="tenantFolder">The tenant's folder of blocks.</param>
    public BlockUpload(string tenantFolder, TimeProvider time) : this(tenantFolder, time, FileDisk.Instance)
    {
    }

    internal BlockUpload(string tenantFolder, TimeProvider time, IDisk disk) => (folder, this.time, this.disk) = (tenantFolder, time, disk);

    /// <summary>Begins an upload, or begins it anew.</summary>
    /// <param name="meta">The block's meta.json, with its files and their sizes in <c>thanos.files</c>.</param>
    /// <exception cref="BlockUploadException">It cannot be taken.</exception>
    /// <exception cref="IOException">The disk cannot be written.</exception>
    public void Start(string id, byte[] meta, UploadRules rules)
    {
        CheckId(id);
        RequireNew(id);
        var wanted = UploadMeta.Parse(meta, id, time.UnixMs(), rules);
        string upload = FolderOf(id);
        disk.CreateFolder(folder);
        if (disk.FreeBytes(folder) < wanted.Files.Values.Sum() + FreeBytesMin) throw new IOException($"the disk has no room for the {wanted.Files.Values.Sum()} bytes of block {id}");
        if (Directory.Exists(upload)) disk.DeleteFolder(upload);
        disk.CreateFolder(Path.Combine(upload, "chunks"));
        DurableFiles.Replace(disk, Path.Combine(upload, MetaFile), meta);
        lock (gate) failures.Remove(id);
    }

    /// <summary>Takes one file.</summary>
    /// <param name="name"><c>index</c> or <c>chunks/000001</c>.</param>
    /// <exception cref="BlockUploadException">It cannot be taken.</exception>
    /// <exception cref="IOException">The disk cannot be written.</exception>
    public async Task PutFileAsync(string id, string name, Stream body, CancellationToken cancel)
    {
        CheckId(id);
        RequireNew(id);
        if (!FileName().IsMatch(name)) throw new BlockUploadException(400, name.EndsWith("meta.json", StringComparison.Ordinal) ? "meta.json is not allowed" : $"invalid path: {GoString.Quote(name)}");
        var meta = Meta(id);
        if (!meta.Files.TryGetValue(name, out long size)) throw new BlockUploadException(400, $"unexpected file {GoString.Quote(name)}: it is not in thanos.files of the block's meta.json");
        string path = Path.Combine(FolderOf(id), name), temporary = path + ".tmp";
        try
        {
            using (var file = disk.Open(temporary, FileMode.Create))
            {
                long written = await CopyAsync(body, file, size, cancel);
                if (written != size) throw new BlockUploadException(400, $"file size doesn't match meta.json: {name} has {(written > size ? "more" : $"{written} bytes")}, {size} were announced");
                disk.Sync(file);
            }
            disk.Move(temporary, path);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>All files are there: verifies the block and takes it in. What is wrong is told by <see cref="StateOf"/>.</summary>
    /// <returns>Whether the block is there now.</returns>
    /// <exception cref="BlockUploadException">The upload was not started, or files are missing.</exception>
    public bool Finish(string id, UploadRules rules, CancellationToken cancel)
    {
        CheckId(id);
        RequireNew(id);
        var meta = Meta(id);
        string upload = FolderOf(id);
        foreach (var (name, _) in meta.Files)
        {
            if (name != "meta.json" && !File.Exists(Path.Combine(upload, name))) throw new BlockUploadException(400, $"file {name} of the block was not uploaded");
        }
        lock (gate)
        {
            if (!validating.Add(id)) throw new BlockUploadException(409, "block is being validated");
        }
        try
        {
            if (Problem(upload, id, meta, rules, cancel) is { } problem)
            {
                Fail(id, problem);
                disk.DeleteFolder(upload);
                return false;
            }
            disk.SyncFolder(Path.Combine(upload, "chunks"));
            disk.Delete(Path.Combine(upload, MetaFile));
            disk.SyncFolder(upload);
            disk.Move(upload, Path.Combine(folder, id));
            disk.SyncFolder(folder);
            return true;
        }
        finally
        {
            lock (gate) validating.Remove(id);
        }
    }

    /// <returns>The state, and why it failed.</returns>
    public (UploadState State, string Error) StateOf(string id)
    {
        CheckId(id);
        lock (gate)
        {
            if (validating.Contains(id)) return (UploadState.Validating, "");
            if (failures.TryGetValue(id, out string? why)) return (UploadState.Failed, why);
        }
        if (File.Exists(Path.Combine(folder, id, "meta.json"))) return (UploadState.Complete, "");
        return (File.Exists(Path.Combine(FolderOf(id), MetaFile)) ? UploadState.Uploading : UploadState.Unknown, "");
    }

    private string FolderOf(string id) => Path.Combine(folder, "uploads", id);

    private static void CheckId(string id)
    {
        if (!Ulid.IsUlid(id)) throw new BlockUploadException(400, "invalid block ID");
    }

    private void RequireNew(string id)
    {
        if (Directory.Exists(Path.Combine(folder, id))) throw new BlockUploadException(409, "block already exists");
    }

    private UploadMeta Meta(string id)
    {
        string path = Path.Combine(FolderOf(id), MetaFile);
        return File.Exists(path)
            ? UploadMeta.Parse(File.ReadAllBytes(path), id, time.UnixMs(), new UploadRules(true, true, 0, long.MinValue))
            : throw new BlockUploadException(404, $"upload of block {id} not started yet");
    }

    /// <summary>Writes the block's own meta.json beside its files, and reads the block.</summary>
    private string? Problem(string upload, string id, UploadMeta meta, UploadRules rules, CancellationToken cancel)
    {
        foreach (string half in Directory.GetFiles(upload, "*.tmp", SearchOption.AllDirectories)) disk.Delete(half);
        DurableFiles.Replace(disk, Path.Combine(upload, "meta.json"), meta.Sanitized);
        Tombstones.Write(disk, upload, new Dictionary<uint, DeletedRanges>());
        if (!rules.Validates) return null;
        var problems = BlockVerifier.Verify(upload, rules.ReadsChunks, null, cancel);
        return problems.Count == 0 ? null : string.Join("; ", problems.Take(3).Select(p => $"{Path.GetRelativePath(upload, p.Path)}: {p.Problem}"));
    }

    private void Fail(string id, string problem)
    {
        lock (gate)
        {
            if (failures.Count >= FailuresKept) failures.Clear();
            failures[id] = "block validation failed: " + problem;
        }
    }

    /// <returns>Bytes that came; one more than the limit where there were more.</returns>
    private async Task<long> CopyAsync(Stream body, SafeFileHandle file, long bytesMax, CancellationToken cancel)
    {
        var buffer = new byte[256 << 10];
        long copied = 0;
        while (true)
        {
            int read = await body.ReadAsync(buffer, cancel);
            if (read == 0) return copied;
            if (copied + read > bytesMax) return bytesMax + 1;
            disk.Write(file, buffer.AsSpan(0, read), copied);
            copied += read;
        }
    }

    [GeneratedRegex(@"^(index|chunks/\d{6})$", RegexOptions.CultureInvariant)]
    private static partial Regex FileName();
}
