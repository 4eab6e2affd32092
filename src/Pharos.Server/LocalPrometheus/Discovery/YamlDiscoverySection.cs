using Pharos.Collector;
using Pharos.Collector.Discovery;
using Pharos.Yaml;

namespace Pharos.Server.LocalPrometheus;

/// <summary>A section of prometheus.yml for a discovery.</summary>
internal sealed class YamlDiscoverySection(YamlSection section, string folder) : IDiscoverySection
{
    private readonly List<YamlDiscoverySection> inner = [];

    /// <summary>Reports what nobody asked for.</summary>
    public void Done()
    {
        foreach (var nested in inner) nested.Done();
        section.Done();
    }

    public bool IsOfCollector => false;

    public bool Has(string key) => section.Has(key);

    public string Text(string key, string otherwise = "") => section.Text(key, otherwise);

    public string Secret(string key) => section.SecretOrNull(key) ?? "";

    public string Resolve(string path) => HttpClientReader.Resolve(path, folder);

    public bool Flag(string key, bool otherwise = false) => section.Bool(key, otherwise);

    public int Number(string key, int otherwise) => section.Count(key, otherwise);

    public TimeSpan Duration(string key, TimeSpan otherwise)
    {
        var duration = section.Duration(key, otherwise);
        if (duration > TimeSpan.Zero) return duration;
        section.Error(key, $"{key} must be greater than 0");
        return otherwise;
    }

    public IReadOnlyList<string> Texts(string key) => section.Texts(key);

    public IReadOnlyDictionary<string, string> TextMap(string key) => section.TextMap(key);

    public IDiscoverySection? Section(string key) => section.Section(key) is { } nested ? Nested(nested) : null;

    public IReadOnlyList<IDiscoverySection> Sections(string key, string block) => [.. section.Sections(key).Select(Nested)];

    public HttpClientOptions Client() => HttpClientReader.Read(section, folder);

    public TlsOptions? Tls() => HttpClientReader.Tls(section.Section("tls_config"), folder);

    public void Error(string key, string message, string? mend = null) => section.Error(key, message, mend);

    public void Error(string message) => section.ErrorHere(message);

    private YamlDiscoverySection Nested(YamlSection nested)
    {
        var found = new YamlDiscoverySection(nested, folder);
        inner.Add(found);
        return found;
    }
}
