using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Pharos.Collector;
using Pharos.Core;
using Pharos.Server.Configuration;

namespace Pharos.Server.LocalPrometheus;

/// <summary>Looks targets up in files, over HTTP, in DNS and at Docker engines. A look-up that fails is logged and gives null.</summary>
internal static partial class DiscoveryLoops
{
    private static readonly TimeSpan FilePoll = TimeSpan.FromSeconds(5);

    public static IEnumerable<(Func<CancellationToken, Task<IReadOnlyList<Labels>?>> Next, TimeSpan Refresh)> Of(
        Discoveries discoveries, HttpHandlerFactory http, TimeProvider time, ILogger logger)
    {
        foreach (var files in discoveries.Files)
        {
            // Files are looked at more often than the interval asks: the real system is told of changes at once.
            var poll = files.RefreshInterval < FilePoll ? files.RefreshInterval : FilePoll;
            yield return (cancel => FromFilesAsync(files, logger, cancel), poll);
        }
        foreach (var source in discoveries.Http) yield return (cancel => FromHttpAsync(source, http, time, logger, cancel), source.RefreshInterval);
        var dns = new DnsClient(DnsSettings.OfMachine, time);
        foreach (var names in discoveries.Dns)
        {
            yield return names.Type is "A" or "AAAA"
                ? (cancel => FromAddressesAsync(names, logger, cancel), names.RefreshInterval)
                : (cancel => FromRecordsAsync(names, dns, logger, cancel), names.RefreshInterval);
        }
        foreach (var docker in discoveries.Docker) yield return (cancel => FromDockerAsync(docker, http, time, logger, cancel), docker.RefreshInterval);
    }

    private static async Task<IReadOnlyList<Labels>?> FromFilesAsync(FileDiscovery files, ILogger logger, CancellationToken cancel)
    {
        var found = new List<Labels>();
        foreach (string path in FilePatterns.Find(files.Files))
        {
            if (!File.Exists(path)) continue;
            try
            {
                string text = await File.ReadAllTextAsync(path, cancel);
                found.AddRange(Groups(text, path, json: path.EndsWith(".json", StringComparison.Ordinal), ("__meta_filepath", path)));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or ConfigurationException)
            {
                Failed(logger, path, e.Message);
                return null;
            }
        }
        return found;
    }

