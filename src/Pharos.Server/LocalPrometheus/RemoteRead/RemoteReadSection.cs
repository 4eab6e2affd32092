using Pharos.Yaml;

namespace Pharos.Server.LocalPrometheus;

/// <summary>Reads <c>remote_read</c>.</summary>
internal static class RemoteReadSection
{
    public static IReadOnlyList<RemoteReadTarget> Read(YamlSection root, string folder)
    {
        var targets = new List<RemoteReadTarget>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var section in root.Sections("remote_read"))
        {
            if (string.IsNullOrEmpty(section.TextOrNull("url"))) section.ErrorHere("url for remote_read is empty");
            var url = HttpClientReader.Url(section, "url");
            string name = section.Text("name", "");
            if (name.Length > 0 && !names.Add(name)) section.Error("name", $"found multiple remote read configs with job name \"{name}\"");
            var headers = section.TextMap("headers");
            HttpClientReader.CheckHeaders(section, headers.Keys, "authorization header must be changed via the basic_auth, authorization or oauth2 parameter");
            var timeout = section.Duration("remote_timeout", TimeSpan.FromMinutes(1));
            if (timeout <= TimeSpan.Zero) section.Error("remote_timeout", "remote_timeout must be greater than 0");
            bool recent = section.Bool("read_recent", false), filter = section.Bool("filter_external_labels", true);
            var required = section.TextMap("required_matchers");
            var http = HttpClientReader.Read(section, folder);
            section.Done();
            if (url is null) continue;
            targets.Add(new RemoteReadTarget
            {
                Url = url,
                Name = name.Length > 0 ? name : url.Host,
                RemoteTimeout = timeout,
                ReadRecent = recent,
                RequiredMatchers = required,
                FilterExternalLabels = filter,
                Headers = headers,
                Http = http,
            });
        }
        return targets;
    }
}
