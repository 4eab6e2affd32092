using System.Buffers.Binary;
using Microsoft.Extensions.Logging;
using Pharos.Core;

namespace Pharos.Collector.Queueing;

/// <summary>
/// Takes the records of the first version's queue over into a <see cref="RecordLog"/> and deletes its files: segments <c>%010d.seg</c> of
/// {length u32 LE, CRC-32C u32 LE, payload} without a head, and <c>committed</c> with the reader's {segment, offset} (i64 LE each).
/// </summary>
internal static class SegmentsBefore
{
    private const int HeadBytes = 8;

    /// <summary>A crash in between takes the records of one segment over twice, as a crash before a commit does.</summary>
    /// <exception cref="IOException">The folder cannot be read or written.</exception>
    public static void TakeOver(string folder, RecordLog log, ILogger logger)
    {
        var segments = new SortedDictionary<long, string>();
        foreach (string path in Directory.EnumerateFiles(folder, "*.seg"))
        {
            if (long.TryParse(Path.GetFileNameWithoutExtension(path), out long number)) segments[number] = path;
        }
        string place = Path.Combine(folder, "committed");
        var committed = new RecordPosition(0, 0);
        if (File.Exists(place) && File.ReadAllBytes(place) is { Length: 16 } stored)
            committed = new RecordPosition(BinaryPrimitives.ReadInt64LittleEndian(stored), BinaryPrimitives.ReadInt64LittleEndian(stored.AsSpan(8)));
        int records = 0;
        foreach (var (number, path) in segments)
        {
            if (number >= committed.Segment) records += Copy(File.ReadAllBytes(path), number == committed.Segment ? (int)committed.Offset : 0, log);
            File.Delete(path);
        }
        File.Delete(place);
        if (records > 0) QueueLog.TakenOver(logger, folder, records);
    }

    private static int Copy(ReadOnlySpan<byte> segment, int offset, RecordLog log)
    {
        int records = 0;
        while (segment.Length - offset >= HeadBytes)
        {
            uint length = BinaryPrimitives.ReadUInt32LittleEndian(segment[offset..]);
            if (length > segment.Length - offset - HeadBytes) break;
            var payload = segment.Slice(offset + HeadBytes, (int)length);
            if (Crc32C.Of(payload) != BinaryPrimitives.ReadUInt32LittleEndian(segment[(offset + 4)..])) break;
            log.Append(payload);
            offset += HeadBytes + (int)length;
            records++;
        }
        return records;
    }
}
