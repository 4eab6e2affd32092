using Pharos.Logs.Blocks;

namespace Pharos.Logs.Parts;

/// <summary>An immutable file of blocks of one tenant and one UTC day. Layout: docs/formats/log-part.md.</summary>
internal sealed class PartFile(string path, long sequence, long minNs, long maxNs, long bytes) : BlockSource
{
    public string Path => path;

    /// <summary>Number of the flush that wrote it.</summary>
    public long Sequence => sequence;

    public long MinNs => minNs;

    public long MaxNs => maxNs;

    public long Bytes => bytes;

    public override string Name => path;

    public override void Read(long offset, Span<byte> into)
    {
        // A handle per read: a store may have more parts than a process may have open files, and opening costs microseconds.
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        while (!into.IsEmpty)
        {
            int read = RandomAccess.Read(file, into, offset);
            if (read == 0) throw new InvalidDataException($"{path} ends before offset {offset + into.Length}");
            into = into[read..];
            offset += read;
        }
    }
}
