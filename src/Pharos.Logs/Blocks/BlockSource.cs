namespace Pharos.Logs.Blocks;

/// <summary>Where a block's packed bytes are.</summary>
internal abstract class BlockSource
{
    /// <summary>Names the place for error messages.</summary>
    public abstract string Name { get; }

    /// <summary>Fills the buffer from an offset.</summary>
    /// <exception cref="IOException">The bytes cannot be read.</exception>
    public abstract void Read(long offset, Span<byte> into);
}

/// <summary>A sealed block that no part holds yet.</summary>
internal sealed class MemoryBlockSource(byte[] data) : BlockSource
{
    public override string Name => "memory";

    public ReadOnlySpan<byte> Data => data;

    public override void Read(long offset, Span<byte> into) => data.AsSpan((int)offset, into.Length).CopyTo(into);
}

/// <summary>A block that can be read.</summary>
internal sealed record BlockRef(BlockHeader Header, BlockSource Source)
{
    /// <summary>Columns and lines have been read once and their checksums held.</summary>
    public bool LinesChecked { get; set; }

    /// <summary>The filter has been read once and its checksum held.</summary>
    public bool FilterChecked { get; set; }

    /// <summary>The skip filter could not be read: the block is always looked into.</summary>
    public bool FilterDamaged { get; set; }
}
