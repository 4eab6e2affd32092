using Pharos.Core;

namespace Pharos.Wire.Loki;

/// <summary>Limits of one push body.</summary>
public sealed record LokiPushOptions
{
    public static LokiPushOptions Default { get; } = new();

    /// <summary>Largest body after unpacking, bytes. Default 256 MiB (Loki: max_decompressed_size, 5000 MiB).</summary>
    public long UnpackedBytesMax { get; init; } = 256L << 20;

    /// <summary>Longest label text of one stream, bytes. Default 16 MiB − 1, Loki's own.</summary>
    public int LabelBytesMax { get; init; } = (16 << 20) - 1;

    /// <summary>JSON is that of <c>/api/prom/push</c>: labels as text, RFC 3339 times.</summary>
    public bool Legacy { get; init; }
}

/// <summary>What a push body held besides the batch.</summary>
/// <param name="Errors">One per stream that was left out, with the number of entries that it cost.</param>
public sealed record LokiPushResult(int Streams, int Entries, IReadOnlyList<AppendError> Errors);
