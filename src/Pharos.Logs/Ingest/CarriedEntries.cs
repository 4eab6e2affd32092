using Pharos.Core;
using Pharos.Logs.Reading;
using Pharos.Logs.Streams;
using Pharos.Storage.WriteLog;

namespace Pharos.Logs.Ingest;

/// <summary>Entries in memory as new records of the write log, so that the old ones are not needed any more.</summary>
internal static class CarriedEntries
{
    /// <summary>A record ends at the first entry that takes it over this size, bytes.</summary>
    private const int RecordBytesTarget = 1 << 20;

    /// <param name="from">What was set aside: no more entries come.</param>
    /// <returns>Bytes of the records.</returns>
    /// <exception cref="StoreUnavailableException">The write log cannot be written; some entries may be in it twice.</exception>
    /// <exception cref="InvalidDataException">A block in memory cannot be read.</exception>
    public static async Task<long> WriteAsync(IWriteLog log, TenantId tenant, IReadOnlyList<HeadStreams> from, CancellationToken cancel)
    {
        using var record = new PooledBuffer();
        long bytes = 0;
        foreach (var stream in from.SelectMany(g => g.All))
        {
            using var cursor = CursorOf(stream, cancel);
            for (bool more = cursor.MoveNext(); more;)
            {
                more = Fill(record, stream.Labels, cursor);
                await log.AppendAsync(RecordKind.Logs, tenant, record.Memory, cancel);
                bytes += record.Length;
            }
        }
        return bytes;
    }

    private static SectionCursor CursorOf(LogStream stream, CancellationToken cancel)
    {
        var (blocks, head) = stream.Snapshot();
        var all = new LogSelection { Matchers = [], StartNs = long.MinValue, EndNs = long.MaxValue };
        var context = new ReadContext(all, [], static (block, _, e) => throw new InvalidDataException($"{block.Source.Name}: {e.Message}", e), cancel);
        return new SectionCursor(new SectionQueue([(stream.Labels, new StreamSnapshot(blocks, head is { } open ? [open] : []))], counting: false, cancel), context);
    }

    /// <summary>A record of the current entry and those after it; false where none is left.</summary>
    private static bool Fill(PooledBuffer record, Labels labels, SectionCursor cursor)
    {
        record.Clear();
        LogRecord.WriteStreams(record, [labels]);
        bool more;
        long last = 0;
        do
        {
            LogRecord.WriteEntry(record, 0, cursor.TimestampNs - last, cursor.Line, cursor.Metadata);
            last = cursor.TimestampNs;
            more = cursor.MoveNext();
        }
        while (more && record.Length < RecordBytesTarget);
        return more;
    }
}
