using Pharos.Logs.Blocks;

namespace Pharos.Logs.Reading;

/// <summary>What a cursor has touched in one place: in memory, or in parts.</summary>
internal sealed class ReadCounts
{
    public long Chunks;
    public long Blocks;
    public long BlocksSkipped;
    public long Lines;
    public long Bytes;
    public long MetadataBytes;
    public long PackedBytes;
    public long OpenLines;
    public long OpenBytes;
    public long OpenMetadataBytes;
    public long Duplicates;
    public long Hidden;
    public long ReadingTicks;
}

/// <summary>Counts what is read of a block, and how long that takes.</summary>
internal sealed class CountedSource(BlockSource source, ReadCounts counts, TimeProvider? time) : BlockSource
{
    public override string Name => source.Name;

    public override void Read(long offset, Span<byte> into)
    {
        long began = time?.GetTimestamp() ?? 0;
        source.Read(offset, into);
        if (time is not null) counts.ReadingTicks += time.GetElapsedTime(began).Ticks;
        counts.PackedBytes += into.Length;
    }

    public override ref BlockNotes NotesOf(int block) => ref source.NotesOf(block);
}
