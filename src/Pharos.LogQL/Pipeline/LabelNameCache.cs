using System.Text;
using Pharos.Core;

namespace Pharos.LogQL.Pipeline;

/// <summary>Turns field names of lines into label names, remembering them so that a name is made once.</summary>
internal sealed class LabelNameCache
{
    private const int RememberedMax = 4096;

    private readonly Dictionary<byte[], string> names = new(ByteKeys.Instance);

    /// <summary>The label name for a field: trimmed, other characters become <c>_</c>, a leading digit gets <c>_</c> in front. May be empty.</summary>
    public string Of(ReadOnlySpan<byte> field)
    {
        var lookup = names.GetAlternateLookup<ReadOnlySpan<byte>>();
        if (lookup.TryGetValue(field, out string? known)) return known;
        if (names.Count >= RememberedMax) names.Clear();
        return names[field.ToArray()] = LabelNames.FromField(Encoding.UTF8.GetString(field), leading: true);
    }
}
