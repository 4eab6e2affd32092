using Pharos.Core;

namespace Pharos.Server.Prometheus;

/// <summary>Labels that tell a whole server from others, added where its series go out.</summary>
internal static class ExternalLabels
{
    /// <summary>A label set with the external labels that it has not got.</summary>
    public static Labels AddTo(Labels labels, Labels external)
    {
        if (external.IsEmpty) return labels;
        var builder = new LabelsBuilder(labels);
        foreach (var (name, value) in external)
        {
            if (builder.Get(name).Length == 0) builder.Set(name, value);
        }
        return builder.ToLabels();
    }
}
