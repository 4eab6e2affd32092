using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Pharos.Core;

namespace Pharos.Fleet;

/// <summary>What a collector is served.</summary>
/// <param name="Hash">SHA-256 of the content in hexadecimal digits: the same for the same text.</param>
/// <param name="Pipelines">Names of the pipelines in it, sorted.</param>
public sealed record ServedConfig(string Content, string Hash, IReadOnlyList<string> Pipelines);

/// <summary>
/// Builds the configuration of one collector: each pipeline becomes a module of its own with one instance, so that names never collide
/// and what is only allowed at the root is refused. Pipelines stand in order of their names.
/// </summary>
internal static partial class ConfigBuilder
{
    public static ServedConfig Build(IReadOnlyList<Pipeline> assigned, IReadOnlyDictionary<string, string> attributes, bool openTelemetry)
    {
        var ordered = assigned.OrderBy(p => p.Name, StringComparer.Ordinal).ToList();
        string content = openTelemetry ? string.Join("\n", ordered.Select(p => p.Contents)) : Alloy(ordered, attributes);
        return new ServedConfig(content, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(content))), [.. ordered.Select(p => p.Name)]);
    }

    private static string Alloy(List<Pipeline> pipelines, IReadOnlyDictionary<string, string> attributes)
    {
        var labels = Labels(pipelines);
        var text = new StringBuilder();
        foreach (var pipeline in pipelines)
        {
            if (text.Length > 0) text.Append('\n');
            string label = labels[pipeline.Name];
            text.Append(CultureInfo.InvariantCulture, $"declare \"{label}\" {{\n");
            text.Append("\targument \"attributes\" {\n\t\toptional = true\n\t\tdefault  = {}\n\t}\n\n");
            text.Append("\targument \"pipeline_exports\" {\n\t\toptional = true\n\t\tdefault  = {}\n\t}\n\n");
            text.Append(pipeline.Contents.TrimEnd()).Append("\n}\n\n");
            text.Append(CultureInfo.InvariantCulture, $"{label} \"default\" {{\n\tattributes = {{\n");
            foreach (var (name, value) in attributes.OrderBy(a => a.Key, StringComparer.Ordinal))
                text.Append(CultureInfo.InvariantCulture, $"\t\t{GoString.Quote(name)} = {GoString.Quote(value)},\n");
            text.Append("\t}\n");
            var used = pipelines.Where(p => p != pipeline && Uses(pipeline, p) && Exports(p).Count > 0).ToList();
            if (used.Count > 0)
            {
                text.Append("\tpipeline_exports = {\n");
                foreach (var other in used)
                {
                    text.Append(CultureInfo.InvariantCulture, $"\t\t{GoString.Quote(other.Name)} = {{\n");
                    foreach (string export in Exports(other))
                        text.Append(CultureInfo.InvariantCulture, $"\t\t\t{GoString.Quote(export)} = {labels[other.Name]}.default.{export},\n");
                    text.Append("\t\t},\n");
                }
                text.Append("\t}\n");
            }
            text.Append("}\n");
        }
        return text.ToString();
    }

    /// <summary>Only the pipelines that one names, so that two that export do not wait for each other.</summary>
    private static bool Uses(Pipeline pipeline, Pipeline other) =>
        pipeline.Contents.Contains("argument.pipeline_exports", StringComparison.Ordinal)
        && pipeline.Contents.Contains(GoString.Quote(other.Name), StringComparison.Ordinal);

    private static List<string> Exports(Pipeline pipeline) =>
        [.. ExportBlock().Matches(pipeline.Contents).Select(m => m.Groups[1].Value).Distinct().Order(StringComparer.Ordinal)];

    /// <summary>An identifier for each pipeline's name; names that would give the same one get a part of their hash.</summary>
    private static Dictionary<string, string> Labels(List<Pipeline> pipelines)
    {
        var labels = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var group in pipelines.GroupBy(p => "pipeline_" + string.Concat(p.Name.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_'))))
        {
            bool alone = group.Count() == 1;
            foreach (var pipeline in group)
            {
                labels[pipeline.Name] = alone && pipeline.Name.All(char.IsAscii)
                    ? group.Key
                    : $"{group.Key}_{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(pipeline.Name)))[..8]}";
            }
        }
        return labels;
    }

    [GeneratedRegex("""^[ \t]*export[ \t]+"([A-Za-z_][A-Za-z0-9_]*)"[ \t]*\{""", RegexOptions.Multiline | RegexOptions.NonBacktracking)]
    private static partial Regex ExportBlock();
}
