namespace Pharos.Collector.Discovery;

/// <summary>What many discoveries read in the same way.</summary>
internal static class SectionReading
{
    public static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    public static int Port(this IDiscoverySection section, int otherwise = 80) => section.Number("port", otherwise);

    public static TimeSpan Refresh(this IDiscoverySection section, int seconds = 60) => section.Duration("refresh_interval", TimeSpan.FromSeconds(seconds));

    /// <summary>An absolute http or https URL that must be there; null after an error.</summary>
    public static Uri? Url(this IDiscoverySection section, string key)
    {
        string text = section.Text(key);
        if (text.Length == 0)
        {
            section.Error("URL is missing");
            return null;
        }
        // What stands after the scheme may be empty, which is no URL for Uri but has an error of its own.
        string scheme = text.Contains("://", StringComparison.Ordinal) ? text[..text.IndexOf("://", StringComparison.Ordinal)] : "";
        if (scheme is not ("http" or "https"))
        {
            section.Error(key, "URL scheme must be 'http' or 'https'");
            return null;
        }
        if (Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Host.Length > 0) return url;
        section.Error(key, "host is missing in URL");
        return null;
    }

    /// <summary>One of the texts; an error otherwise.</summary>
    public static string OneOf(this IDiscoverySection section, string key, string otherwise, string message, params ReadOnlySpan<string> allowed)
    {
        string text = section.Text(key, otherwise);
        if (!allowed.Contains(text)) section.Error(key, message, $"write one of {string.Join(", ", allowed.ToArray())}");
        return text;
    }

    /// <summary>A text that must be there.</summary>
    public static string Must(this IDiscoverySection section, string key, string message)
    {
        string text = section.Text(key);
        if (text.Length == 0) section.Error(key, message);
        return text;
    }

    /// <summary>Lists of values by name: <c>- name: x, values: [a, b]</c>.</summary>
    public static IReadOnlyDictionary<string, IReadOnlyList<string>> Filters(this IDiscoverySection section, string? emptyMessage = null)
    {
        var filters = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        foreach (var filter in section.Sections("filters", "filter"))
        {
            string name = filter.Text("name");
            var values = filter.Texts("values");
            if (emptyMessage is not null && values.Count == 0) filter.Error(emptyMessage);
            filters[name] = [.. filters.GetValueOrDefault(name, []), .. values];
        }
        return filters;
    }
}