    private static async Task<IReadOnlyList<Labels>?> FromHttpAsync(HttpDiscovery source, HttpHandlerFactory http, TimeProvider time, ILogger logger, CancellationToken cancel)
    {
        try
        {
            using var timeout = new CancellationTokenSource(source.RefreshInterval, time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(cancel, timeout.Token);
            using var client = new HttpClient(http(source.Client));
            using var request = new HttpRequestMessage(HttpMethod.Get, source.Url);
            request.Headers.Accept.ParseAdd("application/json");
            request.Headers.Add("X-Prometheus-Refresh-Interval-Seconds", source.RefreshInterval.TotalSeconds.ToString());
            using var response = await client.SendAsync(request, both.Token);
            if (response.StatusCode != HttpStatusCode.OK) throw new HttpRequestException($"server returned HTTP status {(int)response.StatusCode}");
            if (response.Content.Headers.ContentType?.MediaType != "application/json") throw new HttpRequestException($"unsupported content type \"{response.Content.Headers.ContentType}\"");
            return [.. Groups(await response.Content.ReadAsStringAsync(both.Token), source.Url.ToString(), json: true, ("__meta_url", source.Url.ToString()))];
        }
        catch (Exception e) when (IsLookUpFailure(e, cancel))
        {
            Failed(logger, source.Url.ToString(), e.Message);
            return null;
        }
    }

    private static async Task<IReadOnlyList<Labels>?> FromAddressesAsync(DnsDiscovery names, ILogger logger, CancellationToken cancel)
    {
        var found = new List<Labels>();
        var family = names.Type == "AAAA" ? System.Net.Sockets.AddressFamily.InterNetworkV6 : System.Net.Sockets.AddressFamily.InterNetwork;
        foreach (string name in names.Names)
        {
            try
            {
                foreach (var address in await Dns.GetHostAddressesAsync(name, family, cancel))
                {
                    string host = family == System.Net.Sockets.AddressFamily.InterNetworkV6 ? $"[{address}]" : address.ToString();
                    found.Add(Labels.Of(("__address__", $"{host}:{names.Port}"), ("__meta_dns_name", name)));
                }
            }
            catch (System.Net.Sockets.SocketException e)
            {
                Failed(logger, name, e.Message);
                return null;
            }
        }
        return found;
    }

    /// <summary>SRV records name host and port; MX and NS records a host, to which the configured port is added.</summary>
    internal static async Task<IReadOnlyList<Labels>?> FromRecordsAsync(DnsDiscovery names, DnsClient dns, ILogger logger, CancellationToken cancel)
    {
        var type = names.Type switch { "SRV" => DnsRecordType.Srv, "MX" => DnsRecordType.Mx, _ => DnsRecordType.Ns };
        string kind = names.Type.ToLowerInvariant();
        var found = new List<Labels>();
        foreach (string name in names.Names)
        {
            try
            {
                foreach (var record in await dns.LookUpAsync(name, type, cancel))
                {
                    int port = type == DnsRecordType.Srv ? record.Port : names.Port;
                    var labels = new LabelsBuilder().Set("__address__", $"{record.Target.TrimEnd('.')}:{port}")
                        .Set("__meta_dns_name", name).Set($"__meta_dns_{kind}_record_target", record.Target);
                    if (type == DnsRecordType.Srv) labels.Set("__meta_dns_srv_record_port", $"{record.Port}");
                    found.Add(labels.ToLabels());
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                Failed(logger, name, e.Message);
                return null;
            }
        }
        return found;
    }

    private static async Task<IReadOnlyList<Labels>?> FromDockerAsync(DockerDiscovery docker, HttpHandlerFactory http, TimeProvider time, ILogger logger, CancellationToken cancel)
    {
        try
        {
            using var timeout = new CancellationTokenSource(docker.RefreshInterval, time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(cancel, timeout.Token);
            return await DockerContainers.FindAsync(docker, http, both.Token);
        }
        catch (Exception e) when (IsLookUpFailure(e, cancel) || e is InvalidOperationException or KeyNotFoundException or FormatException)
        {
            Failed(logger, docker.Host.ToString(), e.Message);
            return null;
        }
    }

    private static bool IsLookUpFailure(Exception e, CancellationToken cancel) =>
        e is HttpRequestException or IOException or JsonException or OperationCanceledException && !cancel.IsCancellationRequested;

    /// <summary>The targets of a service discovery file: <c>[{"targets": […], "labels": {…}}]</c>, as JSON or YAML.</summary>
    /// <exception cref="FormatException">The text is no list of target groups.</exception>
    internal static IReadOnlyList<Labels> ReadGroups(string text, string path) =>
        [.. Groups(text, path, path.EndsWith(".json", StringComparison.Ordinal), ("__meta_filepath", path))];

    private static IEnumerable<Labels> Groups(string text, string source, bool json, (string Name, string Value) meta)
    {
        if (!json)
        {
            // YAML lists of mappings: read through a section so that mistakes have their place.
            var section = YamlSection.Load("groups:\n" + string.Join('\n', text.Split('\n').Select(l => "  " + l)), source, "the target file");
            var groups = new List<(IReadOnlyList<string> Targets, IReadOnlyDictionary<string, string> Labels)>();
            foreach (var group in section.Sections("groups"))
            {
                groups.Add((group.Texts("targets"), group.TextMap("labels")));
                group.Done();
            }
            if (section.Findings.Count > 0) throw new ConfigurationException(section.Findings);
            return groups.SelectMany(g => g.Targets.Select(t => Build(t, g.Labels, meta)));
        }
        using var document = JsonDocument.Parse(text);
        var found = new List<Labels>();
        foreach (var group in document.RootElement.EnumerateArray())
        {
            var labels = group.TryGetProperty("labels", out var given) && given.ValueKind == JsonValueKind.Object
                ? given.EnumerateObject().ToDictionary(l => l.Name, l => l.Value.GetString() ?? "") : [];
            if (!group.TryGetProperty("targets", out var targets)) continue;
            foreach (var target in targets.EnumerateArray()) found.Add(Build(target.GetString() ?? "", labels, meta));
        }
        return found;
    }

    private static Labels Build(string target, IReadOnlyDictionary<string, string> labels, (string Name, string Value) meta)
    {
        var builder = new LabelsBuilder();
        foreach (var (name, value) in labels) builder.Set(name, value);
        return builder.Set("__address__", target).Set(meta.Name, meta.Value).ToLabels();
    }

    [LoggerMessage(7101, LogLevel.Warning, "Targets from {Source} could not be read; those found before stay: {Reason}")]
    private static partial void Failed(ILogger logger, string source, string reason);
}
