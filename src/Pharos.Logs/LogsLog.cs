using Microsoft.Extensions.Logging;

namespace Pharos.Logs;

/// <summary>Everything that the log store says in the program's log; ids 2100 to 2199.</summary>
internal static partial class LogsLog
{
    [LoggerMessage(2101, LogLevel.Error, "The log part {Part} is damaged: {Reason}. It was set aside as {Aside}; the rest goes on working")]
    public static partial void DamagedPart(ILogger logger, string part, string reason, string aside);

    [LoggerMessage(2102, LogLevel.Error, "A block of {Source} at offset {Offset} for stream {Stream} cannot be read: {Reason}. Its {Entries} entries are missing from answers")]
    public static partial void DamagedBlock(ILogger logger, string source, long offset, string stream, string reason, int entries);

    [LoggerMessage(2103, LogLevel.Information, "Replayed {Entries} log entries from {Records} records of the write log")]
    public static partial void Replayed(ILogger logger, long entries, long records);

    [LoggerMessage(2104, LogLevel.Error, "A log record of tenant {Tenant} at {Segment}:{Offset} in the write log cannot be read: {Reason}")]
    public static partial void DamagedRecord(ILogger logger, string tenant, long segment, long offset, string reason);

    [LoggerMessage(2105, LogLevel.Error, "Flushing logs failed: {Reason}. Entries of {Tenants} stay in memory and in the write log; the next flush of theirs tries again")]
    public static partial void FlushFailed(ILogger logger, string reason, string tenants, Exception? unforeseen);

    [LoggerMessage(2118, LogLevel.Warning, "The write log keeps more and more for tenant {Tenant}, whose log parts cannot be written, and its entries cannot go to the end of it: {Reason}. Nothing is lost; the next flush tries again")]
    public static partial void CannotCarry(ILogger logger, string tenant, string reason);

    [LoggerMessage(2117, LogLevel.Error, "What of the logs is in parts cannot be noted in {File}: {Reason}. Nothing is lost; the next flush tries again")]
    public static partial void MarkFailed(ILogger logger, string file, string reason, Exception? unforeseen);

    [LoggerMessage(2106, LogLevel.Information, "Removed log part {Part}, older than the retention of tenant {Tenant}")]
    public static partial void Retired(ILogger logger, string part, string tenant);

    [LoggerMessage(2107, LogLevel.Warning, "Removed log part {Part} of a flush that never finished; its entries are in the write log")]
    public static partial void Unfinished(ILogger logger, string part);

    [LoggerMessage(2108, LogLevel.Warning, "{File} is damaged and was not used; entries that it would have marked as flushed are read twice and shown once")]
    public static partial void DamagedMark(ILogger logger, string file);

    [LoggerMessage(2109, LogLevel.Warning, "{Message}. Log blocks are packed with Brotli instead")]
    public static partial void NoZstd(ILogger logger, string message);

    [LoggerMessage(2111, LogLevel.Error, "The list of deletions {Path} is damaged: {Reason}. It was set aside as {Aside}; what it hid shows again, so delete it anew")]
    public static partial void DamagedDeletions(ILogger logger, string path, string reason, string aside);

    [LoggerMessage(2112, LogLevel.Information, "Merged {Parts} log parts into {Part} in {Seconds} s; {Dropped} entries were deleted, expired or there twice")]
    public static partial void Merged(ILogger logger, int parts, string part, long dropped, double seconds);

    [LoggerMessage(2113, LogLevel.Error, "The log parts {Parts} cannot be merged and stay as they are: {Reason}")]
    public static partial void CannotMerge(ILogger logger, string parts, string reason);

    [LoggerMessage(2114, LogLevel.Error, "Merging log parts failed: {Reason}. The parts stay as they are; the next round tries again")]
    public static partial void CompactionFailed(ILogger logger, string reason, Exception? unforeseen);

    [LoggerMessage(2115, LogLevel.Error, "The index of log part {Part} cannot be read: {Reason}. Entries of it are missing from answers; the next start sets it aside if it is damaged")]
    public static partial void DamagedIndex(ILogger logger, string part, string reason);

    [LoggerMessage(2116, LogLevel.Error, "Flush and retention of logs failed: {Reason}. Nothing is lost; the next round tries again")]
    public static partial void UpkeepFailed(ILogger logger, string reason, Exception? unforeseen);

    [LoggerMessage(2110, LogLevel.Warning, "The log part {Part} could not be deleted: {Reason}")]
    public static partial void CannotDelete(ILogger logger, string part, string reason);
}
