using Pharos.Core;

namespace Pharos.LogQL.Pipeline;

/// <summary>Takes the labels that a query needs from the fields that the store found in a line, instead of parsing it. Belongs to one thread.</summary>
internal sealed class KnownFields
{
    private readonly LogFieldFormat format;
    private readonly string[]? wanted;
    private readonly List<(string Name, LogFieldColumn Values)> columns = [];
    private LogFields? block;

    public KnownFields(NeededLabels needed, LogFieldFormat format)
    {
        this.format = format;
        // A label may be wanted by the name that it gets where the stream has its own name already.
        wanted = needed.Names is null
            ? null
            : [.. needed.Names.Concat(needed.Names.Where(n => n.EndsWith(LabelState.ExtractedSuffix, StringComparison.Ordinal)).Select(n => n[..^LabelState.ExtractedSuffix.Length])).Distinct()];
    }

    /// <summary>False: the line must be parsed.</summary>
    public bool TryExtract(ref LogLine line)
    {
        if (line.Fields is not { } fields || fields.FormatOf(line.FieldRow) != format) return false;
        if (!ReferenceEquals(fields, block))
        {
            columns.Clear();
            foreach (string name in wanted ?? fields.Names)
            {
                if (fields.Column(name) is { } values) columns.Add((name, values));
            }
            block = fields;
        }
        foreach (var (name, values) in columns)
        {
            if (values.Has(line.FieldRow)) line.Labels.Extract(name, values, line.FieldRow);
        }
        return true;
    }
}
