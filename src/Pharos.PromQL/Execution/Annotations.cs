using Pharos.Core;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL.Execution;

/// <summary>Warnings and infos of one evaluation, each text once. Safe for several threads.</summary>
internal sealed class Annotations
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, Finding> found = new(StringComparer.Ordinal);

    public IReadOnlyList<Finding> Findings => [.. found.Values];

    /// <param name="steps">The first and the last step of the query at which it arises, <see cref="TimeRange.All"/> for every step; null where that is not known.</param>
    public void Warn(Expr at, string text, TimeRange? steps = null) => Add(new Finding(true, $"PromQL warning: {text}", at.Span.Start, steps));

    /// <inheritdoc cref="Warn"/>
    public void Info(Expr at, string text, TimeRange? steps = null) => Add(new Finding(false, $"PromQL info: {text}", at.Span.Start, steps));

    /// <summary><c> for metric name "x"</c>, or nothing where the name is not known.</summary>
    public static string ForMetric(Labels labels)
    {
        string name = labels.Name;
        return name.Length == 0 ? "" : $" for metric name {GoString.Quote(name)}";
    }

    private void Add(Finding finding)
    {
        lock (gate) found[finding.Text] = found.TryGetValue(finding.Text, out var before) ? before.With(finding) : finding;
    }
}
