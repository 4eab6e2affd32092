using System.Globalization;
using System.Text;
using Pharos.Core;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Pharos.Alerting;

/// <summary>One reading of a configuration text: collects every finding, and where the secrets stand.</summary>
internal sealed class ConfigReading(string text, string file, AlertmanagerConfigOptions options)
{
    private readonly List<(int Start, int End)> secrets = [];

    public AlertmanagerConfigOptions Options { get; } = options;
    public List<Diagnostic> Diagnostics { get; } = [];

    /// <summary>The root of the document, or null where it is not YAML or no mapping; then a finding says so.</summary>
    public YamlSection? Root(string what)
    {
        try
        {
            var stream = new YamlStream();
            stream.Load(new StringReader(text));
            if (stream.Documents.Count == 0 || Yaml.IsNull(stream.Documents[0].RootNode))
            {
                Diagnostics.Add(Diagnostic.Error(new SourcePosition(file, 1, 1), $"the {what} is empty"));
                return null;
            }
            if (stream.Documents[0].RootNode is YamlMappingNode mapping) return new YamlSection(mapping, this, "");
            Error(stream.Documents[0].RootNode, $"the {what} must be a mapping of keys to values");
        }
        catch (YamlException e)
        {
            string message = e.InnerException is null ? e.Message : e.InnerException.Message;
            Diagnostics.Add(Diagnostic.Error(new SourcePosition(file, (int)e.Start.Line, (int)e.Start.Column), $"not YAML: {message}"));
        }
        return null;
    }

    public SourcePosition At(YamlNode node) => new(file, (int)node.Start.Line, (int)node.Start.Column);

    public void Error(YamlNode node, string message, string? mend = null) => Diagnostics.Add(Diagnostic.Error(At(node), message, mend));

    public void Error(SourcePosition position, string message, string? mend = null) => Diagnostics.Add(Diagnostic.Error(position, message, mend));

    public void Warn(YamlNode node, string message, string? mend = null) => Diagnostics.Add(Diagnostic.Warning(At(node), message, mend));

    public void MarkSecret(YamlNode node)
    {
        if (node.End.Index > node.Start.Index) secrets.Add(((int)node.Start.Index, (int)node.End.Index));
    }

    /// <summary>The text as it may be shown: each secret is <c>&lt;secret&gt;</c>.</summary>
    public string Masked()
    {
        var shown = new StringBuilder();
        int from = 0;
        foreach (var (start, end) in secrets.Distinct().OrderBy(s => s.Start))
        {
            if (start < from) continue;
            // A block scalar's end is the start of the next line.
            int stop = Math.Min(end, text.Length);
            while (stop > start && char.IsWhiteSpace(text[stop - 1])) stop--;
            shown.Append(text, from, start - from).Append("<secret>");
            from = stop;
        }
        return shown.Append(text, from, text.Length - from).ToString();
    }
}

internal static class Yaml
{
    /// <summary>Whether YAML 1.1 reads the node as null.</summary>
    public static bool IsNull(YamlNode node) =>
        node is YamlScalarNode { Style: ScalarStyle.Plain or ScalarStyle.Any, Value: null or "" or "~" or "null" or "Null" or "NULL" };

    public static bool TryBool(string text, out bool value)
    {
        value = text is "y" or "Y" or "yes" or "Yes" or "YES" or "on" or "On" or "ON" or "true" or "True" or "TRUE";
        return value || text is "n" or "N" or "no" or "No" or "NO" or "off" or "Off" or "OFF" or "false" or "False" or "FALSE";
    }

    public static bool TryInt(string text, out long value) =>
        long.TryParse(text.Replace("_", "", StringComparison.Ordinal), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);
}
