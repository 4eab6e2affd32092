using Pharos.Collector.Discovery;
using Pharos.Core;
using Pharos.Yaml;

namespace Pharos.Server.LocalPrometheus;

/// <summary>The <c>static_configs</c> and <c>*_sd_configs</c> of a section.</summary>
internal static class DiscoveryReader
{
    public static Discoveries Read(YamlSection section, string folder)
    {
        // Rules may make an address of what is none yet.
        bool rewritten = section.Sections("relabel_configs").Any();
        var groups = section.Sections("static_configs").Select(s => Group(s, rewritten)).ToList();
        var dynamic = new List<DiscoveryOptions>();
        foreach (var type in DiscoveryTypes.All)
        {
            foreach (var entry in section.Sections(type.Name + "_sd_configs"))
            {
                var discovery = new YamlDiscoverySection(entry, folder);
                if (type.Read(discovery) is { } options) dynamic.Add(options);
                discovery.Done();
            }
        }
        return new Discoveries(groups, dynamic);
    }

    private static List<Labels> Group(YamlSection section, bool rewritten)
    {
        var targets = section.Texts("targets");
        var labels = section.TextMap("labels");
        section.Done();
        foreach (string name in labels.Keys)
        {
            if (name.Length == 0) section.Error("labels", $"\"{name}\" is not a valid label name");
        }
        var found = new List<Labels>();
        foreach (string target in targets)
        {
            if (!rewritten && target.Contains('/', StringComparison.Ordinal)) section.Error("targets", $"\"{target}\" is not a valid hostname", "write host:port; scheme and metrics_path are keys of their own");
            var builder = new LabelsBuilder();
            foreach (var (name, value) in labels) builder.Set(name, value);
            found.Add(builder.Set("__address__", target).ToLabels());
        }
        return found;
    }
}
