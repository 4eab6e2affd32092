namespace Pharos.Wire.RemoteWrite;

/// <summary>The two messages a metric push may carry.</summary>
public enum RemoteWriteVersion
{
    /// <summary><c>prometheus.WriteRequest</c>.</summary>
    V1,

    /// <summary><c>io.prometheus.write.v2.Request</c>.</summary>
    V2,
}

/// <summary>Header names and values of remote write. Source: the Prometheus remote write specifications 1.0 and 2.0.</summary>
public static class RemoteWriteHeaders
{
    public const string Version = "X-Prometheus-Remote-Write-Version";
    public const string SamplesWritten = "X-Prometheus-Remote-Write-Samples-Written";
    public const string HistogramsWritten = "X-Prometheus-Remote-Write-Histograms-Written";
    public const string ExemplarsWritten = "X-Prometheus-Remote-Write-Exemplars-Written";
    public const string MessageV1 = "prometheus.WriteRequest";
    public const string MessageV2 = "io.prometheus.write.v2.Request";

    public static string ContentType(RemoteWriteVersion version) =>
        version == RemoteWriteVersion.V1 ? "application/x-protobuf" : "application/x-protobuf;proto=" + MessageV2;

    public static string VersionValue(RemoteWriteVersion version) => version == RemoteWriteVersion.V1 ? "0.1.0" : "2.0.0";
}
