using System.IO.MemoryMappedFiles;

namespace Pharos.Metrics.Blocks;

/// <summary>
/// A file read through memory. It stays readable while anybody holds this object, also after the file was deleted:
/// series of a running query may outlive their block's folder. The collector unmaps it.
/// </summary>
internal sealed unsafe class MappedFile
{
    private readonly MemoryMappedViewAccessor view;
    private readonly byte* start;

    public MappedFile(string path)
    {
        Path = path;
        Length = new FileInfo(path).Length;
        if (Length == 0) throw new CorruptBlockException($"{path} is empty");
        using var file = MemoryMappedFile.CreateFromFile(
            new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete),
            null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
        view = file.CreateViewAccessor(0, Length, MemoryMappedFileAccess.Read);
        start = (byte*)view.SafeMemoryMappedViewHandle.DangerousGetHandle() + view.PointerOffset;
    }

    public string Path { get; }

    public long Length { get; }

    /// <summary>Bytes of the file; hold this object as long as them.</summary>
    /// <exception cref="CorruptBlockException">The file ends before.</exception>
    public ReadOnlySpan<byte> Span(long offset, long length)
    {
        if (offset < 0 || length < 0 || length > int.MaxValue || offset > Length - length)
            throw new CorruptBlockException($"{Path} has {Length} bytes; {length} are wanted at {offset}");
        return new ReadOnlySpan<byte>(start + offset, (int)length);
    }

    /// <summary>Up to so many bytes, fewer at the end of the file.</summary>
    public ReadOnlySpan<byte> UpTo(long offset, int length) => Span(offset, Math.Max(0, Math.Min(length, Length - offset)));
}
