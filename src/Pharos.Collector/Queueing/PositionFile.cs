using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;
using Pharos.Core;

namespace Pharos.Collector.Queueing;

/// <summary>
/// One position on disk, overwritten in place: two slots take turns, each with a checksum, so that a torn write leaves the one before.
/// </summary>
/// <remarks>Slot: sequence, segment, offset (u64 each, little-endian), CRC-32C of these 24 bytes (u32), four zero bytes.</remarks>
internal sealed class PositionFile : IDisposable
{
    private const int SlotBytes = 32;

    private readonly SafeFileHandle file;
    private readonly byte[] slot = new byte[SlotBytes];
    private ulong sequence;

    public PositionFile(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        for (int i = 0; i < 2; i++)
        {
            if (RandomAccess.Read(file, slot, i * SlotBytes) != SlotBytes) continue;
            if (Crc32C.Of(slot.AsSpan(0, 24)) != BinaryPrimitives.ReadUInt32LittleEndian(slot.AsSpan(24))) continue;
            ulong number = BinaryPrimitives.ReadUInt64LittleEndian(slot);
            if (number <= sequence) continue;
            sequence = number;
            Stored = new RecordPosition(BinaryPrimitives.ReadInt64LittleEndian(slot.AsSpan(8)), BinaryPrimitives.ReadInt64LittleEndian(slot.AsSpan(16)));
        }
    }

    /// <summary>What was last stored; null in a new file.</summary>
    public RecordPosition? Stored { get; private set; }

    public void Store(RecordPosition position)
    {
        if (Stored == position) return;
        sequence++;
        BinaryPrimitives.WriteUInt64LittleEndian(slot, sequence);
        BinaryPrimitives.WriteInt64LittleEndian(slot.AsSpan(8), position.Segment);
        BinaryPrimitives.WriteInt64LittleEndian(slot.AsSpan(16), position.Offset);
        BinaryPrimitives.WriteUInt32LittleEndian(slot.AsSpan(24), Crc32C.Of(slot.AsSpan(0, 24)));
        RandomAccess.Write(file, slot, (long)(sequence % 2) * SlotBytes);
        Stored = position;
    }

    public void Dispose()
    {
        RandomAccess.FlushToDisk(file);
        file.Dispose();
    }
}
