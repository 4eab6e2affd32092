using Pharos.Core;
using Pharos.Wire.Compression;
using Pharos.Wire.RemoteWrite;

namespace Pharos.Wire.Otlp;

/// <summary>
/// Reads bodies of OTLP metrics requests, protobuf or JSON, plain, gzip, deflate or zstd, into series. Reuse one per worker;
/// not safe for several threads.
/// </summary>
public sealed class OtlpMetricsDecoder
{
    private readonly RejectTally rejected = new();
    private readonly List<DeltaUndo> additions = [];
    private OtlpStreams? streams;

    /// <summary>Points that the last body held, good and bad.</summary>
    public int Points { get; private set; }

    /// <summary>Points of the last body that were left out, by reason; <see cref="AppendError.Samples"/> counts points.</summary>
    public IReadOnlyList<AppendError> Rejected => rejected.Errors;

    /// <param name="bytesMax">Largest body after unpacking.</param>
    /// <param name="lookback">The query engine's; <c>target_info</c> gets a sample at least every half of it.</param>
    /// <param name="ofTenant">What is remembered of the tenant.</param>
    /// <param name="batch">Gets the series, added to what is there. After an exception its content has no meaning.</param>
    /// <exception cref="WireFormatException">The body cannot be read at all.</exception>
    public void Decode(
        ReadOnlyMemory<byte> body, bool json, string? contentEncoding, long bytesMax, OtlpSettings settings, TimeSpan lookback,
        OtlpStreams ofTenant, MetricBatch batch)
    {
        rejected.Clear();
        additions.Clear();
        Points = 0;
        streams = ofTenant;
        using var opened = PackedBody.Open(body, contentEncoding, bytesMax);
        using var mapper = new OtlpMetricsMapper(settings, lookback, ofTenant, batch, rejected, additions);
        try
        {
            if (json) OtlpMetricsJson.Read(opened.Message, mapper);
            else OtlpMetricsProtobuf.Read(opened.Message.Span, mapper);
        }
        catch
        {
            Undo();
            throw;
        }
        Points = mapper.Points;
    }

    /// <summary>To be called where the batch could not be stored and will be sent again: delta points are taken out of their sums.</summary>
    public void Undo() => streams?.Deltas.Undo(additions);
}
