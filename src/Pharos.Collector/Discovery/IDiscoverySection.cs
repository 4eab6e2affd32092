namespace Pharos.Collector.Discovery;

/// <summary>
/// The configuration of one discovery, whichever language it is written in. What is asked for is known; what nobody asked for is a
/// mistake. Mistakes are collected with their places, and reading goes on with the default.
/// </summary>
public interface IDiscoverySection
{
    /// <summary>Written in the collector's language, where some keys stand in blocks of their own.</summary>
    bool IsOfCollector { get; }

    bool Has(string key);

    string Text(string key, string otherwise = "");

    /// <summary>A text that is never shown.</summary>
    string Secret(string key);

    /// <summary>A path, made absolute against the folder of the configuration; empty where none is given.</summary>
    string Path(string key) => Text(key) is { Length: > 0 } path ? Resolve(path) : "";

    string Resolve(string path);

    bool Flag(string key, bool otherwise = false);

    /// <summary>A whole number that is not negative.</summary>
    int Number(string key, int otherwise);

    TimeSpan Duration(string key, TimeSpan otherwise);

    IReadOnlyList<string> Texts(string key);

    IReadOnlyDictionary<string, string> TextMap(string key);

    IDiscoverySection? Section(string key);

    /// <summary>Subsections that may be given any number of times.</summary>
    /// <param name="block">Its name where each is a block of its own.</param>
    IReadOnlyList<IDiscoverySection> Sections(string key, string block);

    /// <summary>The HTTP client settings of this section.</summary>
    HttpClientOptions Client();

    /// <summary>Of the HTTP client settings only <c>tls_config</c>.</summary>
    TlsOptions? Tls();

    void Error(string key, string message, string? mend = null);

    void Error(string message);
}
