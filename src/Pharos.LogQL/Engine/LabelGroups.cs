using System.Text;
using Pharos.Core;
using Pharos.LogQL.Syntax;

namespace Pharos.LogQL.Engine;

/// <summary>What stays of label sets under a grouping; without one, nothing. Not safe for several threads.</summary>
internal sealed class LabelGroups(Grouping? grouping)
{
    private readonly byte[][] names = [.. (grouping?.Labels ?? []).Select(Encoding.UTF8.GetBytes)];
    private readonly Dictionary<byte[], Labels> known = new(ByteKeys.Instance);
    private byte[] buffer = new byte[256];

    /// <summary>The same instance for all sets of which the same stays.</summary>
    public Labels Of(Labels labels)
    {
        if (grouping is null) return Labels.Empty;
        var encoded = labels.Encoded;
        if (buffer.Length < encoded.Length) buffer = new byte[2 * encoded.Length];
        int length = LabelCodec.CopyNamed(encoded, names, grouping.Without, buffer);
        var left = buffer.AsSpan(0, length);
        if (known.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(left, out var group)) return group;
        byte[] own = left.ToArray();
        return known[own] = Labels.FromEncoded(own);
    }
}
