using Pharos.Core;
using Pharos.Logs.Fields;

namespace Pharos.Logs.Metadata;

/// <summary>What filters right behind a selector see of a block's entries: the stream's labels, which come first, and structured metadata.</summary>
internal sealed class MetadataFields(BlockMetadata metadata, Labels stream) : LogFields
{
    public override IReadOnlyList<string> Names => [.. stream.ToDictionary().Keys.Union(metadata.Entries.Select(e => e.Name))];

    public override LogFieldFormat FormatOf(int row) => LogFieldFormat.None;

    public override LogFieldColumn? Column(string name)
    {
        if (stream.TryGetValue(name, out string? value)) return new Constant(value);
        return metadata.NumberOf(name) is >= 0 and var number ? metadata.ColumnAt(number) : null;
    }

    public override LogFieldRange? RangeOf(string name) => stream.Has(name) || metadata.NumberOf(name) is not (>= 0 and var number) ? null : metadata.Entries[number].Range;

    public override IEnumerable<string?>? ValuesOf(string name)
    {
        if (stream.TryGetValue(name, out string? value)) return [value];
        if (metadata.NumberOf(name) is not (>= 0 and var number)) return [null];
        return metadata.Entries[number].Kind is ColumnKind.Dictionary or ColumnKind.LargeDictionary ? ((DictionaryColumn)metadata.ColumnAt(number)).Values : null;
    }

    private sealed class Constant(string value) : LogFieldColumn
    {
        public override int Distinct => 1;

        public override int IdOf(int row) => 1;

        public override string TextOfId(int id) => value;

        public override bool Has(int row) => true;

        public override string? TextOf(int row) => value;
    }
}
