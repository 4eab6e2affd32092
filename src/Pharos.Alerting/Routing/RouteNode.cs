using System.Text;
using Pharos.Core;

namespace Pharos.Alerting;

/// <summary>One node of the route tree, with everything it inherits filled in. Immutable once the tree is built.</summary>
public sealed class RouteNode
{
    private string? key;
    private string? id;

    internal RouteNode() { }

    public required RouteNode? Parent { get; init; }

    /// <summary>Place among the parent's children, from 0.</summary>
    public required int Index { get; init; }
    public required string Receiver { get; init; }

    /// <summary>Labels whose values part the alerts into groups; with <see cref="GroupByAll"/> all labels do.</summary>
    public required IReadOnlyList<string> GroupBy { get; init; }
    public required bool GroupByAll { get; init; }
    public required TimeSpan GroupWait { get; init; }
    public required TimeSpan GroupInterval { get; init; }
    public required TimeSpan RepeatInterval { get; init; }

    /// <summary>All must match; sorted.</summary>
    public required IReadOnlyList<Matcher> Matchers { get; init; }

    /// <summary>Whether the siblings after this one are tried too.</summary>
    public required bool Continue { get; init; }
    public required IReadOnlyList<string> MuteTimeIntervals { get; init; }
    public required IReadOnlyList<string> ActiveTimeIntervals { get; init; }

    /// <summary>Labels of the route with those of its parents; the values are templates.</summary>
    public required IReadOnlyDictionary<string, string> Labels { get; init; }
    public required SourcePosition Position { get; init; }
    public IReadOnlyList<RouteNode> Children { get; internal set; } = [];

    /// <summary>The matchers from the root down: part of group keys, so its bytes are a contract. Not unique among siblings.</summary>
    public string Key => key ??= $"{(Parent is null ? "" : Parent.Key + "/")}{MatcherText.Join(Matchers)}";

    /// <summary>The key with the place among siblings at each level: unique.</summary>
    public string Id => id ??= Parent is null ? MatcherText.Join(Matchers) : $"{Parent.Id}/{MatcherText.Join(Matchers)}/{Index}";

    /// <summary>The labels that name the alert's group in this route.</summary>
    public Labels GroupLabels(Labels alert) => GroupByAll ? alert : alert.Only([.. GroupBy]);

    /// <summary>The group's key: <c>routeKey:{label="value", …}</c>.</summary>
    public string GroupKey(Labels groupLabels)
    {
        var text = new StringBuilder(Key).Append(":{");
        bool first = true;
        foreach (var (name, value) in groupLabels)
        {
            if (!first) text.Append(", ");
            first = false;
            text.Append(name).Append('=').Append(GoString.Quote(value));
        }
        return text.Append('}').ToString();
    }

    /// <summary>This node and all under it, parents first.</summary>
    public IEnumerable<RouteNode> All() => Children.SelectMany(c => c.All()).Prepend(this);

    internal void Match(Labels labels, List<RouteNode> into)
    {
        if (!Matcher.All(Matchers, labels)) return;
        int before = into.Count;
        foreach (var child in Children)
        {
            int count = into.Count;
            child.Match(labels, into);
            if (into.Count > count && !child.Continue) break;
        }
        // The node itself takes what none of its children took.
        if (into.Count == before) into.Add(this);
    }
}

/// <summary>The tree of routes. Immutable.</summary>
public sealed class RouteTree
{
    internal RouteTree(RouteNode root) => Root = root;

    public RouteNode Root { get; }

    /// <summary>The routes that take an alert, in order; never none.</summary>
    public IReadOnlyList<RouteNode> Match(Labels labels)
    {
        var routes = new List<RouteNode>();
        Root.Match(labels, routes);
        return routes;
    }
}
