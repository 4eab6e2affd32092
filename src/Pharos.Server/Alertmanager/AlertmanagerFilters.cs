using Microsoft.AspNetCore.Http;
using Pharos.Alerting;
using Pharos.Core;

namespace Pharos.Server.Alertmanager;

/// <summary>The query parameters of API v2's listings.</summary>
internal sealed class AlertmanagerFilters
{
    private AlertmanagerFilters(List<Matcher> matchers, LinearRegex? receiver, List<Matcher> receiverMatchers)
    {
        Matchers = matchers;
        Receiver = receiver;
        ReceiverMatchers = receiverMatchers;
    }

    public List<Matcher> Matchers { get; }
    public LinearRegex? Receiver { get; }
    public List<Matcher> ReceiverMatchers { get; }

    /// <exception cref="FormatException">A matcher or expression does not parse.</exception>
    public static AlertmanagerFilters Read(IQueryCollection query)
    {
        var matchers = Parse(query["filter"]);
        LinearRegex? receiver = null;
        string? pattern = query["receiver"].FirstOrDefault();
        if (!string.IsNullOrEmpty(pattern) && !LinearRegex.TryCreate(pattern, anchored: true, dotMatchesNewline: false, out receiver, out string? error))
            throw new FormatException($"failed to parse receiver param: {error}");
        return new AlertmanagerFilters(matchers, receiver, Parse(query["receiver_matchers"]));
    }

    /// <summary>True where absent; any text but true's forms is false.</summary>
    public static bool Flag(IQueryCollection query, string name)
    {
        string? text = query[name].LastOrDefault();
        return string.IsNullOrEmpty(text) || text.ToLowerInvariant() is "true" or "1" or "yes" or "ok" or "y" or "on" or "selected" or "checked" or "t" or "enabled";
    }

    public bool Matches(Labels labels) => Matches(Matchers, name => labels.TryGetValue(name, out string? value) ? value : null);

    /// <summary>A silence's own matchers stand for labels.</summary>
    public bool Matches(Silence silence) => Matches(Matchers, name => silence.Matchers.LastOrDefault(m => m.Name == name)?.Value);

    /// <summary>Whether one of an alert's receivers is among those asked for.</summary>
    public bool MatchesReceivers(IReadOnlyList<string> names, AlertmanagerConfig config)
    {
        if (Receiver is null && ReceiverMatchers.Count == 0) return true;
        return names.Any(n => (Receiver is null || Receiver.IsMatch(n)) && MatchesReceiver(config.Receivers.FirstOrDefault(r => r.Name == n)));
    }

    public bool MatchesReceiver(ReceiverConfig? receiver) =>
        ReceiverMatchers.Count == 0 || (receiver is not null && Matches(ReceiverMatchers, name => receiver.Labels.GetValueOrDefault(name)));

    private static List<Matcher> Parse(IEnumerable<string?> texts)
    {
        var matchers = new List<Matcher>();
        foreach (string? text in texts)
        {
            if (text is not null) matchers.AddRange(MatcherText.ParseAll(text));
        }
        return matchers;
    }

    /// <summary>Alertmanager's own rule: an absent label fits only negative matchers and those for the empty value.</summary>
    private static bool Matches(List<Matcher> matchers, Func<string, string?> label)
    {
        foreach (var matcher in matchers)
        {
            string? value = label(matcher.Name);
            bool negative = matcher.Op is MatchOp.NotEqual or MatchOp.NotRegex;
            if (negative ? !matcher.Matches(value ?? "") : value is null ? matcher.Value.Length > 0 : !matcher.Matches(value)) return false;
        }
        return true;
    }
}
