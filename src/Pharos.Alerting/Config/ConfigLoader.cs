using Pharos.Core;
using Pharos.Yaml;

namespace Pharos.Alerting;

/// <summary>Reads one configuration text and checks it as a whole.</summary>
internal sealed class ConfigLoader
{
    private readonly string text;
    private readonly string file;
    private readonly AlertmanagerConfigOptions options;
    private readonly YamlReading reading;

    public ConfigLoader(string text, string file, AlertmanagerConfigOptions options)
    {
        this.text = text;
        this.file = file;
        this.options = options;
        reading = new YamlReading(text, file) { FilesAllowed = options.AllowFiles };
    }

    public AlertmanagerConfig Load()
    {
        if (reading.Root is null or { IsNull: true } && !reading.HasErrors) reading.Findings.Add(Diagnostic.Error(new SourcePosition(file, 1, 1), "the configuration is empty"));
        var config = reading.HasErrors ? null : Read(reading.Section("the configuration"));
        return config is null || reading.HasErrors ? throw new ConfigurationException(Sorted()) : config;
    }

    private List<Diagnostic> Sorted() => [.. reading.Findings.OrderBy(d => d.Position.Line).ThenBy(d => d.Position.Column)];

    private AlertmanagerConfig? Read(YamlSection root)
    {
        var global = GlobalConfig.Read(root.Section("global"));
        var receivers = ReadReceivers(root, global);
        var intervals = ReadIntervals(root);
        var rules = root.Sections("inhibit_rules").Select(ReadInhibitRule).ToList();
        var templates = root.Texts("templates");
        CheckTemplateNames(root);
        var tree = ReadRoutes(root, receivers, intervals);
        if (root.Value("tracing") is { } tracing) reading.Warn(tracing, "tracing is not done; this section has no effect", "remove it");
        if (root.Value("event_recorder") is { } recorder)
            reading.Warn(recorder, "event_recorder has no effect: the alert journal holds these events", "read GET /api/pharos/v1/alerts/journal");
        root.Done();
        if (tree is null) return null;
        return new AlertmanagerConfig
        {
            Text = text,
            MaskedText = reading.Masked(),
            FileName = file,
            Global = global,
            Routes = tree,
            Receivers = receivers,
            InhibitRules = rules,
            TimeIntervals = intervals,
            TemplateFiles = templates,
            Templates = options.Templates,
            Warnings = [.. Sorted().Where(d => d.Severity != Severity.Error)],
        };
    }

    private void CheckTemplateNames(YamlSection root)
    {
        if (options.AllowFiles) return;
        foreach (var (name, node) in root.TextNodes("templates"))
        {
            if (!options.Templates.ContainsKey(name))
                reading.Error(node, $"template {GoString.Quote(name)} was not uploaded with the configuration", "put it in template_files");
        }
    }

