using Pharos.Core;
using System.Runtime.InteropServices;

namespace Pharos.Collector.Evaluation;

/// <summary>How settled a part of the language is. A collector refuses what is below its own level.</summary>
public enum Stability
{
    Experimental,
    PublicPreview,
    GenerallyAvailable,
}

internal static class Stabilities
{
    public static string Name(this Stability stability) => stability switch
    {
        Stability.Experimental => "experimental",
        Stability.PublicPreview => "public-preview",
        _ => "generally-available",
    };

    public static bool TryParse(string text, out Stability stability)
    {
        (bool known, stability) = text switch
        {
            "experimental" => (true, Stability.Experimental),
            "public-preview" => (true, Stability.PublicPreview),
            "generally-available" => (true, Stability.GenerallyAvailable),
            _ => (false, Stability.GenerallyAvailable),
        };
        return known;
    }
}

/// <summary>What <c>constants</c> and <c>sys.env</c> tell of the machine.</summary>
public sealed record HostFacts
{
    public required string Hostname { get; init; }

    /// <summary>As Go names it: linux, windows, darwin.</summary>
    public string Os { get; init; } = OperatingSystem.IsWindows() ? "windows" : OperatingSystem.IsMacOS() ? "darwin" : "linux";

    /// <summary>As Go names it: amd64, arm64.</summary>
    public string Architecture { get; init; } = RuntimeInformation.ProcessArchitecture switch
    {
        System.Runtime.InteropServices.Architecture.X64 => "amd64",
        System.Runtime.InteropServices.Architecture.X86 => "386",
        var other => other.ToString().ToLowerInvariant(),
    };

    public string Version { get; init; } = "v0.1.0";

    /// <summary>An environment variable; null where it is not set.</summary>
    public Func<string, string?> Environment { get; init; } = System.Environment.GetEnvironmentVariable;

    /// <summary>This machine.</summary>
    public static HostFacts OfThisMachine() => new() { Hostname = System.Environment.MachineName };
}

/// <summary>A call that cannot be answered.</summary>
/// <param name="argument">Index of the argument that is wrong; -1 for the call as a whole.</param>
internal sealed class FunctionException(int argument, string message) : Exception(message)
{
    public int Argument { get; } = argument;
}

/// <param name="Name">Whole dotted name.</param>
/// <param name="Successor">What to use instead, for a deprecated name; null otherwise.</param>
internal sealed record StandardFunction(string Name, Func<HostFacts, Value[], Value> Invoke, Stability Stability, string? Successor = null);

/// <summary>Functions and constants that every expression may use.</summary>
internal sealed class StandardLibrary(HostFacts facts)
{
    private static readonly Dictionary<string, StandardFunction> ByName = StandardFunctions.All.ToDictionary(f => f.Name, StringComparer.Ordinal);

    private static readonly HashSet<string> Namespaces =
        ["constants", .. StandardFunctions.All.Where(f => f.Name.Contains('.', StringComparison.Ordinal)).Select(f => f.Name[..f.Name.IndexOf('.', StringComparison.Ordinal)])];

    private readonly ObjectValue constants = new(
    [
        KeyValuePair.Create("hostname", Value.Of(facts.Hostname)),
        KeyValuePair.Create("os", Value.Of(facts.Os)),
        KeyValuePair.Create("arch", Value.Of(facts.Architecture)),
        KeyValuePair.Create("version", Value.Of(facts.Version)),
    ]);

    public HostFacts Facts => facts;

    /// <summary>The first part of names of the library; not a function itself.</summary>
    public static bool IsNamespace(string name) => Namespaces.Contains(name);

    /// <summary>True where the path starts with a name of the library.</summary>
    public static bool Holds(IReadOnlyList<string> path) => Namespaces.Contains(path[0]) || ByName.ContainsKey(path[0]);

    /// <summary>The function that a path names in whole or at its start; null for none.</summary>
    public static StandardFunction? Find(IReadOnlyList<string> path) =>
        ByName.GetValueOrDefault(path[0]) ?? (path.Count > 1 ? ByName.GetValueOrDefault($"{path[0]}.{path[1]}") : null);

    public bool TryResolve(IReadOnlyList<string> path, out Value value, out int used)
    {
        used = 1;
        value = NullValue.Instance;
        if (path[0] == "constants")
        {
            value = constants;
            return true;
        }
        if (ByName.TryGetValue(path[0], out var function))
        {
            value = new FunctionValue(function);
            return true;
        }
        if (path.Count > 1 && ByName.TryGetValue($"{path[0]}.{path[1]}", out function))
        {
            used = 2;
            value = new FunctionValue(function);
            return true;
        }
        return false;
    }

    public static string? Nearest(string name) => NearestName.Of(name, ByName.Keys);
}
