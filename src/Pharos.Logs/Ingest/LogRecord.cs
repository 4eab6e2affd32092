using Pharos.Core;

namespace Pharos.Logs.Ingest;

/// <summary>
/// Log entries as one record of the write log: a version byte, the streams (count, each as length and canonical label bytes),
/// then entries until the end: stream index, zigzag timestamp difference to the entry before, line length, metadata length, line, metadata.
/// </summary>
internal static class LogRecord
{
    public const byte Version = 1;

    /// <summary>Begins a record.</summary>
    public static void WriteStreams(PooledBuffer output, IReadOnlyCollection<Labels> streams)
    {
        output.Append([Version]);
        Varints.Write(output, (ulong)streams.Count);
        foreach (var labels in streams)
        {
            Varints.Write(output, (ulong)labels.Encoded.Length);
            output.Append(labels.Encoded);
        }
    }

    public static void WriteEntry(PooledBuffer output, int stream, long sinceLastNs, ReadOnlySpan<byte> line, ReadOnlySpan<byte> metadata)
    {
        Varints.Write(output, (ulong)stream);
        Varints.WriteSigned(output, sinceLastNs);
        Varints.Write(output, (ulong)line.Length);
        Varints.Write(output, (ulong)metadata.Length);
        output.Append(line);
        output.Append(metadata);
    }

    /// <summary>Label bytes of the record's streams; <paramref name="at"/> then stands at the first entry.</summary>
    /// <exception cref="InvalidDataException">The record is damaged or of an unknown version.</exception>
    public static List<byte[]> ReadStreams(ReadOnlySpan<byte> record, out int at)
    {
        if (record.IsEmpty || record[0] != Version) throw new InvalidDataException($"the record's version is unknown; this program reads version {Version}");
        at = 1;
        int count = Varints.ReadLength(record, ref at);
        var streams = new List<byte[]>(count);
        for (int i = 0; i < count; i++)
        {
            int length = Varints.ReadLength(record, ref at);
            streams.Add(record.Slice(at, length).ToArray());
            at += length;
        }
        return streams;
    }

    /// <summary>Looks at all of a record.</summary>
    /// <returns>Its entries.</returns>
    /// <exception cref="InvalidDataException">The record is damaged or of an unknown version.</exception>
    public static long Check(ReadOnlySpan<byte> record)
    {
        var streams = ReadStreams(record, out int at);
        foreach (byte[] labels in streams)
        {
            if (!LabelCodec.IsPairs(labels)) throw new InvalidDataException("the labels of a stream are not as they were written");
        }
        var reader = new Reader(record, at);
        long entries = 0;
        for (; reader.Next(); entries++)
        {
            if ((uint)reader.Stream >= (uint)streams.Count) throw new InvalidDataException("an entry names a stream that the record does not have");
            if (!LabelCodec.IsPairs(reader.Metadata)) throw new InvalidDataException("the metadata of an entry is not as it was written");
        }
        return entries;
    }

    public ref struct Reader(ReadOnlySpan<byte> record, int at)
    {
        private readonly ReadOnlySpan<byte> record = record;
        private int at = at;

        public int Stream { get; private set; }
        public long TimestampNs { get; private set; }
        public ReadOnlySpan<byte> Line { get; private set; }
        public ReadOnlySpan<byte> Metadata { get; private set; }

        /// <exception cref="InvalidDataException">The record is damaged.</exception>
        public bool Next()
        {
            if (at >= record.Length) return false;
            Stream = (int)Varints.Read(record, ref at);
            TimestampNs += Varints.ReadSigned(record, ref at);
            int lineLength = Varints.ReadLength(record, ref at);
            int metadataLength = Varints.ReadLength(record, ref at);
            if ((long)lineLength + metadataLength > record.Length - at) throw new InvalidDataException("an entry runs over the end of its record");
            Line = record.Slice(at, lineLength);
            Metadata = record.Slice(at + lineLength, metadataLength);
            at += lineLength + metadataLength;
            return true;
        }
    }
}
