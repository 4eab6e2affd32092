namespace Pharos.Logs.Blocks;

/// <summary>What reading a block has shown of it.</summary>
[Flags]
internal enum BlockNotes : byte
{
    None = 0,

    /// <summary>Columns and lines have been read once and their checksums held.</summary>
    LinesChecked = 1,

    /// <summary>The filter has been read once and its checksum held.</summary>
    FilterChecked = 2,

    /// <summary>The skip filter could not be read: the block is always looked into.</summary>
    FilterDamaged = 4,
}

/// <summary>Where a block's packed bytes are.</summary>
internal abstract class BlockSource
{
    /// <summary>Names the place for error messages.</summary>
    public abstract string Name { get; }

    /// <summary>Fills the buffer from an offset.</summary>
    /// <exception cref="IOException">The bytes cannot be read.</exception>
    public abstract void Read(long offset, Span<byte> into);

    /// <summary>What is noted of a block; kept as long as the source.</summary>
    public abstract ref BlockNotes NotesOf(int block);
}

/// <summary>A sealed block that no part holds yet.</summary>
internal sealed class MemoryBlockSource(byte[] data) : BlockSource
{
    private BlockNotes notes = BlockNotes.LinesChecked | BlockNotes.FilterChecked;

    public override string Name => "memory";

    public ReadOnlySpan<byte> Data => data;

    public override void Read(long offset, Span<byte> into) => data.AsSpan((int)offset, into.Length).CopyTo(into);

    public override ref BlockNotes NotesOf(int block) => ref notes;
}

/// <summary>A block that can be read.</summary>
/// <param name="Number">Of the block in its source.</param>
internal sealed record BlockRef(BlockHeader Header, BlockSource Source, int Number)
{
    public bool Is(BlockNotes note) => (Source.NotesOf(Number) & note) != 0;

    public void Note(BlockNotes note) => Source.NotesOf(Number) |= note;

    /// <summary>Those that touch a range of time (start inclusive, end exclusive).</summary>
    public static BlockRef[] In(BlockRef[] blocks, long startNs, long endNs) =>
        Array.TrueForAll(blocks, b => b.Header.Overlaps(startNs, endNs)) ? blocks : Array.FindAll(blocks, b => b.Header.Overlaps(startNs, endNs));
}
