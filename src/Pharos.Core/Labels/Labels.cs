using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Pharos.Core;

/// <summary>One label of a <see cref="Labels"/>, as views into its bytes.</summary>
public readonly ref struct Label(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
{
    public ReadOnlySpan<byte> NameUtf8 { get; } = name;
    public ReadOnlySpan<byte> ValueUtf8 { get; } = value;

    /// <summary>The name, decoded anew at each call.</summary>
    public string Name => Encoding.UTF8.GetString(NameUtf8);

    /// <summary>The value, decoded anew at each call.</summary>
    public string Value => Encoding.UTF8.GetString(ValueUtf8);

    public void Deconstruct(out string name, out string value)
    {
        name = Name;
        value = Value;
    }
}

/// <summary>
/// An immutable label set: the identity of a series, a stream or an alert.
/// Held as one canonical UTF-8 buffer (<see cref="LabelCodec"/>), sorted by name, no duplicates, no empty values.
/// </summary>
[SuppressMessage("Design", "CA1036", Justification = "Label sets are sorted, never compared with < in code.")]
public sealed class Labels : IEquatable<Labels>, IComparable<Labels>
{
    /// <summary>The label that holds a metric's name.</summary>
    public const string MetricName = "__name__";

    public static Labels Empty { get; } = new([]);

    private readonly byte[] encoded;

    // 0 until it is asked for: of most sets a query meets it never is. Whoever computes it comes to the same.
    private ulong hash;

    private Labels(byte[] encoded) => this.encoded = encoded;

    /// <summary>The canonical bytes.</summary>
    public ReadOnlySpan<byte> Encoded => encoded;

    /// <summary>The canonical bytes, for keeping; never write to them.</summary>
    public ReadOnlyMemory<byte> EncodedMemory => encoded;

    /// <summary><see cref="LabelCodec.Hash"/> of the canonical bytes.</summary>
    public ulong Hash => hash != 0 ? hash : hash = LabelCodec.Hash(encoded);

    public bool IsEmpty => encoded.Length == 0;

    /// <summary>How many labels there are. Walks the set.</summary>
    public int Count
    {
        get
        {
            int count = 0;
            foreach (var _ in this) count++;
            return count;
        }
    }

    /// <summary>The value of a label; empty where the label is absent.</summary>
    public string this[string name] => TryGetValue(name, out string? value) ? value : "";

    /// <summary>The metric name, empty where there is none.</summary>
    public string Name => this[MetricName];

    /// <summary>Takes canonical bytes as they are. The caller vouches for the order and gives up the array.</summary>
    public static Labels FromEncoded(byte[] canonical) => canonical.Length == 0 ? Empty : new Labels(canonical);

    /// <inheritdoc cref="FromEncoded(byte[])"/>
    public static Labels FromEncoded(ReadOnlySpan<byte> canonical) =>
        canonical.IsEmpty ? Empty : new Labels(canonical.ToArray());

    /// <summary>Builds a set from pairs in any order; empty values are dropped, the last of equal names wins.</summary>
    public static Labels Of(params ReadOnlySpan<(string Name, string Value)> pairs)
    {
        var builder = new LabelsBuilder();
        foreach (var (name, value) in pairs) builder.Set(name, value);
        return builder.ToLabels();
    }

    /// <inheritdoc cref="Of(ReadOnlySpan{ValueTuple{string, string}})"/>
    public static Labels Of(IEnumerable<KeyValuePair<string, string>> pairs)
    {
        var builder = new LabelsBuilder();
        foreach (var (name, value) in pairs) builder.Set(name, value);
        return builder.ToLabels();
    }

    public bool TryGetValue(string name, [NotNullWhen(true)] out string? value)
    {
        Span<byte> buffer = stackalloc byte[256];
        int needed = Encoding.UTF8.GetMaxByteCount(name.Length);
        var nameUtf8 = needed <= buffer.Length ? buffer[..Encoding.UTF8.GetBytes(name, buffer)] : Encoding.UTF8.GetBytes(name);
        if (TryGetUtf8(nameUtf8, out var found))
        {
            value = Encoding.UTF8.GetString(found);
            return true;
        }
        value = null;
        return false;
    }

    /// <summary>The value's bytes without decoding. False, and empty, where the label is absent.</summary>
    public bool TryGetUtf8(ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value) => LabelCodec.TryGetValue(encoded, name, out value);

    public bool Has(string name) => TryGetValue(name, out _);

    /// <summary>This set without some labels.</summary>
    public Labels Without(params ReadOnlySpan<string> names)
    {
        var builder = new LabelsBuilder(this);
        foreach (string name in names) builder.Remove(name);
        return builder.ToLabels();
    }

    /// <summary>Only the named labels of this set.</summary>
    public Labels Only(params ReadOnlySpan<string> names)
    {
        var builder = new LabelsBuilder();
        foreach (string name in names)
        {
            if (TryGetValue(name, out string? value)) builder.Set(name, value);
        }
        return builder.ToLabels();
    }

    /// <summary>This set with one label set to a value; an empty value removes the label.</summary>
    public Labels With(string name, string value) => new LabelsBuilder(this).Set(name, value).ToLabels();

    /// <summary>
    /// FNV-1a, 64 bits, over names and values in order, each followed by the byte 0xFF:
    /// the fingerprint that Prometheus and Alertmanager show as 16 hexadecimal digits.
    /// </summary>
    public ulong Fingerprint()
    {
        const ulong prime = 1099511628211;
        ulong h = 14695981039346656037;
        foreach (var label in this)
        {
            foreach (byte b in label.NameUtf8) h = (h ^ b) * prime;
            h = (h ^ 0xff) * prime;
            foreach (byte b in label.ValueUtf8) h = (h ^ b) * prime;
            h = (h ^ 0xff) * prime;
        }
        return h;
    }

    public SortedDictionary<string, string> ToDictionary()
    {
        var map = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in this) map[name] = value;
        return map;
    }

    public Enumerator GetEnumerator() => new(encoded);

    public bool Equals(Labels? other) =>
        other is not null && (ReferenceEquals(this, other) || encoded.AsSpan().SequenceEqual(other.encoded));

    public override bool Equals(object? obj) => Equals(obj as Labels);

    public override int GetHashCode()
    {
        ulong all = Hash;
        return (int)(all ^ (all >> 32));
    }

    /// <summary>Prometheus's order: label by label, name before value, the shorter set first.</summary>
    public int CompareTo(Labels? other)
    {
        if (other is null) return 1;
        // Up to the first different byte both have the same names and values; only the one that holds it is compared.
        ReadOnlySpan<byte> left = encoded, right = other.encoded;
        int same = left.CommonPrefixLength(right);
        int offset = 0;
        while (offset < left.Length && offset < right.Length)
        {
            int start = offset;
            var one = LabelCodec.ReadString(left, ref offset);
            if (offset <= same) continue;
            offset = start;
            return one.SequenceCompareTo(LabelCodec.ReadString(right, ref offset));
        }
        return left.Length.CompareTo(right.Length);
    }

    /// <summary>The text form <c>{a="x", b="y"}</c>, values escaped, names quoted where they are not classic identifiers.</summary>
    public override string ToString()
    {
        var text = new StringBuilder("{");
        foreach (var (name, value) in this)
        {
            if (text.Length > 1) text.Append(", ");
            if (LabelNames.IsLegacy(name)) text.Append(name);
            else text.Append(GoString.Quote(name));
            text.Append('=').Append(GoString.Quote(value));
        }
        return text.Append('}').ToString();
    }

    public ref struct Enumerator(ReadOnlySpan<byte> encoded)
    {
        private readonly ReadOnlySpan<byte> encoded = encoded;
        private int offset;
        private ReadOnlySpan<byte> name;
        private ReadOnlySpan<byte> value;

        public readonly Label Current => new(name, value);

        public bool MoveNext()
        {
            if (offset >= encoded.Length) return false;
            name = LabelCodec.ReadString(encoded, ref offset);
            value = LabelCodec.ReadString(encoded, ref offset);
            return true;
        }
    }
}
