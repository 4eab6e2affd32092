using Pharos.Core;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL.Execution;

/// <summary>
/// Warnings and infos of one evaluation, each text once with its last place in the query, in the order in which they came.
/// Safe for several threads.
/// </summary>
internal sealed class Annotations(string query)
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, int> places = new(StringComparer.Ordinal);
    private readonly List<string> warnings = [];
    private readonly List<string> infos = [];

    public void Warn(Expr at, string text) => Add(warnings, at, $"PromQL warning: {text}");

    public void Info(Expr at, string text) => Add(infos, at, $"PromQL info: {text}");

    public IReadOnlyList<string> Warnings => [.. warnings.Select(Placed)];

    public IReadOnlyList<string> Infos => [.. infos.Select(Placed)];

    /// <summary><c> for metric name "x"</c>, or nothing where the name is not known.</summary>
    public static string ForMetric(Labels labels)
    {
        string name = labels.Name;
        return name.Length == 0 ? "" : $" for metric name {GoString.Quote(name)}";
    }

    private void Add(List<string> list, Expr at, string text)
    {
        lock (gate)
        {
            if (!places.TryGetValue(text, out int before)) list.Add(text);
            places[text] = Math.Max(before, at.Span.Start);
        }
    }

    private string Placed(string text) => $"{text} ({SourcePosition.At(query, places[text])})";
}
