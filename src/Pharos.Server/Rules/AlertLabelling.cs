using Pharos.Collector.Relabeling;
using Pharos.Core;

namespace Pharos.Server.Rules;

/// <summary>What becomes of an alert's labels before it is sent.</summary>
internal static class AlertLabelling
{
    /// <summary>The alert with external labels where it has no such label, and relabelled; null: the rules drop it.</summary>
    public static Alert? Of(Alert alert, Labels external, IReadOnlyList<RelabelRule> rules)
    {
        if (external.IsEmpty && rules.Count == 0) return alert;
        var builder = new LabelsBuilder(alert.Labels);
        foreach (var (name, value) in external)
        {
            if (builder.Get(name).Length == 0) builder.Set(name, value);
        }
        return RelabelRule.Apply(rules, builder.ToLabels()) is { IsEmpty: false } labels ? alert with { Labels = labels } : null;
    }
}
