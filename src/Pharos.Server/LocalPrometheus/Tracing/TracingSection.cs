using Pharos.Yaml;

namespace Pharos.Server.LocalPrometheus.Tracing;

/// <summary>Reads the <c>tracing</c> section.</summary>
internal static class TracingSection
{
    public static TracingSettings? Read(YamlSection? section, string folder)
    {
        if (section is null) return null;
        string type = section.Text("client_type", "grpc"), endpoint = section.Text("endpoint", ""), compression = section.Text("compression", "");
        if (type is not ("grpc" or "http")) section.Error("client_type", "expected tracing client type to be either 'http' or 'grpc'");
        if (compression is not ("" or "gzip")) section.Error("compression", $"invalid compression type {compression}, valid options: gzip");
        bool insecure = section.Bool("insecure", false);
        var address = Address(endpoint, insecure, type == "grpc");
        if (endpoint.Length == 0) section.ErrorHere("tracing endpoint must be set");
        else if (address is null) section.Error("endpoint", $"\"{endpoint}\" is not the address of a receiver", "write host:port");
        var headers = section.TextMap("headers");
        HttpClientReader.CheckHeaders(section, headers.Keys, "authorization header configuration is not yet supported in tracing");
        double fraction = section.Float("sampling_fraction", 0);
        var timeout = section.DurationOrNull("timeout");
        var tls = HttpClientReader.Tls(section.Section("tls_config"), folder);
        section.Done();
        return address is null ? null : new TracingSettings
        {
            Endpoint = address,
            Grpc = type == "grpc",
            SamplingFraction = Math.Clamp(fraction, 0, 1),
            Headers = headers,
            Gzip = compression == "gzip",
            Timeout = timeout is { } given && given > TimeSpan.Zero ? given : TimeSpan.FromSeconds(10),
            Tls = tls,
        };
    }

    private static Uri? Address(string endpoint, bool insecure, bool grpc)
    {
        if (!Uri.TryCreate($"{(insecure ? "http" : "https")}://{endpoint}", UriKind.Absolute, out var address) || address.Host.Length == 0 || address.PathAndQuery != "/") return null;
        return grpc ? address : new Uri(address, "/v1/traces");
    }
}
