using Pharos.Core;
using Pharos.Metrics.Append;
using Pharos.Storage.WriteLog;

namespace Pharos.Metrics.Head;

/// <summary>The head's own state, to a snapshot and back. Layout: docs/formats/head-snapshot.md.</summary>
internal sealed partial class TenantHead
{
    /// <summary>Under all locks.</summary>
    public void SaveState(ByteBuffer into)
    {
        into.Uvarint((ulong)Table.NextId);
        into.Varint(MaxMs);
        into.Varint(OldestLateMs);
        into.Varint(NewestLateMs);
        into.Varint(MinValidMs);
        into.Varint(rangeKnownToMs);
        SavePosition(into, ReplayedTo);
        into.Byte(neededFrom is null ? (byte)0 : (byte)1);
        if (neededFrom is { } needed) SavePosition(into, needed);
        into.Uvarint((ulong)firstByRange.Count);
        foreach (var (range, position) in firstByRange)
        {
            into.Varint(range);
            SavePosition(into, position);
        }
        into.Uvarint((ulong)OtherNumbers.Count);
        foreach (var other in OtherNumbers)
        {
            into.Uvarint((ulong)other.Id);
            into.Text(other.Labels.Encoded);
        }
        MetricRecord.WriteMetadata(into, [.. Metadata.All]);
        var exemplars = Exemplars.OldestFirst();
        into.Uvarint((ulong)exemplars.Count);
        foreach (var (series, exemplar) in exemplars)
        {
            into.Text(series.Encoded);
            MetricRecord.WriteExemplar(into, exemplar);
        }
    }

    /// <exception cref="InvalidDataException">The bytes are not as <see cref="SaveState"/> writes them.</exception>
    public void LoadState(ref ByteReader bytes, WriteLogPosition applied, long nowMs)
    {
        Table.SkipTo((int)bytes.Uvarint());
        totals.MaxMs = Math.Max(MaxMs, bytes.Varint());
        totals.OldestLateMs = bytes.Varint();
        totals.NewestLateMs = bytes.Varint();
        MinValidMs = Math.Max(MinValidMs, bytes.Varint());
        rangeKnownToMs = bytes.Varint();
        ReplayedTo = LoadPosition(ref bytes);
        neededFrom = bytes.Byte() == 0 ? null : LoadPosition(ref bytes);
        for (int left = bytes.Count(); left > 0; left--) firstByRange[bytes.Varint()] = LoadPosition(ref bytes);
        for (int left = bytes.Count(); left > 0; left--) OtherNumbers.Add(new LoggedSeries((int)bytes.Uvarint(), Labels.FromEncoded(bytes.Text())));
        var metadata = new List<MetricMetadata>();
        for (int left = bytes.Count(); left > 0; left--) metadata.Add(MetricRecord.ReadMetadata(ref bytes));
        // The newest of a family came first and goes in last.
        for (int i = metadata.Count - 1; i >= 0; i--) Metadata.Set(metadata[i]);
        for (int left = bytes.Count(); left > 0; left--) Exemplars.Add(Labels.FromEncoded(bytes.Text()), MetricRecord.ReadExemplar(ref bytes));
        appliedTo = applied;
        LastAppendMs = nowMs;
        minSinceTruncateMs = MinMs;
    }

    /// <summary>Enters series of a snapshot, before the head has readers.</summary>
    public void Join(LoadedPage page)
    {
        Table.Reserve(Table.Count + page.Series.Length);
        foreach (var (series, hash) in page.Series)
        {
            Table.Add(series, hash);
            Index.Enter(series.Id, series.Pairs);
        }
        TakeOver(page.Account, page.Finished);
    }

    public static void SavePosition(ByteBuffer into, WriteLogPosition position)
    {
        into.Uvarint((ulong)position.Segment);
        into.Uvarint((ulong)position.Offset);
    }

    public static WriteLogPosition LoadPosition(ref ByteReader bytes) => new((long)bytes.Uvarint(), (long)bytes.Uvarint());
}
