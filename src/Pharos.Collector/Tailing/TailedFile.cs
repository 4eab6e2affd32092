using Microsoft.Win32.SafeHandles;
using Pharos.Core;

namespace Pharos.Collector.Tailing;

/// <summary>
/// One file being followed: knows where the next line starts and what became of the file's name. Reading moves nothing;
/// <see cref="Accept"/> does, once the lines are handed over.
/// </summary>
internal sealed class TailedFile : IDisposable
{
    private const int SignatureBytes = 256;
    private const int QuietReadsRotated = 2;
    private const int QuietReadsDeleted = 20;

    private readonly FileTailOptions options;
    private byte[] buffer;
    private SafeFileHandle? file;
    private FileIdentity identity;
    private long offset;
    private int signatureLength;
    private uint signature;
    private int taken;
    private bool draining;
    private int quietReads;

    public TailedFile(string path, Labels labels, FileTailOptions options)
    {
        Path = path;
        Labels = labels;
        this.options = options;
        buffer = new byte[64 * 1024];
    }

    public string Path { get; }

    /// <summary>Labels of the stream.</summary>
    public Labels Labels { get; }

    public long Offset => offset;

    public long Size => file is null ? 0 : RandomAccess.GetLength(file);

    public FilePosition Position => new(Path, Labels.ToString(), offset, identity.Device, identity.Number, signatureLength, signature);

    public bool IsOpen => file is not null;

    /// <summary>The file that is open now.</summary>
    public FileIdentity Identity => identity;

    /// <summary>Goes on where a position says; from the start (or the end) where the file is another one.</summary>
    public void Resume(FilePosition? position, bool fromEnd)
    {
        if (position is not null)
        {
            if (TryOpen(Path) && identity == position.Identity && offset == 0 && Fits(position)) return;
            // The file may have been rotated away while nobody looked: its rest comes first.
            Close();
            string folder = System.IO.Path.GetDirectoryName(Path) ?? ".";
            if (Directory.Exists(folder))
            {
                foreach (string other in Directory.EnumerateFiles(folder, System.IO.Path.GetFileName(Path) + "*"))
                {
                    if (other == Path || FileIdentity.Of(other) != position.Identity || !TryOpen(other)) continue;
                    if (identity == position.Identity && Fits(position))
                    {
                        draining = true;
                        return;
                    }
                    Close();
                }
            }
            TryOpen(Path);
            return;
        }
        if (TryOpen(Path) && fromEnd) offset = Size;
    }

    /// <summary>
    /// Reads the next whole lines, at most <see cref="FileTailOptions.BatchBytes"/>; where the file has ended (renamed, deleted), also a last line
    /// without a newline. Empty: nothing new.
    /// </summary>
    /// <param name="until">Offset to read up to; a batch of an earlier run ends there.</param>
    public ReadOnlySpan<byte> Read(long until = long.MaxValue)
    {
        taken = 0;
        if (file is null && !TryOpen(Path)) return [];
        long size = Size;
        if (size < offset || (size > offset && !SignatureHolds()))
        {
            // Truncated in place, or written anew: what is there now starts over.
            Restart();
            size = Size;
        }
        if (size == offset)
        {
            if (!HasEnded()) return [];
            Close();
            if (!TryOpen(Path)) return [];
            return Read();
        }
        if (until > offset) size = Math.Min(size, until);
        int wanted = (int)Math.Min(size - offset, options.BatchBytes);
        int length = Fill(wanted);
        var bytes = buffer.AsSpan(0, length);
        int end = bytes.LastIndexOf((byte)'\n') + 1;
        while (end == 0 && length < options.LineBytesMax && offset + length < size)
        {
            length = Fill((int)Math.Min(size - offset, Math.Min(options.LineBytesMax, length * 2L)));
            bytes = buffer.AsSpan(0, length);
            end = bytes.LastIndexOf((byte)'\n') + 1;
        }
        if (end == 0)
        {
            if (length < options.LineBytesMax && !HasEnded()) return [];
            // Nobody will finish this line, or it is too long to wait for.
            end = length;
        }
        taken = end;
        return bytes[..end];
    }

    /// <summary>The lines last read are handed over.</summary>
    public void Accept()
    {
        offset += taken;
        quietReads = 0;
        taken = 0;
        if (signatureLength < SignatureBytes && offset > signatureLength) Sign();
    }

    public void Dispose() => Close();

    private bool Fits(FilePosition position)
    {
        if (position.Offset > Size || SignatureOf(position.SignatureLength) != position.Signature) return false;
        offset = position.Offset;
        signatureLength = position.SignatureLength;
        signature = position.Signature;
        return true;
    }

    /// <summary>
    /// Whether nothing more will be written to the open file: its name stands for another one, or for none. Writers go on with the old file
    /// for a moment after a rotation, so it must also have been quiet for a while.
    /// </summary>
    private bool HasEnded()
    {
        if (draining) return true;
        var there = FileIdentity.Of(Path);
        if (there == identity)
        {
            quietReads = 0;
            return false;
        }
        return ++quietReads > (there is null ? QuietReadsDeleted : QuietReadsRotated);
    }

    private bool TryOpen(string path)
    {
        try
        {
            file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            identity = FileIdentity.Of(file);
            Restart();
            draining = false;
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            file = null;
            return false;
        }
    }

    private void Close()
    {
        file?.Dispose();
        file = null;
        offset = 0;
        quietReads = 0;
    }

    private void Restart()
    {
        offset = 0;
        signatureLength = 0;
        signature = 0;
        Span<byte> mark = stackalloc byte[3];
        if (RandomAccess.Read(file!, mark, 0) == 3 && mark.SequenceEqual("\uFEFF"u8)) offset = 3;
    }

    private void Sign()
    {
        signatureLength = (int)Math.Min(offset, SignatureBytes);
        signature = SignatureOf(signatureLength);
    }

    private bool SignatureHolds() => signatureLength == 0 || SignatureOf(signatureLength) == signature;

    private uint SignatureOf(int length)
    {
        Span<byte> start = stackalloc byte[SignatureBytes];
        start = start[..Math.Min(length, SignatureBytes)];
        int read = RandomAccess.Read(file!, start, 0);
        return Crc32C.Of(start[..read]);
    }

    private int Fill(int wanted)
    {
        if (buffer.Length < wanted) buffer = new byte[wanted];
        int length = 0;
        while (length < wanted)
        {
            int read = RandomAccess.Read(file!, buffer.AsSpan(length, wanted - length), offset + length);
            if (read == 0) break;
            length += read;
        }
        return length;
    }
}
