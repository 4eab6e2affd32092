using Pharos.Collector.Evaluation;
using Pharos.Collector.Syntax;

namespace Pharos.Collector.Hosting;

/// <summary>What a collector gets from its surroundings. With another clock and other handlers it runs in simulated time.</summary>
public sealed record CollectorOptions
{
    /// <summary>Gives the configuration at each load. See <see cref="ConfigurationFiles"/>.</summary>
    public required Func<IReadOnlyList<SourceText>> Configuration { get; init; }

    /// <summary>Where relative paths of the configuration start that name modules; empty for none.</summary>
    public string ConfigurationFolder { get; init; } = "";

    /// <summary>The collector's own folder: positions, write logs, the last remote configuration.</summary>
    public required string StoragePath { get; init; }

    public required TimeProvider Time { get; init; }

    public required CollectorLog Log { get; init; }

    /// <summary>Makes handlers for everything but scrapes inside the process.</summary>
    public required HttpHandlerFactory Http { get; init; }

    public HostFacts Facts { get; init; } = HostFacts.OfThisMachine();

    /// <summary>The kinds of components; tests bring their own.</summary>
    internal Runtime.ComponentRegistry Registry { get; init; } = Components.AllComponents.Registry;

    /// <summary>Parts of the language below this level are refused.</summary>
    public Stability MinimumStability { get; init; } = Stability.GenerallyAvailable;
}

/// <summary>Reads configurations.</summary>
public static class ConfigurationFiles
{
    /// <summary>A file, or all <c>*.alloy</c> files of a folder as one configuration, sorted by name, not those below it.</summary>
    /// <exception cref="IOException">There is no such file or folder, or it cannot be read.</exception>
    public static IReadOnlyList<SourceText> Read(string path)
    {
        if (!Directory.Exists(path)) return [SourceText.FromUtf8(path, File.ReadAllBytes(path))];
        var files = Directory.GetFiles(path, "*.alloy").Order(StringComparer.Ordinal).ToList();
        if (files.Count == 0) throw new FileNotFoundException($"no *.alloy file in folder {path}");
        return [.. files.Select(f => SourceText.FromUtf8(f, File.ReadAllBytes(f)))];
    }
}
