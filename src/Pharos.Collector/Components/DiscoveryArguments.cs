using Pharos.Collector.Discovery;
using Pharos.Collector.Runtime;

namespace Pharos.Collector.Components;

/// <summary>The arguments of a <c>discovery.*</c> component. The first mistake ends the reading.</summary>
internal sealed class DiscoveryArguments(Arguments arguments) : IDiscoverySection
{
    public bool IsOfCollector => true;

    public bool Has(string key) => arguments.IsSet(key) || arguments.Blocks(key).Any();

    public string Text(string key, string otherwise = "") => arguments.Text(key);

    public string Secret(string key) => arguments.Text(key);

    public string Resolve(string path) => path;

    public bool Flag(string key, bool otherwise = false) => arguments.Flag(key);

    public int Number(string key, int otherwise) => arguments.Integer(key, 0);

    public TimeSpan Duration(string key, TimeSpan otherwise) => arguments.PositiveDuration(key);

    public IReadOnlyList<string> Texts(string key) => arguments.Texts(key);

    public IReadOnlyDictionary<string, string> TextMap(string key) => arguments.TextMap(key);

    public IDiscoverySection? Section(string key) => arguments.Block(key) is { } block ? new DiscoveryArguments(block) : null;

    public IReadOnlyList<IDiscoverySection> Sections(string key, string block) => [.. arguments.Blocks(block).Select(b => new DiscoveryArguments(b))];

    public HttpClientOptions Client() => HttpArguments.Read(arguments);

    public TlsOptions? Tls() => arguments.Block("tls_config") is { } tls ? HttpArguments.ReadTls(tls) : null;

    public void Error(string key, string message, string? mend = null) => throw arguments.Wrong(key, message, mend);

    public void Error(string message) => throw arguments.Wrong(message);
}
