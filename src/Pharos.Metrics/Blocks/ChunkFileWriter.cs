using Pharos.Core;
using Pharos.Metrics.Chunks;
using Pharos.Storage.Files;

namespace Pharos.Metrics.Blocks;

/// <summary>Writes the files <c>chunks/000001</c>, <c>000002</c> … of a block.</summary>
internal sealed class ChunkFileWriter(IDisk disk, string folder) : IDisposable
{
    public const uint Magic = 0x85BD40DD;

    /// <summary>Bytes of one file. Source: Prometheus.</summary>
    private const long FileBytesMax = 512L << 20;

    private readonly ByteBuffer entry = new();
    private SectionFile? file;
    private int files;

    /// <summary>Returns the chunk's reference: file number from 0, and offset.</summary>
    public ulong Write(ChunkEncoding encoding, ReadOnlySpan<byte> data)
    {
        if (file is not null && file.Position + data.Length + 16 > FileBytesMax) Close();
        if (file is null)
        {
            file = new SectionFile(disk, Path.Combine(folder, (files + 1).ToString("D6")));
            files++;
            file.UInt32(Magic);
            file.Write([1, 0, 0, 0]);
        }
        ulong at = ((ulong)(files - 1) << 32) | (ulong)file.Position;
        entry.Clear();
        entry.Uvarint((ulong)data.Length);
        file.Write(entry.Written);
        file.StartChecksum();
        file.Write([(byte)encoding]);
        file.Write(data);
        file.WriteChecksum();
        return at;
    }

    public void Finish() => Close();

    public void Dispose() => file?.Dispose();

    private void Close()
    {
        if (file is null) return;
        file.Sync();
        file.Dispose();
        file = null;
    }
}
