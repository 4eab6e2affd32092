using System.Globalization;
using System.Text.Json;
using Pharos.Core;
using Pharos.LogQL;
using Pharos.PromQL;
using Pharos.Yaml;

namespace Pharos.Server.Configuration;

/// <summary>The limits that are lists: queries and requests that must not run, and series that are kept for shorter.</summary>
internal static class RuleLists
{
    public static LimitSetting BlockedQueries { get; } = new(
        "blocked_queries", "list of `{pattern, regex, reason}`: queries that are refused",
        (l, n, r) => l with { BlockedQueries = [.. r.Items(n, "pattern", "regex", "reason").Select(i => Blocked(i, n, r)).OfType<QueryRule>()] },
        (l, json) => Write(json, l.BlockedQueries, rule =>
        {
            json.WriteString("pattern"u8, rule.Pattern);
            json.WriteBoolean("regex"u8, rule.IsRegex);
            json.WriteString("reason"u8, rule.Reason);
        }));

    public static LimitSetting LimitedQueries { get; } = new(
        "limited_queries", "list of `{query, allowed_frequency}`: queries that may run once in so long",
        (l, n, r) => l with { LimitedQueries = [.. r.Items(n, "query", "allowed_frequency").Select(i => Limited(i, n, r)).OfType<QueryRule>()] },
        (l, json) => Write(json, l.LimitedQueries, rule =>
        {
            json.WriteString("query"u8, rule.Pattern);
            json.WriteString("allowed_frequency"u8, PromDuration.Format(rule.AllowedEvery));
        }));

    public static LimitSetting BlockedRequests { get; } = new(
        "blocked_requests", "list of `{path, method, query_params}`: read requests that are refused",
        (l, n, r) => l with { BlockedRequests = [.. r.Items(n, "path", "method", "query_params").Select(i => Request(i, r))] },
        (l, json) => Write(json, l.BlockedRequests, rule =>
        {
            json.WriteString("path"u8, rule.Path);
            json.WriteString("method"u8, rule.Method);
            json.WriteStartObject("query_params"u8);
            foreach (var (name, value) in rule.Parameters) json.WriteString(name, value);
            json.WriteEndObject();
        }));

    public static LimitSetting SeriesRetention { get; } = new(
        "retention_series", "list of `{selector, period}`: series kept for shorter, see below",
        (l, n, r) => l with { SeriesRetention = [.. r.Items(n, "selector", "period").Select(i => Retention(i, n, r)).OfType<SeriesRetention>()] },
        (l, json) => Write(json, l.SeriesRetention, rule =>
        {
            json.WriteString("selector"u8, rule.Selector);
            json.WriteString("period"u8, PromDuration.Format(rule.Period));
        }));

    public static LimitSetting SeriesTrackers { get; } = Trackers(
        "active_series_custom_trackers", "selectors by name, whose active series `cortex_ingester_active_series_custom_tracker` counts every minute",
        l => l.SeriesTrackers, (l, v) => l with { SeriesTrackers = v });

    public static LimitSetting MoreSeriesTrackers { get; } = Trackers(
        "active_series_additional_custom_trackers", "more of them; of one name this one counts", l => l.MoreSeriesTrackers, (l, v) => l with { MoreSeriesTrackers = v });

    private static LimitSetting Trackers(
        string name, string meaning, Func<TenantLimits, IReadOnlyList<SeriesTracker>> get, Func<TenantLimits, IReadOnlyList<SeriesTracker>, TenantLimits> set) =>
        new(name, meaning, (l, n, r) => set(l, [.. r.Named(n, value => (Node: value, Text: r.Text(value))).Select(t => Tracker(t.Key, t.Value.Text, t.Value.Node, r)).OfType<SeriesTracker>()]),
            (l, json) =>
            {
                json.WriteStartObject();
                foreach (var tracker in get(l)) json.WriteString(tracker.Name, tracker.Selector);
                json.WriteEndObject();
            });

    private static SeriesTracker? Tracker(string name, string selector, YamlNode at, LimitReader reader)
    {
        try
        {
            return new SeriesTracker(name, selector, PromQlLanguage.ParseSelector(selector));
        }
        catch (QueryException wrong)
        {
            return reader.Fail<SeriesTracker?>(at, $"selector {selector}: {wrong.Message}", null);
        }
    }

