using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.Metrics.Append;
using Pharos.Metrics.Chunks;
using Pharos.Metrics.Head;
using Pharos.Storage.Files;
using Pharos.Storage.WriteLog;

namespace Pharos.Metrics.Tools;

/// <summary>What is wrong with the files of heads, and up to where they say that the write log goes.</summary>
/// <param name="LogReaches">The last place that one of the files speaks of.</param>
public sealed record HeadFindings(IReadOnlyList<FileProblem> Problems, WriteLogPosition LogReaches);

/// <summary>Reads what a store keeps beside its blocks: the marks of head cuts, the saved heads with every sample, their list.</summary>
public static class HeadVerifier
{
    /// <summary>Reads <c>head-cut</c> and <c>head-snapshot</c> of a tenant.</summary>
    /// <param name="tenantFolder">The tenant's folder of blocks.</param>
    public static HeadFindings Verify(string tenantFolder)
    {
        var problems = new List<FileProblem>();
        string cutPath = CutMark.PathIn(tenantFolder), snapshotPath = HeadSnapshot.PathIn(tenantFolder);
        WriteLogPosition reaches = default;
        if (File.Exists(cutPath)) Try(cutPath, problems, () => reaches = CutMark.Read(cutPath).Applied);
        if (File.Exists(snapshotPath))
        {
            Try(snapshotPath, problems, () =>
            {
                var last = ReadSnapshot(tenantFolder, snapshotPath);
                if (last > reaches) reaches = last;
                if (!File.Exists(cutPath) && MarkOf(snapshotPath) != CutMark.None) problems.Add(new FileProblem(cutPath, "is missing; the saved head was taken behind a cut"));
            });
        }
        return new HeadFindings(problems, reaches);
    }

    /// <summary>Reads <c>head-snapshots</c>, and whether the saved heads that it speaks of are there.</summary>
    /// <param name="metricsFolder">The folder of all tenants.</param>
    public static HeadFindings VerifyList(string metricsFolder)
    {
        var problems = new List<FileProblem>();
        WriteLogPosition reaches = default;
        string path = SnapshotList.PathIn(metricsFolder);
        if (!File.Exists(path)) return new HeadFindings(problems, reaches);
        Try(path, problems, () =>
        {
            var list = SnapshotList.Load(metricsFolder) ?? throw new InvalidDataException("it does not match its checksum, or is cut off");
            reaches = list.From;
            foreach (string tenant in list.Tenants)
            {
                string saved = HeadSnapshot.PathIn(Path.Combine(metricsFolder, tenant));
                if (!File.Exists(saved)) problems.Add(new FileProblem(saved, "is missing; head-snapshots speaks of it. The next start reads the whole write log"));
            }
        });
        return new HeadFindings(problems, reaches);
    }

    /// <summary>What is wrong with a metric record of the write log; null for nothing.</summary>
    public static string? ProblemOf(ReadOnlySpan<byte> record)
    {
        try
        {
            MetricRecord.Read(record, new Reader());
            return null;
        }
        catch (Exception wrong) when (wrong is InvalidDataException or ArgumentException or IndexOutOfRangeException or OverflowException)
        {
            return wrong.Message;
        }
    }

    /// <returns>Up to where the snapshot knows the write log.</returns>
    private static WriteLogPosition ReadSnapshot(string tenantFolder, string path)
    {
        var options = new MetricStoreOptions { Folder = tenantFolder };
        var instruments = new MetricInstruments(new Instruments());
        var head = new TenantHead(TenantId.Anonymous, options, instruments, new HeadChunks(tenantFolder, FileDisk.Instance, instruments, NullLogger.Instance, readOnly: true));
        var places = HeadSnapshot.Load(head, MarkOf(path), tenantFolder, 0) ?? throw new InvalidDataException("its first section is not as it was written");
        using var columns = new SampleColumns();
        foreach (var series in head.Table.All())
        {
            columns.Clear();
            try
            {
                series.Capture().ReadWithDeleted(columns);
            }
            catch (CorruptChunkException wrong)
            {
                throw new InvalidDataException($"series {head.LabelsOf(series)}: {wrong.Message}", wrong);
            }
        }
        return places.Last;
    }

    /// <summary>The cut after which a snapshot was taken, without regard to checksums: loading looks at those.</summary>
    private static CutMark MarkOf(string path)
    {
        const int behindHeaders = 16;
        Span<byte> start = stackalloc byte[64];
        using var file = File.OpenHandle(path);
        start = start[..RandomAccess.Read(file, start, 0)];
        if (start.Length <= behindHeaders) throw new InvalidDataException($"it has {start.Length} bytes, too few for a head snapshot");
        var bytes = new ByteReader(start[behindHeaders..]);
        bytes.Byte();
        return new CutMark(bytes.Varint(), TenantHead.LoadPosition(ref bytes));
    }

    private static void Try(string path, List<FileProblem> problems, Action read)
    {
        try
        {
            read();
        }
        catch (Exception wrong) when (wrong is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            problems.Add(new FileProblem(path, wrong.Message));
        }
    }

    private sealed class Reader : IRecordReader
    {
        public void Definition(int id, ReadOnlySpan<byte> labels)
        {
            for (int at = 0; at < labels.Length;)
            {
                LabelCodec.ReadString(labels, ref at);
                LabelCodec.ReadString(labels, ref at);
            }
        }

        public void Sample(int id, long timestampMs, double value) { }

        public void Histogram(int id, long timestampMs, Histogram histogram) { }

        public void Exemplar(int id, Exemplar exemplar) { }

        public void Metadata(MetricMetadata metadata) { }

        public void Deleted(int id, TimeRange range) { }

        public void Left(IReadOnlyList<int> ids) { }
    }
}
