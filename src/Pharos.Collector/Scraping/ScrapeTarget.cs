using System.Text;
using Pharos.Collector.Relabeling;
using Pharos.Core;

namespace Pharos.Collector.Scraping;

/// <summary>One address to scrape, with the labels its samples get.</summary>
internal sealed class ScrapeTarget
{
    private ScrapeTarget(Labels discovered, Labels labels, Uri url, TimeSpan interval, TimeSpan timeout)
    {
        Discovered = discovered;
        Labels = labels;
        Url = url;
        Interval = interval;
        Timeout = timeout;
        Key = labels.With("__scrape_url__", url.ToString()).With("__scrape_interval__", $"{interval.TotalMilliseconds}/{timeout.TotalMilliseconds}");
    }

    public Labels Discovered { get; }
    public Labels Labels { get; }
    public Uri Url { get; }
    public TimeSpan Interval { get; }
    public TimeSpan Timeout { get; }

    /// <summary>Two targets with one key are the same target.</summary>
    public Labels Key { get; }

    /// <summary>Sets defaults, relabels, and reads the special labels. Source: prometheus/scrape PopulateLabels.</summary>
    /// <param name="error">Why it is no target, where it was not merely dropped.</param>
    /// <returns>Null where the rules drop it, or it is wrong.</returns>
    public static ScrapeTarget? Create(Labels discovered, ScrapeOptions options, out string? error)
    {
        error = null;
        var builder = new LabelsBuilder(discovered);
        Default(builder, "job", options.JobName);
        Default(builder, "__scrape_interval__", PromDuration.Format(options.Interval));
        Default(builder, "__scrape_timeout__", PromDuration.Format(options.Timeout));
        Default(builder, "__metrics_path__", options.MetricsPath);
        Default(builder, "__scheme__", options.Scheme);
        foreach (var (name, values) in options.Params)
        {
            if (values.Count > 0) builder.Set("__param_" + name, values[0]);
        }
        if (!RelabelRule.Apply(options.RelabelRules, builder)) return null;
        string address = builder.Get("__address__");
        if (address.Length == 0)
        {
            error = "no address";
            return null;
        }
        if (address.Contains('/', StringComparison.Ordinal))
        {
            error = $"\"{address}\" is not a valid hostname";
            return null;
        }
        if (!PromDuration.TryParse(builder.Get("__scrape_interval__"), out var interval, out string? bad) || interval == TimeSpan.Zero)
        {
            error = $"error parsing scrape interval: {bad ?? "it cannot be 0"}";
            return null;
        }
        if (!PromDuration.TryParse(builder.Get("__scrape_timeout__"), out var timeout, out bad) || timeout == TimeSpan.Zero)
        {
            error = $"error parsing scrape timeout: {bad ?? "it cannot be 0"}";
            return null;
        }
        if (timeout > interval)
        {
            error = $"scrape timeout cannot be greater than scrape interval (\"{PromDuration.Format(timeout)}\" > \"{PromDuration.Format(interval)}\")";
            return null;
        }
        if (!Uri.TryCreate(Address(builder, options), UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
        {
            error = $"\"{builder.Get("__scheme__")}://{address}{builder.Get("__metrics_path__")}\" is not a URL that can be scraped";
            return null;
        }
        Default(builder, "instance", address);
        foreach (var (name, _) in builder.Pairs.ToArray())
        {
            if (name.StartsWith("__", StringComparison.Ordinal)) builder.Remove(name);
        }
        return new ScrapeTarget(discovered, builder.ToLabels(), url, interval, timeout);
    }

    private static string Address(LabelsBuilder labels, ScrapeOptions options)
    {
        var text = new StringBuilder(labels.Get("__scheme__")).Append("://").Append(labels.Get("__address__"));
        string path = labels.Get("__metrics_path__");
        if (!path.StartsWith('/')) text.Append('/');
        text.Append(path);
        char mark = path.Contains('?', StringComparison.Ordinal) ? '&' : '?';
        var relabelled = labels.Pairs.Where(p => p.Name.StartsWith("__param_", StringComparison.Ordinal)).ToDictionary(p => p.Name[8..], p => p.Value);
        foreach (string name in options.Params.Keys.Union(relabelled.Keys).Order(StringComparer.Ordinal))
        {
            // The label stands for the first value; it may have been changed or removed.
            var values = options.Params.TryGetValue(name, out var given) ? given.Skip(1) : [];
            if (relabelled.TryGetValue(name, out string? first)) values = values.Prepend(first);
            foreach (string value in values)
            {
                text.Append(mark).Append(Uri.EscapeDataString(name)).Append('=').Append(Uri.EscapeDataString(value));
                mark = '&';
            }
        }
        return text.ToString();
    }

    private static void Default(LabelsBuilder labels, string name, string value)
    {
        if (labels.Get(name).Length == 0) labels.Set(name, value);
    }
}
