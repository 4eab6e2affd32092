using Pharos.Collector.Discovery;
using Pharos.Collector.Runtime;

namespace Pharos.Collector.Components;

/// <summary>Finds out which arguments a discovery takes by letting it read a section in which nothing is given.</summary>
internal sealed class DiscoverySchema : IDiscoverySection
{
    private readonly Dictionary<string, object> parts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (DiscoverySchema Schema, bool Repeats)> blocks = new(StringComparer.Ordinal);

    /// <summary>The arguments of a kind of discovery.</summary>
    public static ArgumentBody Of(DiscoveryType type)
    {
        var schema = new DiscoverySchema();
        type.Read(schema);
        var body = schema.Body();
        return body with { Attributes = [.. body.Attributes.Select(a => a with { Required = type.Required.Contains(a.Name) })] };
    }

    /// <summary>The arguments and blocks that a reader asks for, for a body that has others too.</summary>
    public static IReadOnlyList<object> PartsOf(Action<IDiscoverySection> read)
    {
        var schema = new DiscoverySchema();
        read(schema);
        return schema.Parts();
    }

    public bool IsOfCollector => true;

    public bool Has(string key) => false;

    public string Text(string key, string otherwise = "")
    {
        parts.TryAdd(key, Schema.May(key, ArgumentType.Text, otherwise, ""));
        return otherwise;
    }

    public string Secret(string key)
    {
        parts.TryAdd(key, Schema.May(key, ArgumentType.Secret));
        return "";
    }

    public string Resolve(string path) => path;

    public bool Flag(string key, bool otherwise = false)
    {
        parts.TryAdd(key, Schema.May(key, otherwise, ""));
        return otherwise;
    }

    public int Number(string key, int otherwise)
    {
        parts.TryAdd(key, Schema.May(key, ArgumentType.Integer, (long)otherwise, ""));
        return otherwise;
    }

    public TimeSpan Duration(string key, TimeSpan otherwise)
    {
        parts.TryAdd(key, Schema.May(key, ArgumentType.Duration, GoDuration.Format(otherwise), ""));
        return otherwise;
    }

    public IReadOnlyList<string> Texts(string key)
    {
        parts.TryAdd(key, Schema.May(key, ArgumentType.Texts));
        return [];
    }

    public IReadOnlyDictionary<string, string> TextMap(string key)
    {
        parts.TryAdd(key, Schema.May(key, ArgumentType.TextMap));
        return new Dictionary<string, string>();
    }

    public IDiscoverySection? Section(string key) => Block(key, repeats: false);

    public IReadOnlyList<IDiscoverySection> Sections(string key, string block) => [Block(block, repeats: true)];

    public HttpClientOptions Client()
    {
        foreach (object part in HttpArguments.Client) parts.TryAdd(part is ArgumentAttribute attribute ? attribute.Name : ((ArgumentBlock)part).Name, part);
        return HttpClientOptions.Default;
    }

    public TlsOptions? Tls()
    {
        parts.TryAdd("tls_config", Schema.One("tls_config", HttpArguments.Tls));
        return null;
    }

    public void Error(string key, string message, string? mend = null)
    {
        // Nothing is given here, so much is missing.
    }

    public void Error(string message)
    {
        // As above.
    }

    private DiscoverySchema Block(string name, bool repeats)
    {
        if (!blocks.TryGetValue(name, out var found)) blocks[name] = found = (new DiscoverySchema(), repeats);
        return found.Schema;
    }

    private ArgumentBody Body() => Schema.Body([.. Parts()]);

    private List<object> Parts() => [.. parts.Values, .. blocks.Select(b => new ArgumentBlock(b.Key, b.Value.Schema.Body()) { Repeats = b.Value.Repeats })];
}
