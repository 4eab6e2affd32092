namespace Pharos.Metrics.Head;

/// <summary>Series of one page of a snapshot, put together beside those of other pages, before they join the head.</summary>
internal sealed class LoadedPage(int series, SeriesWriter account)
{
    /// <summary>Each with the hash of its canonical label bytes.</summary>
    public (MemSeries Series, ulong Hash)[] Series { get; } = new (MemSeries, ulong)[series];

    public SeriesWriter Account { get; } = account;

    /// <summary>The finished chunks that are in no file.</summary>
    public ChunkArena Finished { get; } = new();
}
