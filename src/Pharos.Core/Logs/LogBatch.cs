using System.Buffers;

namespace Pharos.Core;

/// <summary>One log line of a batch; offsets point into the batch's bytes.</summary>
/// <param name="Stream">Index of the stream in the batch.</param>
/// <param name="MetadataLength">
/// Length of the structured metadata, in the canonical form of <see cref="LabelCodec"/>; 0 for none.
/// </param>
public readonly record struct BatchLogEntry(int Stream, long TimestampNs, int LineOffset, int LineLength, int MetadataOffset, int MetadataLength);

/// <summary>
/// Log lines on their way into a store: streams as canonical label bytes, lines and structured metadata in one pooled buffer.
/// Reused by <see cref="Clear"/>; gives its buffers back on <see cref="Dispose"/>. Not safe for several threads.
/// </summary>
public sealed class LogBatch : IDisposable
{
    private byte[] bytes = ArrayPool<byte>.Shared.Rent(16 * 1024);
    private int used;
    private readonly List<(int Offset, int Length)> streams = [];
    private BatchLogEntry[] entries = ArrayPool<BatchLogEntry>.Shared.Rent(64);
    private int entryCount;

    public int StreamCount => streams.Count;

    public ReadOnlySpan<BatchLogEntry> Entries => entries.AsSpan(0, entryCount);

    public bool IsEmpty => entryCount == 0;

    /// <summary>Canonical label bytes of a stream.</summary>
    public ReadOnlySpan<byte> LabelsOf(int stream) => bytes.AsSpan(streams[stream].Offset, streams[stream].Length);

    public ReadOnlySpan<byte> LineOf(in BatchLogEntry entry) => bytes.AsSpan(entry.LineOffset, entry.LineLength);

    public ReadOnlySpan<byte> MetadataOf(in BatchLogEntry entry) => bytes.AsSpan(entry.MetadataOffset, entry.MetadataLength);

    /// <summary>Adds a stream; returns its index. The caller vouches that the bytes are canonical.</summary>
    public int AddStream(ReadOnlySpan<byte> canonicalLabels)
    {
        streams.Add((Append(canonicalLabels), canonicalLabels.Length));
        return streams.Count - 1;
    }

    public int AddStream(Labels labels) => AddStream(labels.Encoded);

    /// <param name="metadata">Structured metadata in canonical form; empty for none.</param>
    public void AddEntry(int stream, long timestampNs, ReadOnlySpan<byte> line, ReadOnlySpan<byte> metadata = default)
    {
        int lineAt = Append(line);
        int metadataAt = Append(metadata);
        if (entryCount == entries.Length)
        {
            var larger = ArrayPool<BatchLogEntry>.Shared.Rent(entryCount * 2);
            entries.AsSpan(0, entryCount).CopyTo(larger);
            ArrayPool<BatchLogEntry>.Shared.Return(entries);
            entries = larger;
        }
        entries[entryCount++] = new BatchLogEntry(stream, timestampNs, lineAt, line.Length, metadataAt, metadata.Length);
    }

    public void Clear()
    {
        used = 0;
        streams.Clear();
        entryCount = 0;
    }

    public void Dispose()
    {
        Clear();
        if (bytes.Length == 0) return;
        ArrayPool<byte>.Shared.Return(bytes);
        ArrayPool<BatchLogEntry>.Shared.Return(entries);
        bytes = [];
        entries = [];
    }

    private int Append(ReadOnlySpan<byte> data)
    {
        if (used + data.Length > bytes.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(used + data.Length, bytes.Length * 2));
            bytes.AsSpan(0, used).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(bytes);
            bytes = larger;
        }
        data.CopyTo(bytes.AsSpan(used));
        int at = used;
        used += data.Length;
        return at;
    }
}
