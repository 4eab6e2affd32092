using Microsoft.Win32.SafeHandles;
using Pharos.Logs.Blocks;

namespace Pharos.Logs.Parts;

/// <summary>An immutable file of blocks of one tenant and one UTC day. Layout: docs/formats/log-part.md.</summary>
internal sealed class PartFile : BlockSource
{
    /// <summary>Handles that all parts together keep open: a store may have more parts than a process may have open files.</summary>
    private const int OpenMax = 200;

    private static readonly Lock OpenGate = new();
    private static readonly LinkedList<PartFile> Opened = new();

    private readonly PartFooter footer;
    private readonly BlockNotes[] notes;
    private volatile SafeFileHandle? handle;

    public PartFile(string path, PartFooter footer, PartDirectory directory, IndexCache cache)
    {
        Path = path;
        this.footer = footer;
        notes = new BlockNotes[directory.Blocks];
        Replaces = directory.Replaces;
        Index = new PartIndex(this, directory, cache);
    }

    public string Path { get; }

    /// <summary>Number of the flush that wrote it; of a merged part, the last of those merged.</summary>
    public long Flush => footer.Flush;

    /// <summary>The mark that held when it was written: what it says of the write log is true, whatever became of the flush.</summary>
    public FlushMark Known => footer.Known;

    public long MinNs => footer.MinNs;

    public long MaxNs => footer.MaxNs;

    public long Bytes => footer.IndexAt + footer.IndexLength + PartFormat.FooterBytes;

    public long Entries => footer.Entries;

    /// <summary>Bytes of all lines and metadata.</summary>
    public long RawBytes => footer.RawBytes;

    /// <summary>Offset behind the last block.</summary>
    public long IndexAt => footer.IndexAt;

    /// <summary>Names of the parts of its folder whose entries it holds.</summary>
    public IReadOnlyList<string> Replaces { get; }

    public PartIndex Index { get; }

    public override string Name => Path;

    public override ref BlockNotes NotesOf(int block) => ref notes[block];

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
            if (read == 0) throw new InvalidDataException($"{Path} ends before offset {offset + into.Length}");
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
            var opened = File.OpenHandle(Path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
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
