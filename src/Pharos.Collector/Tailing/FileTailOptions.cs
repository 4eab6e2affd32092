namespace Pharos.Collector.Tailing;

/// <summary>What happens where the file of positions cannot be read.</summary>
public enum PositionsFileError
{
    RestartFromBeginning,
    RestartFromEnd,
    Skip,
}

/// <summary>How files are followed. Defaults are Alloy's own where it has the option.</summary>
public sealed record FileTailOptions
{
    /// <summary>Start a file without a position at its end.</summary>
    public bool TailFromEnd { get; init; }

    public PositionsFileError OnPositionsFileError { get; init; }

    /// <summary>How often files are looked at.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>How often positions are written while files grow.</summary>
    public TimeSpan PositionsInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A longer line goes on in pieces of this size, bytes.</summary>
    public int LineBytesMax { get; init; } = 1 << 20;

    /// <summary>Bytes of one file handed on at a time.</summary>
    public int BatchBytes { get; init; } = 256 * 1024;

    /// <summary>Waits after a receiver failed, from this doubling up to thirty seconds.</summary>
    public TimeSpan RetryWait { get; init; } = TimeSpan.FromMilliseconds(500);
}
