using Microsoft.Win32.SafeHandles;
using Pharos.Logs.Blocks;

namespace Pharos.Logs.Parts;

/// <summary>An immutable file of blocks of one tenant and one UTC day. Layout: docs/formats/log-part.md.</summary>
internal sealed class PartFile(string path, long sequence, long minNs, long maxNs, long bytes, long entries, IReadOnlyList<string> replaces) : BlockSource
{
    /// <summary>Handles that all parts together keep open: a store may have more parts than a process may have open files.</summary>
    private const int OpenMax = 200;

    private static readonly Lock OpenGate = new();
    private static readonly LinkedList<PartFile> Opened = new();

    private volatile SafeFileHandle? handle;

    public string Path => path;

    /// <summary>Number of the flush that wrote it; of a merged part, the highest of those merged.</summary>
    public long Sequence => sequence;

    public long MinNs => minNs;

    public long MaxNs => maxNs;

    public long Bytes => bytes;

    public long Entries => entries;

    /// <summary>Names of the parts of its folder whose entries it holds.</summary>
    public IReadOnlyList<string> Replaces => replaces;

    public override string Name => path;

    public override void Read(long offset, Span<byte> into)
    {
        while (!into.IsEmpty)
        {
            int read;
            try
            {
                read = RandomAccess.Read(handle ?? Open(), into, offset);
            }
            catch (ObjectDisposedException)
            {
                // Closed by another part's opening.
                continue;
            }
            if (read == 0) throw new InvalidDataException($"{path} ends before offset {offset + into.Length}");
            into = into[read..];
            offset += read;
        }
    }

    /// <summary>Closes the file, as before it is deleted.</summary>
    public void Close()
    {
        lock (OpenGate)
        {
            if (handle is null) return;
            Opened.Remove(this);
            handle.Dispose();
            handle = null;
        }
    }

    private SafeFileHandle Open()
    {
        lock (OpenGate)
        {
            if (handle is { } other) return other;
            var opened = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
            if (Opened.Count >= OpenMax) Opened.First!.Value.CloseLocked();
            Opened.AddLast(this);
            return handle = opened;
        }
    }

    private void CloseLocked()
    {
        Opened.Remove(this);
        handle?.Dispose();
        handle = null;
    }
}
