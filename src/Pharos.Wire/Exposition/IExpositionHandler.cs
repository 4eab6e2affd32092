using Pharos.Core;

namespace Pharos.Wire.Exposition;

/// <summary>The formats in which metrics are exposed.</summary>
public enum ExpositionFormat
{
    /// <summary><c>text/plain;version=0.0.4</c> and <c>1.0.0</c>.</summary>
    Text,

    /// <summary><c>application/openmetrics-text</c>.</summary>
    OpenMetrics,

    /// <summary><c>application/vnd.google.protobuf</c>, families delimited by their lengths; the only one with native histograms.</summary>
    Protobuf,
}

/// <summary>
/// Takes what an exposition holds, piece by piece, in the order of the text. All spans hold only during the call.
/// For a sample comes first <see cref="TryKnown"/> and, unless that said yes, <see cref="New"/>; then
/// <see cref="Start"/> where one is known and wanted, <see cref="Sample"/> or <see cref="Histogram"/>, then its exemplars.
/// </summary>
public interface IExpositionHandler
{
    /// <param name="help">With escapes resolved.</param>
    void Help(ReadOnlySpan<byte> family, ReadOnlySpan<byte> help);

    void Type(ReadOnlySpan<byte> family, MetricType type);

    void Unit(ReadOnlySpan<byte> family, ReadOnlySpan<byte> unit);

    /// <summary>
    /// The series of the next sample as the exposition writes it. True where the handler knows these bytes from an earlier scrape:
    /// its labels are then not parsed again.
    /// </summary>
    bool TryKnown(ReadOnlySpan<byte> raw);

    /// <summary>The labels of a series that was not known, in the canonical form of <see cref="LabelCodec"/>, <c>__name__</c> among them.</summary>
    void New(ReadOnlySpan<byte> raw, ReadOnlySpan<byte> labels);

    /// <summary>Whether <see cref="Start"/> is called; OpenMetrics' <c>_created</c> lines are then no series of their own.</summary>
    bool WantsStarts { get; }

    /// <summary>When the counter, histogram or summary of the next sample began to count.</summary>
    /// <param name="startMs">Unix milliseconds.</param>
    void Start(long startMs);

    /// <param name="timestampMs">Unix milliseconds where the exposition gives a time.</param>
    void Sample(double value, long? timestampMs);

    void Histogram(Histogram histogram, long? timestampMs);

    /// <summary>An exemplar of the sample just given.</summary>
    /// <param name="labels">In canonical form.</param>
    void Exemplar(ReadOnlySpan<byte> labels, double value, long? timestampMs);
}
