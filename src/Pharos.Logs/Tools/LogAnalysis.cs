using Pharos.Core;
using Pharos.Storage.Files;

namespace Pharos.Logs.Tools;

/// <summary>Where the entries and bytes of logs come from. Sizes are those of whole blocks.</summary>
public sealed record LogAnalysis
{
    public required int Parts { get; init; }
    public required int Streams { get; init; }
    public required long Blocks { get; init; }
    public required LogSize Total { get; init; }

    /// <summary>By packing of the blocks, the most bytes first.</summary>
    public required IReadOnlyList<(string Codec, LogSize Size)> Codecs { get; init; }

    public required IReadOnlyList<(string Tenant, Labels Stream, LogSize Size)> StreamsByBytes { get; init; }
    public required IReadOnlyList<(string Tenant, Labels Stream, LogSize Size)> StreamsByEntries { get; init; }

    /// <summary>Label pairs as <c>name=value</c>, with the sizes of all streams that have them.</summary>
    public required IReadOnlyList<(string Pair, LogSize Size)> PairsByBytes { get; init; }
    public required IReadOnlyList<(string Pair, LogSize Size)> PairsByEntries { get; init; }

    /// <summary>Label names by how many values they have.</summary>
    public required IReadOnlyList<(string Name, int Values, int Streams)> ValuesByName { get; init; }

    /// <summary>Shadow columns: fields of lines that were taken apart, the most packed bytes first. The empty name: tokens of text.</summary>
    public required IReadOnlyList<LogColumnSize> Fields { get; init; }

    /// <summary>Columns of structured metadata, the most packed bytes first. The empty name: whole sets, where names were too many for columns.</summary>
    public required IReadOnlyList<LogColumnSize> Metadata { get; init; }

    /// <summary>Blocks whose columns could not be read: they are missing in <see cref="Fields"/> and <see cref="Metadata"/>.</summary>
    public required IReadOnlyList<FileProblem> Problems { get; init; }
}

/// <summary>What the columns of one name take, over all blocks.</summary>
/// <param name="Kinds">How their values are kept, and in how many columns so; the most frequent first.</param>
/// <param name="Size">
/// Entries that have a value in a column (a token of text that never varies in a block is no column there); raw bytes as the kind writes them; packed bytes,
/// where a short column of metadata counts as not packed.
/// </param>
public sealed record LogColumnSize(string Name, IReadOnlyList<(string Kind, long Columns)> Kinds, LogSize Size);

/// <summary>An amount of logs.</summary>
/// <param name="RawBytes">Bytes of lines and metadata.</param>
/// <param name="PackedBytes">Bytes that their blocks take in parts, without the parts' indexes.</param>
public readonly record struct LogSize(long Entries, long RawBytes, long PackedBytes)
{
    public static LogSize operator +(LogSize a, LogSize b) => new(a.Entries + b.Entries, a.RawBytes + b.RawBytes, a.PackedBytes + b.PackedBytes);
}
