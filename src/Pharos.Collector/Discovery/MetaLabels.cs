using System.Text;
using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>Builds the labels of targets: meta labels with a common prefix, and the address. Empty values are left out.</summary>
internal sealed class MetaLabels
{
    private readonly string prefix;
    private readonly LabelsBuilder labels;

    /// <param name="prefix">For example <c>__meta_consul_</c>.</param>
    public MetaLabels(string prefix) : this(prefix, new LabelsBuilder()) { }

    private MetaLabels(string prefix, LabelsBuilder labels)
    {
        this.prefix = prefix;
        this.labels = labels;
    }

    /// <summary>The same labels, to go on from for another target.</summary>
    public MetaLabels Copy()
    {
        var copy = new LabelsBuilder();
        foreach (var (name, value) in labels.Pairs) copy.Set(name, value);
        return new MetaLabels(prefix, copy);
    }

    public MetaLabels Set(string name, string value)
    {
        labels.Set(prefix + name, value);
        return this;
    }

    public MetaLabels Set(string name, bool value) => Set(name, value ? "true" : "false");

    public string Get(string name) => labels.Get(prefix + name);

    /// <summary>A label without the prefix.</summary>
    public MetaLabels SetPlain(string name, string value)
    {
        labels.Set(name, value);
        return this;
    }

    /// <summary>A label for each pair: name, then the key with everything strange as underscore.</summary>
    public MetaLabels SetEach(string name, IEnumerable<(string Name, string Value)> pairs)
    {
        foreach (var (key, value) in pairs) Set(name + Sanitize(key), value);
        return this;
    }

    /// <summary>As <see cref="SetEach"/>, and <paramref name="present"/> with the key is "true" for each, also for an empty value.</summary>
    public MetaLabels SetEach(string name, string present, IEnumerable<(string Name, string Value)> pairs)
    {
        foreach (var (key, value) in pairs)
        {
            string safe = Sanitize(key);
            Set(name + safe, value);
            Set(present + safe, "true");
        }
        return this;
    }

    /// <summary>A list as one text with the separator also at both ends, so that a rule can look for one member.</summary>
    public MetaLabels SetList(string name, IEnumerable<string> values, string separator)
    {
        string joined = string.Join(separator, values);
        return joined.Length == 0 ? this : Set(name, separator + joined + separator);
    }

    /// <summary>The labels of a target.</summary>
    public Labels At(string host, int port) => At(Join(host, port));

    /// <inheritdoc cref="At(string, int)"/>
    public Labels At(string address)
    {
        labels.Set("__address__", address);
        return labels.ToLabels();
    }

    /// <summary><c>host:port</c>, IPv6 addresses in brackets.</summary>
    public static string Join(string host, int port) => Join(host, port.ToString());

    /// <inheritdoc cref="Join(string, int)"/>
    public static string Join(string host, string port) => host.Contains(':', StringComparison.Ordinal) ? $"[{host}]:{port}" : $"{host}:{port}";

    /// <summary>Everything but letters, digits and underscores as underscore.</summary>
    public static string Sanitize(string name)
    {
        var safe = new StringBuilder(name.Length);
        foreach (var rune in name.EnumerateRunes()) safe.Append(rune.IsAscii && (char.IsAsciiLetterOrDigit((char)rune.Value)) ? (char)rune.Value : '_');
        return safe.ToString();
    }
}
