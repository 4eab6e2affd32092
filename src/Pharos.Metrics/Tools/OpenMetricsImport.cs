using Pharos.Core;
using Pharos.Metrics.Blocks;
using Pharos.Metrics.Chunks;
using Pharos.Storage.Files;
using Pharos.Wire;
using Pharos.Wire.Exposition;

namespace Pharos.Metrics.Tools;

/// <summary>What an import of OpenMetrics text wrote.</summary>
/// <param name="Blocks">Names of the blocks.</param>
/// <param name="Replaced">Samples that a later one of the same series and time in the text replaced.</param>
public sealed record OpenMetricsImported(IReadOnlyList<string> Blocks, long Series, long Samples, long Replaced);

/// <summary>
/// Makes blocks of two hours from OpenMetrics text whose samples all have timestamps. The text is read twice and more:
/// first to see which times it covers, then once for each part of the time whose samples fit into memory together.
/// </summary>
public sealed class OpenMetricsImport
{
    private static readonly long BlockRangeMs = (long)new MetricStoreOptions { Folder = "" }.BlockRange.TotalMilliseconds;

    private readonly string target;
    private readonly TimeProvider time;
    private readonly IDisk disk;
    private readonly long samplesAtOnce;

    /// <param name="target">Folder for the blocks; each appears under its name whole and durable.</param>
    /// <param name="samplesAtOnce">Samples held in memory; 16 bytes each.</param>
    public OpenMetricsImport(string target, TimeProvider time, long samplesAtOnce = 8_000_000) : this(target, time, FileDisk.Instance, samplesAtOnce)
    {
    }

    internal OpenMetricsImport(string target, TimeProvider time, IDisk disk, long samplesAtOnce = 8_000_000) =>
        (this.target, this.time, this.disk, this.samplesAtOnce) = (target, time, disk, samplesAtOnce);

    /// <param name="progress">Called with samples written and samples in all.</param>
    /// <exception cref="WireFormatException">The text is malformed; the message says where. No block was written.</exception>
    /// <exception cref="InvalidDataException">A sample has no timestamp, or the text is too large. No block was written.</exception>
    /// <exception cref="IOException">The text cannot be read, or a block cannot be written.</exception>
    public OpenMetricsImported Run(string path, Action<long, long>? progress, CancellationToken cancel)
    {
        var text = new MappedFile(path);
        if (text.Length > int.MaxValue) throw new InvalidDataException($"{path} has {text.Length} bytes; at most {int.MaxValue} can be imported at once: split it");
        var reading = new Reading();
        Parse(text, reading);
        disk.CreateFolder(target);
        var blocks = new List<string>();
        long written = 0, replaced = 0;
        foreach (var range in Steps(reading.Counts))
        {
            cancel.ThrowIfCancellationRequested();
            reading.Keep(range);
            Parse(text, reading);
            var series = reading.Taken();
            for (long start = range.MinMs; start <= range.MaxMs; start += BlockRangeMs)
            {
                if (!reading.Counts.ContainsKey(start)) continue;
                if (WriteBlock(series, start, ref written, ref replaced, cancel) is { } id) blocks.Add(id);
                progress?.Invoke(written + replaced, reading.Total);
            }
        }
        return new OpenMetricsImported(blocks, reading.SeriesCount, written, replaced);
    }

    private static void Parse(MappedFile text, Reading reading)
    {
        var handler = new Handler(reading);
        new TextParser().Parse(text.Span(0, text.Length), ExpositionFormat.OpenMetrics, ref handler);
        GC.KeepAlive(text);
    }

    /// <summary>Ranges of time, each of whole blocks, each with as many samples as may be in memory, or one block.</summary>
    private IEnumerable<TimeRange> Steps(SortedDictionary<long, long> counts)
    {
        long start = 0, end = 0, samples = 0;
        foreach (var (at, count) in counts)
        {
            if (samples > 0 && samples + count > samplesAtOnce)
            {
                yield return new TimeRange(start, end - 1);
                samples = 0;
            }
            if (samples == 0) start = at;
            end = at + BlockRangeMs;
            samples += count;
        }
        if (samples > 0) yield return new TimeRange(start, end - 1);
    }

