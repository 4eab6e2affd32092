using System.Text;

namespace Pharos.Core;

/// <summary>Builds or edits a label set. Not safe for use by several threads at once.</summary>
public sealed class LabelsBuilder
{
    private readonly List<(string Name, string Value)> pairs = [];

    public LabelsBuilder() { }

    public LabelsBuilder(Labels from) => Reset(from);

    /// <summary>Starts again from a label set.</summary>
    public LabelsBuilder Reset(Labels? from = null)
    {
        pairs.Clear();
        if (from is not null)
        {
            foreach (var (name, value) in from) pairs.Add((name, value));
        }
        return this;
    }

    /// <summary>Sets a label; an empty value removes it.</summary>
    public LabelsBuilder Set(string name, string value)
    {
        int at = IndexOf(name);
        if (value.Length == 0)
        {
            if (at >= 0) pairs.RemoveAt(at);
        }
        else if (at >= 0)
        {
            pairs[at] = (name, value);
        }
        else
        {
            pairs.Add((name, value));
        }
        return this;
    }

    public LabelsBuilder Remove(string name) => Set(name, "");

    /// <summary>The value now set; empty where absent.</summary>
    public string Get(string name)
    {
        int at = IndexOf(name);
        return at < 0 ? "" : pairs[at].Value;
    }

    /// <summary>The labels as they stand, in no particular order.</summary>
    public IReadOnlyList<(string Name, string Value)> Pairs => pairs;

    public Labels ToLabels()
    {
        if (pairs.Count == 0) return Labels.Empty;
        var encoded = new (byte[] Name, byte[] Value)[pairs.Count];
        int size = 0;
        for (int i = 0; i < encoded.Length; i++)
        {
            encoded[i] = (Encoding.UTF8.GetBytes(pairs[i].Name), Encoding.UTF8.GetBytes(pairs[i].Value));
            size += LabelCodec.SizeOf(encoded[i].Name.Length) + LabelCodec.SizeOf(encoded[i].Value.Length);
        }
        Array.Sort(encoded, static (a, b) => a.Name.AsSpan().SequenceCompareTo(b.Name));
        var bytes = new byte[size];
        int at = 0;
        foreach (var (name, value) in encoded)
        {
            at += LabelCodec.WriteString(bytes.AsSpan(at), name);
            at += LabelCodec.WriteString(bytes.AsSpan(at), value);
        }
        return Labels.FromEncoded(bytes);
    }

    private int IndexOf(string name)
    {
        for (int i = 0; i < pairs.Count; i++)
        {
            if (pairs[i].Name == name) return i;
        }
        return -1;
    }
}
