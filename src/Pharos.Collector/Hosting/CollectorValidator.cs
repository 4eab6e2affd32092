using Pharos.Collector.Components;
using Pharos.Collector.Evaluation;
using Pharos.Collector.Runtime;
using Pharos.Collector.Syntax;
using Pharos.Core;

namespace Pharos.Collector.Hosting;

/// <summary>Checks configurations without running them. Touches no file and no network.</summary>
public static class CollectorValidator
{
    // Constants of another machine may be anything; only their types matter here.
    private static readonly StandardLibrary Library = new(new HostFacts { Hostname = "host", Environment = _ => "" });

    /// <summary>Findings about a whole configuration; errors make it unusable.</summary>
    public static IReadOnlyList<SyntaxDiagnostic> Validate(IReadOnlyList<SourceText> sources, Stability minimum = Stability.GenerallyAvailable) =>
        StaticValidator.Validate(sources, AllComponents.Registry, Library, minimum);

    /// <summary>
    /// Findings about the contents of a fleet pipeline: the body of a module that has the arguments
    /// <c>attributes</c> and <c>pipeline_exports</c>.
    /// </summary>
    public static IReadOnlyList<SyntaxDiagnostic> ValidatePipeline(SourceText contents, Stability minimum = Stability.GenerallyAvailable)
    {
        var parsed = Parser.ParseFile(contents);
        if (parsed.HasErrors) return parsed.Findings;
        var given = Parser.ParseFile(new SourceText("", "argument \"attributes\" {\n\toptional = true\n}\n\nargument \"pipeline_exports\" {\n\toptional = true\n}\n"));
        return StaticValidator.Validate([.. given.Tree.Body, .. parsed.Tree.Body], AllComponents.Registry, Library, minimum, BodyKind.Declare);
    }

    /// <summary>The standard layout; null, with findings, where the text does not parse.</summary>
    public static string? Format(SourceText source, out IReadOnlyList<Diagnostic> findings)
    {
        string? formatted = Formatter.Format(source, out var found);
        findings = [.. found.Select(f => f.ToDiagnostic())];
        return formatted;
    }
}
