using Microsoft.Extensions.Logging;

namespace Pharos.Storage;

/// <summary>Everything that the storage room says in the program's log; ids 1000 to 1099.</summary>
internal static partial class StorageLog
{
    [LoggerMessage(1001, LogLevel.Warning, "The write log's segment {Segment} ended in the middle of a record at offset {Offset}; {Bytes} bytes that were never acknowledged were cut off and kept in {Aside}")]
    public static partial void TornTail(ILogger logger, string segment, long offset, long bytes, string aside);

    [LoggerMessage(1002, LogLevel.Error, "The write log's segment {Segment} is damaged at offset {Offset}, {Bytes} bytes; they are kept in {Aside} and the rest is used. Records in the damaged range are lost: check the disk")]
    public static partial void Damaged(ILogger logger, string segment, long offset, long bytes, string aside);

    [LoggerMessage(1003, LogLevel.Error, "{Segment} is no write log segment of this version; it was set aside as {Aside}")]
    public static partial void ForeignSegment(ILogger logger, string segment, string aside);

    [LoggerMessage(1004, LogLevel.Error, "The write log cannot be written: {Reason}. Ingestion is refused until it can be; senders keep their data and send it again")]
    public static partial void Unavailable(ILogger logger, string reason);

    [LoggerMessage(1005, LogLevel.Information, "The write log can be written again")]
    public static partial void AvailableAgain(ILogger logger);

    [LoggerMessage(1006, LogLevel.Warning, "The write log's segment {Segment} could not be deleted: {Reason}; it is tried again later")]
    public static partial void CannotDelete(ILogger logger, string segment, string reason);

    [LoggerMessage(1007, LogLevel.Error, "Segments {First} to {Last} of the write log are missing; records in them are lost")]
    public static partial void MissingSegments(ILogger logger, long first, long last);

    [LoggerMessage(1008, LogLevel.Error, "{Segment} is no write log segment of this version; it stays where it is and is not read, for it could not be set aside: {Reason}")]
    public static partial void ForeignSegmentStays(ILogger logger, string segment, string reason);
}
