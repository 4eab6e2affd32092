using System.Buffers;
using System.Text;
using Pharos.Core;
using Pharos.Wire.Exposition;

namespace Pharos.Wire.Tests.Exposition;

/// <summary>What one exposition held, in words that tests can compare.</summary>
internal sealed class Recorded
{
    public List<string> Lines { get; } = [];

    public List<Entry> Entries { get; } = [];

    public bool WantsStarts { get; init; }

    public static Recorded Text(string text, ExpositionFormat format = ExpositionFormat.Text) => Text(Encoding.UTF8.GetBytes(text), format);

    public static Recorded Text(byte[] text, ExpositionFormat format, bool starts = false)
    {
        var recorded = new Recorded { WantsStarts = starts };
        var handler = new Handler(recorded);
        new TextParser().Parse(text, format, ref handler);
        return recorded;
    }

    public static Recorded Protobuf(byte[] body, bool classicToo = false, bool starts = false)
    {
        var recorded = new Recorded { WantsStarts = starts };
        var handler = new Handler(recorded);
        new ProtobufParser().Parse(body, classicToo, nativeToo: true, ref handler);
        return recorded;
    }

    /// <summary>Writes everything out again.</summary>
    public byte[] Write(ExpositionFormat format)
    {
        var output = new ArrayBufferWriter<byte>();
        var text = new ExpositionText(output, format);
        foreach (var entry in Entries)
        {
            switch (entry.Kind)
            {
                case "help": text.Help(entry.Name, entry.Rest); break;
                case "type": text.Type(entry.Name, entry.Type); break;
                case "unit": text.Unit(entry.Name, entry.Rest); break;
                default:
                    if (entry.ExemplarLabels is null) text.Sample(entry.Name, entry.Value, entry.TimestampMs);
                    else text.Sample(entry.Name, entry.Value, entry.TimestampMs, new ExpositionExemplar(entry.ExemplarLabels, entry.ExemplarValue, entry.ExemplarMs));
                    break;
            }
        }
        text.End();
        return output.WrittenSpan.ToArray();
    }

    internal sealed record Entry(string Kind, byte[] Name, byte[] Rest, MetricType Type = MetricType.Unknown, double Value = 0, long? TimestampMs = null)
    {
        public byte[]? ExemplarLabels { get; set; }
        public double ExemplarValue { get; set; }
        public long? ExemplarMs { get; set; }
    }

    internal struct Handler(Recorded into) : IExpositionHandler
    {
        private byte[] series = [];

        public readonly void Help(ReadOnlySpan<byte> family, ReadOnlySpan<byte> help)
        {
            into.Entries.Add(new Entry("help", family.ToArray(), help.ToArray()));
            into.Lines.Add($"help {Encoding.UTF8.GetString(family)} {Encoding.UTF8.GetString(help)}");
        }

        public readonly void Type(ReadOnlySpan<byte> family, MetricType type)
        {
            into.Entries.Add(new Entry("type", family.ToArray(), [], type));
            into.Lines.Add($"type {Encoding.UTF8.GetString(family)} {type}");
        }

        public readonly void Unit(ReadOnlySpan<byte> family, ReadOnlySpan<byte> unit)
        {
            into.Entries.Add(new Entry("unit", family.ToArray(), unit.ToArray()));
            into.Lines.Add($"unit {Encoding.UTF8.GetString(family)} {Encoding.UTF8.GetString(unit)}");
        }

        public readonly bool TryKnown(ReadOnlySpan<byte> raw) => false;

        public void New(ReadOnlySpan<byte> raw, ReadOnlySpan<byte> labels) => series = labels.ToArray();

        public readonly bool WantsStarts => into.WantsStarts;

        public readonly void Start(long startMs) => into.Lines.Add($"start {startMs}");

        public readonly void Sample(double value, long? timestampMs)
        {
            into.Entries.Add(new Entry("sample", series, [], Value: value, TimestampMs: timestampMs));
            into.Lines.Add($"{Pharos.Core.Labels.FromEncoded(series.ToArray())} {BitConverter.DoubleToInt64Bits(value):x} {GoFloat.Format(value)} @{timestampMs}");
        }

        public readonly void Histogram(Histogram histogram, long? timestampMs) =>
            into.Lines.Add($"{Pharos.Core.Labels.FromEncoded(series.ToArray())} histogram schema={histogram.Schema} count={histogram.Count} sum={histogram.Sum} zero={histogram.ZeroCount} +[{string.Join(' ', histogram.PositiveBuckets)}] -[{string.Join(' ', histogram.NegativeBuckets)}] @{timestampMs}");

        public readonly void Exemplar(ReadOnlySpan<byte> labels, double value, long? timestampMs)
        {
            if (into.Entries.Count > 0)
            {
                into.Entries[^1].ExemplarLabels = labels.ToArray();
                into.Entries[^1].ExemplarValue = value;
                into.Entries[^1].ExemplarMs = timestampMs;
            }
            into.Lines.Add($"exemplar {Pharos.Core.Labels.FromEncoded(labels.ToArray())} {GoFloat.Format(value)} @{timestampMs}");
        }
    }
}
