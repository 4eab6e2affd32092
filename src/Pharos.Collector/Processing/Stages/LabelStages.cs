using Pharos.Core;

namespace Pharos.Collector.Processing.Stages;

/// <summary>Labels and structured metadata from what was extracted.</summary>
internal static class LabelStages
{
    public static bool SetLabels(LabelsStage options, LogEntry entry)
    {
        foreach (var (name, source) in options.Values)
        {
            string from = source.Length > 0 ? source : name;
            if (options.SourceType == "structured_metadata")
            {
                string value = entry.Metadata.Get(from);
                if (value.Length > 0) entry.Labels.Set(name, value);
            }
            else if (entry.Extracted.TryGetValue(from, out object? value) && LogEntry.Text(value) is { } text)
            {
                entry.Labels.Set(name, text);
            }
        }
        return true;
    }

    public static bool SetMetadata(StructuredMetadataStage options, LinearRegex? wanted, LogEntry entry)
    {
        foreach (var (name, source) in options.Values) Move(name, source.Length > 0 ? source : name, entry);
        if (wanted is null) return true;
        foreach (string name in entry.Extracted.Keys.Concat(entry.Labels.Pairs.Select(p => p.Name)).ToHashSet())
        {
            if (wanted.IsMatch(name)) Move(name, name, entry);
        }
        return true;
    }

    /// <summary>A label is moved out of the label set; an extracted value is copied.</summary>
    private static void Move(string name, string source, LogEntry entry)
    {
        string label = entry.Labels.Get(source);
        if (label.Length > 0)
        {
            entry.Metadata.Set(name, label);
            entry.Labels.Remove(source);
        }
        else if (entry.Extracted.TryGetValue(source, out object? value) && LogEntry.Text(value) is { } text)
        {
            entry.Metadata.Set(name, text);
        }
    }
}
