using Microsoft.Extensions.Logging;

namespace Pharos.Metrics;

/// <summary>Everything that the metric store says in the program's log; ids 1100 to 1199.</summary>
internal static partial class MetricsLog
{
    [LoggerMessage(1101, LogLevel.Information, "Replayed the write log: {Tenants} tenants, {Series} series, {Samples} samples in {Seconds:0.0} s")]
    public static partial void Replayed(ILogger logger, int tenants, long series, long samples, double seconds);

    [LoggerMessage(1102, LogLevel.Error, "A record of the write log at segment {Segment}, offset {Offset}, tenant {Tenant}, cannot be read and is left out: {Reason}")]
    public static partial void BadRecord(ILogger logger, long segment, long offset, string tenant, string reason);

    [LoggerMessage(1103, LogLevel.Error, "{Samples} samples of {Series} series of tenant {Tenant} are in the write log without the series' labels and are left out")]
    public static partial void NamelessSeries(ILogger logger, long samples, int series, string tenant);

    [LoggerMessage(1104, LogLevel.Error, "The block in {Folder} is left out: {Reason}. Put back a copy of it, or delete the folder")]
    public static partial void DamagedBlock(ILogger logger, string folder, string reason);

    [LoggerMessage(1105, LogLevel.Error, "A chunk of the block in {Folder} is damaged and is left out: {Reason}")]
    public static partial void DamagedChunk(ILogger logger, string folder, string reason);

    [LoggerMessage(1115, LogLevel.Error, "A series of the block in {Folder} is damaged and is left out: {Reason}")]
    public static partial void DamagedSeries(ILogger logger, string folder, string reason);

    [LoggerMessage(1116, LogLevel.Warning, "How much is deleted of the block in {Folder} could not be written into its meta.json: {Reason}")]
    public static partial void TombstonesNotCounted(ILogger logger, string folder, string reason);

    [LoggerMessage(1117, LogLevel.Information, "Retention {Selector} of tenant {Tenant} hid the samples of {Series} series in block {Block} before {BelowMs}")]
    public static partial void SeriesRetained(ILogger logger, string selector, string tenant, int series, string block, long belowMs);

    [LoggerMessage(1106, LogLevel.Information, "Cut block {Block} of tenant {Tenant} from the head: {MinMs} to {EndMs}, {Series} series, {Samples} samples")]
    public static partial void Cut(ILogger logger, string block, string tenant, long minMs, long endMs, long series, long samples);

    [LoggerMessage(1107, LogLevel.Error, "The head of tenant {Tenant} could not be cut: {Reason}. Its samples stay in memory and in the write log; it is tried again")]
    public static partial void CutFailed(ILogger logger, string tenant, string reason);

    [LoggerMessage(1108, LogLevel.Information, "Merged {Count} blocks of tenant {Tenant} into {Block}: {MinMs} to {EndMs}, {Series} series, {Samples} samples")]
    public static partial void Merged(ILogger logger, int count, string tenant, string block, long minMs, long endMs, long series, long samples);

    [LoggerMessage(1109, LogLevel.Error, "Blocks {Blocks} of tenant {Tenant} could not be merged: {Reason}. They stay as they are")]
    public static partial void MergeFailed(ILogger logger, string blocks, string tenant, string reason);

    [LoggerMessage(1110, LogLevel.Information, "Deleted block {Block} of tenant {Tenant}: {Reason}")]
    public static partial void Deleted(ILogger logger, string block, string tenant, string reason);

    [LoggerMessage(1111, LogLevel.Warning, "The block in {Folder} could not be deleted: {Reason}; it is tried again at the next start")]
    public static partial void CannotDelete(ILogger logger, string folder, string reason);

    [LoggerMessage(1112, LogLevel.Error, "Maintenance of tenant {Tenant} failed: {Reason}; it is tried again")]
    public static partial void MaintenanceFailed(ILogger logger, string tenant, string reason);

    [LoggerMessage(1114, LogLevel.Warning, "How far the head of tenant {Tenant} was cut could not be written down: {Reason}")]
    public static partial void CutMarkNotSaved(ILogger logger, string tenant, string reason);

    [LoggerMessage(1113, LogLevel.Warning, "{Path} cannot be read: {Reason}. The write log is replayed from its start")]
    public static partial void BadCutMark(ILogger logger, string path, string reason);

    [LoggerMessage(1130, LogLevel.Warning, "The snapshot of a head in {Path} cannot be used: {Reason}. The write log is read instead, which takes longer and loses nothing")]
    public static partial void SnapshotDamaged(ILogger logger, string path, string reason);

    [LoggerMessage(1131, LogLevel.Warning, "The heads could not be saved in {Folder}: {Reason}. A restart reads more of the write log; it is tried again")]
    public static partial void SnapshotFailed(ILogger logger, string folder, string reason);

    [LoggerMessage(1132, LogLevel.Warning, "Finished chunks of the head of tenant {Tenant} could not be written: {Reason}. They stay in memory and in the write log; it is tried again")]
    public static partial void HeadChunksNotWritten(ILogger logger, string tenant, string reason);

    [LoggerMessage(1133, LogLevel.Error, "{Path} is damaged and is set aside as {SetAside}. The write log is read instead, which takes longer and loses nothing")]
    public static partial void HeadChunksDamaged(ILogger logger, string path, string setAside);

    [LoggerMessage(1134, LogLevel.Error, "A chunk of a head is damaged and is left out of queries: {Reason}. Restart, so that its samples are read from the write log")]
    public static partial void HeadChunkDamaged(ILogger logger, string reason);
}
