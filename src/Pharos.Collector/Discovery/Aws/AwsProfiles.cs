namespace Pharos.Collector.Discovery;

/// <summary>The shared files of AWS's tools: sections of <c>key = value</c>.</summary>
internal static class AwsProfiles
{
    /// <summary>The settings of a profile in both files; those of the credentials file win.</summary>
    /// <param name="home">The folder above <c>.aws</c>.</param>
    public static IReadOnlyDictionary<string, string> Read(string profile, string home, Func<string, string?> environment)
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal);
        string config = environment("AWS_CONFIG_FILE") ?? Path.Combine(home, ".aws", "config");
        string credentials = environment("AWS_SHARED_CREDENTIALS_FILE") ?? Path.Combine(home, ".aws", "credentials");
        foreach (var (file, section) in new[] { (config, profile == "default" ? "default" : "profile " + profile), (credentials, profile) })
        {
            if (!File.Exists(file)) continue;
            string current = "";
            foreach (string line in File.ReadLines(file).Select(l => l.Trim()))
            {
                if (line.StartsWith('[') && line.EndsWith(']')) current = line[1..^1].Trim();
                else if (current == section && line.Length > 0 && line[0] is not ('#' or ';') && line.IndexOf('=', StringComparison.Ordinal) is > 0 and var equals)
                    settings[line[..equals].Trim()] = line[(equals + 1)..].Trim();
            }
        }
        return settings;
    }
}
