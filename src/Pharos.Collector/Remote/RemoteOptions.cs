using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Pharos.Collector.Hosting;
using Pharos.Collector.Runtime;

namespace Pharos.Collector.Remote;

/// <summary>The <c>remotecfg</c> block, resolved.</summary>
internal sealed record RemoteOptions
{
    public required Uri Url { get; init; }
    public required string Id { get; init; }
    public required string Name { get; init; }

    /// <summary>With the reserved ones that the collector adds.</summary>
    public required IReadOnlyDictionary<string, string> Attributes { get; init; }
    public required TimeSpan PollFrequency { get; init; }
    public required HttpClientOptions Client { get; init; }

    /// <summary>Where the last good configuration is kept; another block has another file.</summary>
    public required string CacheFile { get; init; }

    /// <summary>What is wrong with the block, beyond its types.</summary>
    public static void Check(Arguments arguments)
    {
        if (arguments.TextOrNull("url") is null) return;
        arguments.Url("url");
        if (arguments.Duration("poll_frequency") < TimeSpan.FromSeconds(10))
            throw arguments.Wrong("poll_frequency", $"poll_frequency must be at least 10s, got {GoDuration.Format(arguments.Duration("poll_frequency"))}");
        foreach (string key in arguments.TextMap("attributes").Keys)
        {
            if (key.StartsWith("collector.", StringComparison.Ordinal))
                throw arguments.Wrong("attributes", $"attribute \"{key}\" starts with collector., which is reserved for the fleet", "choose another name");
        }
        HttpArguments.Read(arguments);
    }

    public static RemoteOptions Read(Arguments arguments, CollectorOptions options)
    {
        var attributes = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in arguments.TextMap("attributes")) attributes[key] = value;
        string folder = Path.Combine(options.StoragePath, "remotecfg");
        string id = arguments.TextOrNull("id") ?? StoredId(options);
        string fingerprint = string.Join('\n', [arguments.Text("url"), id, arguments.Text("name"), .. attributes.Select(a => $"{a.Key}={a.Value}")]);
        attributes["collector.os"] = options.Facts.Os;
        attributes["collector.version"] = options.Facts.Version;
        return new RemoteOptions
        {
            Url = arguments.Url("url"),
            Id = id,
            Name = arguments.Text("name"),
            Attributes = attributes,
            PollFrequency = arguments.Duration("poll_frequency"),
            Client = HttpArguments.Read(arguments),
            CacheFile = Path.Combine(folder, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(fingerprint)))),
        };
    }

    /// <summary>A random id, made once and kept in <c>alloy_seed.json</c>.</summary>
    private static string StoredId(CollectorOptions options)
    {
        string path = Path.Combine(options.StoragePath, "alloy_seed.json");
        if (File.Exists(path))
        {
            try
            {
                using var seed = JsonDocument.Parse(File.ReadAllBytes(path));
                if (seed.RootElement.TryGetProperty("UID", out var stored) && stored.GetString() is { Length: > 0 } known) return known;
            }
            catch (JsonException)
            {
                // An unreadable seed is replaced below.
            }
        }
        string id = Guid.NewGuid().ToString();
        Directory.CreateDirectory(options.StoragePath);
        File.WriteAllText(path, $$"""{"UID":"{{id}}","created_at":"{{options.Time.GetUtcNow().UtcDateTime:O}}"}""");
        return id;
    }
}