    private string? WriteBlock(List<(Labels Labels, List<Sample> Samples)> series, long startMs, ref long written, ref long replaced, CancellationToken cancel)
    {
        var range = new TimeRange(startMs, startMs + BlockRangeMs - 1);
        using var writer = new BlockWriter(disk, target, Ulid.New(time.UnixMs()));
        foreach (var (labels, samples) in series)
        {
            if (samples.Exists(s => range.Contains(s.TimestampMs))) writer.Announce(labels);
        }
        using var columns = new SampleColumns();
        var chunks = new List<ChunkToWrite>();
        foreach (var (labels, samples) in series)
        {
            cancel.ThrowIfCancellationRequested();
            columns.Clear();
            chunks.Clear();
            // Sorting is stable: of two samples of one time the later in the text is the last.
            var sorted = samples.Where(s => range.Contains(s.TimestampMs)).OrderBy(s => s.TimestampMs).ToList();
            for (int i = 0; i < sorted.Count; i++)
            {
                if (i + 1 < sorted.Count && sorted[i + 1].TimestampMs == sorted[i].TimestampMs) replaced++;
                else columns.Add(sorted[i].TimestampMs, sorted[i].Value);
            }
            ChunkEncoder.Encode(columns, chunks);
            writer.AddSeries(labels, chunks);
            written += columns.Count;
        }
        return writer.Finish(new BlockMeta { Id = writer.Id, MinMs = startMs, EndMs = startMs + BlockRangeMs })?.Id;
    }

    /// <summary>The series met so far, and the samples of the range that is kept.</summary>
    private sealed class Reading
    {
        private readonly Dictionary<byte[], int> known = new(ByteKeys.Instance);
        private readonly List<Labels> labels = [];
        private readonly List<List<Sample>?> samples = [];
        private TimeRange? kept;
        private int current;

        /// <summary>Samples in each block range, by its start.</summary>
        public SortedDictionary<long, long> Counts { get; } = [];

        public long Total { get; private set; }

        public long SeriesCount => labels.Count;

        public void Keep(TimeRange range) => kept = range;

        /// <summary>The kept samples by series, sorted by labels; they are given away.</summary>
        public List<(Labels Labels, List<Sample> Samples)> Taken()
        {
            var taken = new List<(Labels Labels, List<Sample> Samples)>();
            for (int i = 0; i < samples.Count; i++)
            {
                if (samples[i] is { } of) taken.Add((labels[i], of));
                samples[i] = null;
            }
            taken.Sort((a, b) => a.Labels.CompareTo(b.Labels));
            return Joined(taken);
        }

        public bool TryKnown(ReadOnlySpan<byte> raw) => known.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(raw, out current);

        public void New(ReadOnlySpan<byte> raw, ReadOnlySpan<byte> canonical)
        {
            current = labels.Count;
            known[raw.ToArray()] = current;
            labels.Add(Labels.FromEncoded(canonical));
            samples.Add(null);
        }

        public void Add(double value, long? timestampMs)
        {
            if (timestampMs is not { } t) throw new InvalidDataException($"the sample of {labels[current]} has no timestamp; every sample to import needs one");
            if (kept is null)
            {
                long at = TimeRanges.Floor(t, BlockRangeMs);
                Counts[at] = Counts.GetValueOrDefault(at) + 1;
                Total++;
            }
            else if (kept.Value.Contains(t))
            {
                (samples[current] ??= []).Add(new Sample(t, value));
            }
        }

        /// <summary>The same series may be written in several ways: its samples come together.</summary>
        private static List<(Labels Labels, List<Sample> Samples)> Joined(List<(Labels Labels, List<Sample> Samples)> sorted)
        {
            var joined = new List<(Labels Labels, List<Sample> Samples)>(sorted.Count);
            foreach (var one in sorted)
            {
                if (joined.Count > 0 && joined[^1].Labels.Equals(one.Labels)) joined[^1].Samples.AddRange(one.Samples);
                else joined.Add(one);
            }
            return joined;
        }
    }

    private readonly struct Handler(Reading reading) : IExpositionHandler
    {
        public void Help(ReadOnlySpan<byte> family, ReadOnlySpan<byte> help) { }

        public void Type(ReadOnlySpan<byte> family, MetricType type) { }

        public void Unit(ReadOnlySpan<byte> family, ReadOnlySpan<byte> unit) { }

        public bool TryKnown(ReadOnlySpan<byte> raw) => reading.TryKnown(raw);

        public void New(ReadOnlySpan<byte> raw, ReadOnlySpan<byte> labels) => reading.New(raw, labels);

        public bool WantsStarts => false;

        public void Start(long startMs) { }

        public void Sample(double value, long? timestampMs) => reading.Add(value, timestampMs);

        public void Histogram(Histogram histogram, long? timestampMs) =>
            throw new InvalidDataException("text has no native histograms");

        public void Exemplar(ReadOnlySpan<byte> labels, double value, long? timestampMs) { }
    }
}
