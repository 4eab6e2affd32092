using System.Text;
using Pharos.Core;
using Pharos.Wire.Exposition;

namespace Pharos.Collector.NodeExporter;

/// <summary>Writes families one after the other: first the family, then its samples.</summary>
internal sealed class NodeOutput(ExpositionText text)
{
    private readonly LabelsBuilder labels = new();
    private string family = "";

    public void Family(string name, MetricType type, string help)
    {
        family = name;
        byte[] nameUtf8 = Encoding.UTF8.GetBytes(name);
        text.Help(nameUtf8, Encoding.UTF8.GetBytes(help));
        text.Type(nameUtf8, type);
    }

    public void Sample(double value, params ReadOnlySpan<(string Name, string Value)> pairs)
    {
        labels.Reset().Set(Labels.MetricName, family);
        foreach (var (name, labelValue) in pairs) labels.Set(name, labelValue);
        text.Sample(labels.ToLabels().Encoded, value);
    }

    /// <summary>A family of one sample without labels.</summary>
    public void Single(string name, MetricType type, string help, double value)
    {
        Family(name, type, help);
        Sample(value);
    }

    public void End() => text.End();
}
