using Pharos.Server.Configuration;

namespace Pharos.Server.LocalPrometheus;

/// <summary>
/// Sections of prometheus.yml for what this process does not do. They are checked as Prometheus checks them, and refused.
/// </summary>
internal static class UnusedSections
{
    private static readonly string[] ReservedHeaders =
    [
        "host", "content-encoding", "content-length", "content-type", "user-agent", "connection", "keep-alive", "proxy-authenticate", "proxy-authorization",
        "www-authenticate", "accept-encoding", "x-prometheus-remote-write-version", "x-prometheus-remote-read-version",
    ];

    public static void Read(YamlSection root, string folder)
    {
        if (root.Section("tracing") is { } tracing)
        {
            ReadTracing(tracing, folder);
            root.Error("tracing", "tracing is not supported", "take the section out");
        }
    }

    /// <summary>Headers that the protocol itself sets.</summary>
    public static void CheckHeaders(YamlSection section, IEnumerable<string> names, string authorization)
    {
        foreach (string name in names)
        {
            string lower = name.ToLowerInvariant();
            if (lower == "authorization") section.Error("headers", authorization);
            else if (ReservedHeaders.Contains(lower)) section.Error("headers", $"{lower} is a reserved header. It must not be changed");
        }
    }

    private static void ReadTracing(YamlSection section, string folder)
    {
        if (section.Text("client_type", "grpc") is not ("grpc" or "http")) section.Error("client_type", "expected tracing client type to be either 'http' or 'grpc'");
        if (string.IsNullOrEmpty(section.Text("endpoint"))) section.Error("tracing endpoint must be set");
        if (section.Text("compression", "") is not ("" or "gzip") and var compression) section.Error("compression", $"invalid compression type {compression}, valid options: gzip");
        CheckHeaders(section, section.TextMap("headers").Keys, "authorization header configuration is not yet supported in tracing");
        section.Float("sampling_fraction", 0);
        section.Bool("insecure");
        section.Duration("timeout");
        HttpClientReader.Tls(section.Section("tls_config"), folder);
        section.Done();
    }
}
