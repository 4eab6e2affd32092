using Pharos.Core;
using Pharos.Yaml;

namespace Pharos.Alerting;

/// <summary>A secret: its value, or the file that holds it, read anew at each use.</summary>
internal sealed record SecretSource(string? Value, string? File)
{
    /// <exception cref="IOException">The file cannot be read.</exception>
    public async ValueTask<string> ReadAsync(CancellationToken cancel) =>
        Value ?? (await System.IO.File.ReadAllTextAsync(File!, cancel)).Trim();
}

internal static class ConfigFields
{
    /// <summary>Reads <c>key</c> and <c>key_file</c>, of which at most one may be there.</summary>
    public static SecretSource? Secret(this YamlSection section, string key)
    {
        string? value = section.SecretOrNull(key);
        string? file = section.FileOrNull(key + "_file");
        if (!string.IsNullOrEmpty(value) && !string.IsNullOrEmpty(file))
            section.Error(key, $"at most one of {key} & {key}_file must be configured");
        if (!string.IsNullOrEmpty(value)) return new SecretSource(value, null);
        return string.IsNullOrEmpty(file) ? null : new SecretSource(null, file);
    }

    /// <summary>A path to a file of this machine; refused where the configuration comes from a tenant.</summary>
    public static string? FileOrNull(this YamlSection section, string key)
    {
        string? path = section.TextOrNull(key);
        if (!string.IsNullOrEmpty(path) && !section.Reading.FilesAllowed)
            section.Error(key, $"{key}: files cannot be used in a tenant's configuration", "write the value itself");
        return path;
    }

    /// <summary>An http or https address; a text with template actions is checked when it is rendered.</summary>
    public static string? UrlOrNull(this YamlSection section, string key, bool secret = false, bool template = false)
    {
        string? url = secret ? section.SecretOrNull(key) : section.TextOrNull(key);
        if (!string.IsNullOrEmpty(url)) CheckUrl(section, key, url, secret, template);
        return string.IsNullOrEmpty(url) ? null : url;
    }

    /// <summary>An address or the file that holds it.</summary>
    public static SecretSource? SecretUrl(this YamlSection section, string key, bool template = false)
    {
        var source = section.Secret(key);
        if (source?.Value is { } url) CheckUrl(section, key, url, secret: true, template);
        return source;
    }

    public static HttpClientOptions Http(this YamlSection section, GlobalConfig global)
    {
        var own = section.Section("http_config");
        return own is null ? global.Http : HttpClientOptions.Read(own);
    }

    private static void CheckUrl(YamlSection section, string key, string url, bool secret, bool template)
    {
        if (template && url.Contains("{{", StringComparison.Ordinal)) return;
        // A configuration printed by the status API can be read again.
        if (url == "<secret>") return;
        string shown = secret ? "" : $" {GoString.Quote(url)}";
        if (!Uri.TryCreate(url, UriKind.Absolute, out var parsed)) section.Error(key, $"{key} is not a URL:{shown}");
        else if (parsed.Scheme is not ("http" or "https")) section.Error(key, $"unsupported scheme \"{parsed.Scheme}\" in {key}", "use http or https");
        else if (parsed.Host.Length == 0) section.Error(key, $"missing host in {key}");
    }
}