    public static LimitSetting LogStreamRetention { get; } = new(
        "retention_stream", "list of `{selector, priority, period}`: streams kept for another time, see below",
        (l, n, r) => l with { LogStreamRetention = [.. r.Items(n, "selector", "priority", "period").Select(i => StreamRetention(i, n, r)).OfType<LogStreamRetention>()] },
        (l, json) => Write(json, l.LogStreamRetention, rule =>
        {
            json.WriteString("selector"u8, rule.Selector);
            json.WriteNumber("priority"u8, rule.Priority);
            json.WriteString("period"u8, PromDuration.Format(rule.Period));
        }));

    private static LogStreamRetention? StreamRetention(Dictionary<string, YamlNode> item, YamlNode at, LimitReader reader)
    {
        if (!item.TryGetValue("selector", out var selector) || !item.TryGetValue("period", out var period))
            return reader.Fail<LogStreamRetention?>(at, "streams kept for another time need selector and period", null);
        string text = reader.Text(selector);
        int priority = 0;
        if (item.TryGetValue("priority", out var ranked) && !int.TryParse(reader.Text(ranked), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out priority))
            return reader.Fail<LogStreamRetention?>(ranked, "the priority is a whole number", null);
        var kept = reader.Duration(period);
        if (kept < TimeSpan.FromHours(24)) return reader.Fail<LogStreamRetention?>(period, "the period must be at least 24h", null);
        try
        {
            return new LogStreamRetention(text, LogQl.Selector(text), priority, kept);
        }
        catch (QueryException wrong)
        {
            return reader.Fail<LogStreamRetention?>(selector, $"selector {text}: {wrong.Message}", null);
        }
    }

    private static SeriesRetention? Retention(Dictionary<string, YamlNode> item, YamlNode at, LimitReader reader)
    {
        if (!item.TryGetValue("selector", out var selector) || !item.TryGetValue("period", out var period))
            return reader.Fail<SeriesRetention?>(at, "series kept for shorter need selector and period", null);
        string text = reader.Text(selector);
        var kept = reader.Duration(period);
        if (kept <= TimeSpan.Zero) return reader.Fail<SeriesRetention?>(period, "the period must be longer than 0", null);
        try
        {
            return new SeriesRetention(text, PromQlLanguage.ParseSelector(text), kept);
        }
        catch (QueryException wrong)
        {
            return reader.Fail<SeriesRetention?>(selector, $"selector {text}: {wrong.Message}", null);
        }
    }

    private static QueryRule? Blocked(Dictionary<string, YamlNode> item, YamlNode at, LimitReader reader)
    {
        string pattern = item.TryGetValue("pattern", out var node) ? reader.Text(node) : reader.Fail(at, "a blocked query needs a pattern", "");
        bool regex = item.TryGetValue("regex", out var isRegex) && reader.Choice(isRegex, ("true", true), ("false", false));
        if (regex && !LinearRegex.TryCreate(pattern, anchored: true, dotMatchesNewline: true, out _, out string? error))
            return reader.Fail<QueryRule?>(node ?? at, $"pattern: {error}", null);
        return new QueryRule(pattern, regex, item.TryGetValue("reason", out var reason) ? reader.Text(reason) : "", TimeSpan.Zero);
    }

    private static QueryRule? Limited(Dictionary<string, YamlNode> item, YamlNode at, LimitReader reader)
    {
        if (!item.TryGetValue("query", out var query) || !item.TryGetValue("allowed_frequency", out var every))
            return reader.Fail<QueryRule?>(at, "a limited query needs query and allowed_frequency", null);
        return new QueryRule(reader.Text(query), false, "", reader.Duration(every));
    }

    private static RequestRule Request(Dictionary<string, YamlNode> item, LimitReader reader)
    {
        var parameters = new Dictionary<string, string>(StringComparer.Ordinal);
        if (item.TryGetValue("query_params", out var node))
        {
            if (node.Kind != YamlKind.Mapping) reader.Fail(node, "query_params must be a mapping", 0);
            else
            {
                foreach (var (name, value) in node.Pairs) parameters[reader.Text(name)] = reader.Text(value);
            }
        }
        return new RequestRule(
            item.TryGetValue("path", out var path) ? reader.Text(path) : "",
            item.TryGetValue("method", out var method) ? reader.Text(method) : "",
            parameters);
    }

    internal static void Write<T>(Utf8JsonWriter json, IReadOnlyList<T> items, Action<T> write)
    {
        json.WriteStartArray();
        foreach (var item in items)
        {
            json.WriteStartObject();
            write(item);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}
