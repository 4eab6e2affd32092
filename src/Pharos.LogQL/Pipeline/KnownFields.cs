using Pharos.Core;

namespace Pharos.LogQL.Pipeline;

/// <summary>Takes the labels that a query needs from the fields that the store found in a line, instead of parsing it. Belongs to one thread.</summary>
internal sealed class KnownFields
{
    private readonly LogFieldFormat format;
    private readonly string[]? names;
    private readonly LogFieldColumn?[] columns;
    private LogFields? block;

    /// <param name="needed">Where all labels are needed, lines are always parsed.</param>
    public KnownFields(NeededLabels needed, LogFieldFormat format)
    {
        this.format = format;
        // A label may be wanted by the name that it gets where the stream has its own name already.
        names = needed.Names is null
            ? null
            : [.. needed.Names.Concat(needed.Names.Where(n => n.EndsWith(LabelState.ExtractedSuffix, StringComparison.Ordinal)).Select(n => n[..^LabelState.ExtractedSuffix.Length])).Distinct()];
        columns = new LogFieldColumn?[names?.Length ?? 0];
    }

    /// <summary>False: the line must be parsed.</summary>
    public bool TryExtract(ref LogLine line)
    {
        if (names is null || line.Fields is not { } fields || fields.FormatOf(line.FieldRow) != format) return false;
        if (!ReferenceEquals(fields, block))
        {
            for (int i = 0; i < names.Length; i++) columns[i] = fields.Column(names[i]);
            block = fields;
        }
        for (int i = 0; i < names.Length; i++)
        {
            if (columns[i] is { } column && column.Has(line.FieldRow)) line.Labels.Extract(names[i], column, line.FieldRow);
        }
        return true;
    }
}
