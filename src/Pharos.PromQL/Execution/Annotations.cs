using Pharos.Core;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL.Execution;

/// <summary>Warnings and infos of one evaluation, each text once, in the order in which they came. Safe for several threads.</summary>
internal sealed class Annotations(string query)
{
    private readonly Lock gate = new();
    private readonly HashSet<(TextSpan Span, string Text)> seen = [];
    private readonly List<string> warnings = [];
    private readonly List<string> infos = [];

    public void Warn(Expr at, string text) => Add(warnings, at, "warning", text);

    public void Info(Expr at, string text) => Add(infos, at, "info", text);

    public IReadOnlyList<string> Warnings => warnings;

    public IReadOnlyList<string> Infos => infos;

    /// <summary><c> for metric name "x"</c>, or nothing where the name is not known.</summary>
    public static string ForMetric(Labels labels)
    {
        string name = labels.Name;
        return name.Length == 0 ? "" : $" for metric name {GoString.Quote(name)}";
    }

    private void Add(List<string> list, Expr at, string level, string text)
    {
        lock (gate)
        {
            if (!seen.Add((at.Span, text))) return;
            string full = $"PromQL {level}: {text} ({SourcePosition.At(query, at.Span.Start)})";
            if (!list.Contains(full)) list.Add(full);
        }
    }
}
