using Pharos.Core;

namespace Pharos.Collector.Syntax;

/// <summary>The standard layout of the configuration language. Formatting what it gives changes nothing.</summary>
public static class Formatter
{
    /// <summary>Null, with findings, where the text does not parse.</summary>
    public static string? Format(SourceText source, out IReadOnlyList<SyntaxDiagnostic> findings)
    {
        var parsed = Parser.ParseFile(source);
        findings = parsed.Findings;
        return parsed.HasErrors ? null : new TreePrinter(parsed.Tree).Print();
    }
}
