namespace Pharos.Metrics.Append;

/// <summary>The label at which labels break a rule, UTF-8 as it was sent, and how many labels were seen up to it.</summary>
internal readonly ref struct LabelBreach(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, int count)
{
    public ReadOnlySpan<byte> Name { get; } = name;
    public ReadOnlySpan<byte> Value { get; } = value;
    public int Count { get; } = count;
}
