using Pharos.Collector;

namespace Pharos.Server.LocalPrometheus.Tracing;

/// <summary>The <c>tracing</c> section: where spans go, by OTLP.</summary>
public sealed record TracingSettings
{
    /// <summary>The whole address of the receiver, path included for OTLP/HTTP.</summary>
    public required Uri Endpoint { get; init; }

    /// <summary>True: OTLP over gRPC. False: protobuf over HTTP.</summary>
    public required bool Grpc { get; init; }

    /// <summary>Share of the traces that begin here which are sent, 0 to 1. A request that is part of a trace follows that.</summary>
    public double SamplingFraction { get; init; }

    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    public bool Gzip { get; init; }

    /// <summary>Of one request.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    public TlsOptions? Tls { get; init; }
}