    private static List<ReceiverConfig> ReadReceivers(YamlSection root, GlobalConfig global)
    {
        var receivers = new List<ReceiverConfig>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var section in root.Sections("receivers"))
        {
            string name = section.Text("name");
            if (name.Length == 0) section.ErrorHere("missing name in receiver");
            else if (!names.Add(name)) section.Error("name", $"notification config name {GoString.Quote(name)} is not unique");
            var labels = new Dictionary<string, string>(section.TextMap("labels"), StringComparer.Ordinal) { ["name"] = name };
            var integrations = new List<IntegrationConfig>();
            foreach (var (key, read) in IntegrationKinds.All)
            {
                int index = 0;
                foreach (var item in section.Sections(key))
                {
                    var integration = read(item, global) with { Index = index++, Position = item.Position };
                    item.Done();
                    integrations.Add(integration);
                }
            }
            section.Done();
            receivers.Add(new ReceiverConfig(name, labels, integrations));
        }
        return receivers;
    }

    private static Dictionary<string, TimeInterval> ReadIntervals(YamlSection root)
    {
        var intervals = new Dictionary<string, TimeInterval>(StringComparer.Ordinal);
        foreach (string key in (string[])["mute_time_intervals", "time_intervals"])
        {
            foreach (var section in root.Sections(key))
            {
                var interval = TimeIntervalReader.Read(section);
                if (!intervals.TryAdd(interval.Name, interval)) section.Error("name", $"time interval {GoString.Quote(interval.Name)} is not unique");
            }
        }
        return intervals;
    }

    private InhibitRule ReadInhibitRule(YamlSection s)
    {
        var source = Matchers(s, "source_match", "source_match_re", "source_matchers");
        var target = Matchers(s, "target_match", "target_match_re", "target_matchers");
        var equal = new List<string>();
        foreach (var (name, node) in s.TextNodes("equal"))
        {
            if (name.Length == 0) reading.Error(node, "invalid label name \"\" in equal list");
            else equal.Add(name);
        }
        var rule = new InhibitRule(s.Text("name"), source, target, equal);
        s.Done();
        return rule;
    }

    /// <summary>The matchers of the three ways to write them, in Alertmanager's order.</summary>
    private List<Matcher> Matchers(YamlSection s, string equal, string regex, string list)
    {
        var matchers = new List<Matcher>();
        foreach (var (name, node) in s.Entries(equal)) Add(matchers, MatchOp.Equal, name, node);
        foreach (var (name, node) in s.Entries(regex))
        {
            if (node.IsNull) reading.Error(node, $"invalid regexp value for {GoString.Quote(name)} in {regex}: it is null");
            else Add(matchers, MatchOp.Regex, name, node);
        }
        foreach (var (value, node) in s.TextNodes(list))
        {
            try
            {
                matchers.AddRange(MatcherText.ParseAll(value, options.Matchers, out string? warning));
                if (warning is not null) reading.Warn(node, warning);
            }
            catch (FormatException e)
            {
                reading.Error(node, $"{list}: {e.Message}");
            }
        }
        matchers.Sort(MatcherText.Compare);
        return matchers;
    }

    private void Add(List<Matcher> matchers, MatchOp op, string name, YamlNode node)
    {
        if (!LabelNames.IsLegacy(name) && (options.Matchers == MatcherMode.Classic || name.Length == 0))
        {
            reading.Error(node, $"invalid label name {GoString.Quote(name)}");
            return;
        }
        if (node.Kind != YamlKind.Scalar)
        {
            reading.Error(node, $"the value of {name} must be a text");
            return;
        }
        try
        {
            matchers.Add(new Matcher(op, name, node.IsNull ? "" : node.Value));
        }
        catch (FormatException e)
        {
            reading.Error(node, $"{name}: {e.Message}");
        }
    }

    private RouteTree? ReadRoutes(YamlSection root, List<ReceiverConfig> receivers, Dictionary<string, TimeInterval> intervals)
    {
        if (root.Section("route") is not { } section)
        {
            if (root.Value("route") is null) root.ErrorHere("no routes provided", "add a route with a receiver");
            return null;
        }
        foreach (string key in (string[])["match", "match_re", "matchers"])
        {
            if (section.Value(key) is { Pairs.Count: > 0 } or { Items.Count: > 0 }) section.Error(key, "root route must not have any matchers");
        }
        if (section.Items("mute_time_intervals").Count > 0) section.Error("mute_time_intervals", "root route must not have any mute time intervals");
        if (section.Items("active_time_intervals").Count > 0) section.Error("active_time_intervals", "root route must not have any active time intervals");
        if (section.Bool("continue", false)) section.Error("continue", "cannot have continue in root route");
        if (section.Text("receiver").Length == 0) section.ErrorHere("root route must specify a default receiver");
        var names = receivers.Select(r => r.Name).ToHashSet(StringComparer.Ordinal);
        return new RouteTree(ReadRoute(section, null, 0, names, intervals));
    }

    private RouteNode ReadRoute(YamlSection s, RouteNode? parent, int index, HashSet<string> receivers, Dictionary<string, TimeInterval> intervals)
    {
        string own = s.Text("receiver");
        if (own.Length > 0 && !receivers.Contains(own)) s.Error("receiver", $"undefined receiver {GoString.Quote(own)} used in route", "add it to receivers");
        var (groupBy, all) = GroupBy(s, parent);
        var node = new RouteNode
        {
            Parent = parent,
            Index = index,
            Receiver = own.Length > 0 ? own : parent?.Receiver ?? "",
            GroupBy = groupBy,
            GroupByAll = all,
            GroupWait = s.DurationOrNull("group_wait") ?? parent?.GroupWait ?? TimeSpan.FromSeconds(30),
            GroupInterval = NotZero(s, "group_interval") ?? parent?.GroupInterval ?? TimeSpan.FromMinutes(5),
            RepeatInterval = NotZero(s, "repeat_interval") ?? parent?.RepeatInterval ?? TimeSpan.FromHours(4),
            Matchers = Matchers(s, "match", "match_re", "matchers"),
            Continue = s.Bool("continue", false),
            MuteTimeIntervals = Intervals(s, "mute_time_intervals", intervals),
            ActiveTimeIntervals = Intervals(s, "active_time_intervals", intervals),
            Labels = Merged(parent?.Labels, s.TextMap("labels")),
            Position = s.Position,
        };
        int i = 0;
        var children = new List<RouteNode>();
        foreach (var child in s.Sections("routes")) children.Add(ReadRoute(child, node, i++, receivers, intervals));
        node.Children = children;
        s.Done();
        return node;
    }

    private (IReadOnlyList<string>, bool) GroupBy(YamlSection s, RouteNode? parent)
    {
        if (s.Value("group_by") is null) return (parent?.GroupBy ?? [], parent?.GroupByAll ?? false);
        var names = new List<string>();
        bool all = false;
        foreach (var (name, node) in s.TextNodes("group_by"))
        {
            if (name == "...") all = true;
            else if (name.Length == 0) reading.Error(node, "invalid label name \"\" in group_by list");
            else if (names.Contains(name)) reading.Error(node, $"duplicated label {GoString.Quote(name)} in group_by");
            else names.Add(name);
        }
        if (all && names.Count > 0) s.Error("group_by", "cannot have wildcard group_by (`...`) and other other labels at the same time");
        return (names, all);
    }

    private static TimeSpan? NotZero(YamlSection s, string key)
    {
        var duration = s.DurationOrNull(key);
        if (duration == TimeSpan.Zero) s.Error(key, $"{key} cannot be zero");
        return duration;
    }

    private List<string> Intervals(YamlSection s, string key, Dictionary<string, TimeInterval> intervals)
    {
        var names = new List<string>();
        foreach (var (name, node) in s.TextNodes(key))
        {
            if (!intervals.ContainsKey(name)) reading.Error(node, $"undefined time interval {GoString.Quote(name)} used in route", "add it to time_intervals");
            names.Add(name);
        }
        return names;
    }

    private static Dictionary<string, string> Merged(IReadOnlyDictionary<string, string>? parent, IReadOnlyDictionary<string, string> own)
    {
        var merged = parent is null ? new Dictionary<string, string>(StringComparer.Ordinal) : new Dictionary<string, string>(parent, StringComparer.Ordinal);
        foreach (var (name, value) in own) merged[name] = value;
        return merged;
    }
}
