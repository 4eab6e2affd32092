using System.Text;
using Pharos.Core;

namespace Pharos.LogQL.Pipeline;

/// <summary>A stream's labels as strings, and what is remembered of its entries' metadata.</summary>
internal sealed class StreamInfo
{
    private const int RememberedMax = 2048;

    private readonly Dictionary<byte[], MetadataInfo> metadata = new(ByteKeys.Instance);
    private readonly MetadataInfo none = new([]);
    private byte[] last = [];
    private MetadataInfo lastInfo;

    public StreamInfo(Labels labels)
    {
        Labels = labels;
        lastInfo = none;
        Pairs = Read(labels.Encoded);
    }

    public Labels Labels { get; }

    public (string Name, string Value)[] Pairs { get; }

    public bool Has(string name)
    {
        foreach (var pair in Pairs)
        {
            if (pair.Name == name) return true;
        }
        return false;
    }

    /// <summary>The metadata as label pairs; a name that the stream has becomes <c>name_extracted</c>.</summary>
    public MetadataInfo Metadata(ReadOnlySpan<byte> encoded)
    {
        if (encoded.IsEmpty) return none;
        // Entries that follow one another mostly carry the same.
        if (encoded.SequenceEqual(last)) return lastInfo;
        var lookup = metadata.GetAlternateLookup<ReadOnlySpan<byte>>();
        if (lookup.TryGetValue(encoded, out byte[]? key, out var known))
        {
            (last, lastInfo) = (key, known);
            return known;
        }
        var pairs = Read(encoded);
        for (int i = 0; i < pairs.Length; i++)
        {
            if (Has(pairs[i].Name)) pairs[i].Name += LabelState.ExtractedSuffix;
        }
        if (metadata.Count >= RememberedMax) metadata.Clear();
        (last, lastInfo) = (encoded.ToArray(), new MetadataInfo(pairs));
        return metadata[last] = lastInfo;
    }

    private static (string Name, string Value)[] Read(ReadOnlySpan<byte> encoded)
    {
        var pairs = new List<(string, string)>();
        for (int at = 0; at < encoded.Length;)
        {
            string name = Encoding.UTF8.GetString(LabelCodec.ReadString(encoded, ref at));
            pairs.Add((name, Encoding.UTF8.GetString(LabelCodec.ReadString(encoded, ref at))));
        }
        return [.. pairs];
    }
}

/// <summary>Metadata of entries of one stream, decoded once for all entries that carry the same.</summary>
internal sealed class MetadataInfo((string Name, string Value)[] pairs)
{
    public (string Name, string Value)[] Pairs => pairs;

    public bool Has(string name)
    {
        foreach (var pair in pairs)
        {
            if (pair.Name == name) return true;
        }
        return false;
    }

    /// <summary>A slot for the query: the series of entries with this metadata, where stages do not change labels.</summary>
    public object? Series { get; set; }
}
