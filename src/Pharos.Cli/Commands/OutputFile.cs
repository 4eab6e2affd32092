using Pharos.Storage.Files;

namespace Pharos.Cli.Commands;

/// <summary>
/// What <c>--output</c> names, or the standard output. A file is written beside its place, as FILE.tmp, and gets its name when all of it is on the disk:
/// who is killed leaves no file that looks whole, and what was there before stays until then. Pipes and devices are written as they are.
/// </summary>
internal sealed class OutputFile : IDisposable
{
    private readonly string? target;
    private bool done;

    private OutputFile(Stream stream, string? target) => (Stream, this.target) = (stream, target);

    public Stream Stream { get; }

    private string Temporary => target + ".tmp";

    /// <param name="file">Null for the standard output.</param>
    /// <exception cref="IOException">It cannot be written there; neither with <see cref="UnauthorizedAccessException"/>.</exception>
    public static OutputFile Open(FileInfo? file)
    {
        if (file is null) return new OutputFile(Console.OpenStandardOutput(), null);
        if (file.FullName.StartsWith("/dev/", StringComparison.Ordinal) || file.FullName.StartsWith("/proc/", StringComparison.Ordinal)) return new OutputFile(file.Create(), null);
        string target = file.LinkTarget is null ? file.FullName : file.ResolveLinkTarget(returnFinalTarget: true)!.FullName;
        if (File.Exists(target))
        {
            var there = new FileStream(target, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
            if (!there.CanSeek) return new OutputFile(there, null);
            there.Dispose();
        }
        var opened = new OutputFile(new FileStream(target + ".tmp", FileMode.Create, FileAccess.Write), target);
        if (!OperatingSystem.IsWindows() && File.Exists(target)) File.SetUnixFileMode(opened.Temporary, File.GetUnixFileMode(target));
        return opened;
    }

    /// <summary>All was written: the file gets its name.</summary>
    /// <exception cref="IOException">The disk did not take it; what was there before is there still.</exception>
    public void Complete()
    {
        if (target is null)
        {
            Stream.Flush();
            return;
        }
        ((FileStream)Stream).Flush(flushToDisk: true);
        Stream.Dispose();
        File.Move(Temporary, target, overwrite: true);
        done = true;
        DurableFiles.SyncFolder(Path.GetDirectoryName(target)!);
    }

    public void Dispose()
    {
        Stream.Dispose();
        if (target is null || done) return;
        try
        {
            File.Delete(Temporary);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Its name says that it is not whole.
        }
    }
}
