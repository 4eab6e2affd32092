using System.Buffers;
using System.Text;
using Pharos.Core;

namespace Pharos.Wire.Otlp;

/// <summary>
/// Labels that the series of one point share, without the metric's name: collected by name, then encoded once, so that each of a
/// histogram's series only weaves in its own. Reused for every point.
/// </summary>
internal sealed class OtlpLabels : IDisposable
{
    private readonly List<(string Name, string Value)> pairs = [];
    private byte[] text = ArrayPool<byte>.Shared.Rent(1024);
    private byte[] series = ArrayPool<byte>.Shared.Rent(1024);
    private Pair[] encoded = new Pair[32];
    private int count;

    private readonly record struct Pair(int NameAt, int NameLength, int ValueAt, int ValueLength);

    public void Clear() => pairs.Clear();

    public bool Has(string name) => IndexOf(name) >= 0;

    public void Set(string name, string value)
    {
        int at = IndexOf(name);
        if (at < 0) pairs.Add((name, value));
        else pairs[at] = (name, value);
    }

    /// <summary>Adds a value; where the name is taken already, behind a semicolon.</summary>
    public void Join(string name, string value)
    {
        int at = IndexOf(name);
        if (at < 0) pairs.Add((name, value));
        else pairs[at] = (name, pairs[at].Value + ";" + value);
    }

    /// <summary>Encodes what was collected, for <see cref="Series"/>. Empty values are left out.</summary>
    public void Encode()
    {
        int size = 0;
        foreach (var (name, value) in pairs) size += Encoding.UTF8.GetMaxByteCount(name.Length) + Encoding.UTF8.GetMaxByteCount(value.Length);
        Room(ref text, size);
        if (encoded.Length < pairs.Count) encoded = new Pair[pairs.Count * 2];
        int at = 0;
        count = 0;
        foreach (var (name, value) in pairs)
        {
            if (value.Length == 0 || name == Labels.MetricName) continue;
            int nameLength = Encoding.UTF8.GetBytes(name, text.AsSpan(at));
            int valueLength = Encoding.UTF8.GetBytes(value, text.AsSpan(at + nameLength));
            encoded[count++] = new Pair(at, nameLength, at + nameLength, valueLength);
            at += nameLength + valueLength;
        }
        // Stable insertion sort: label sets are small, and mostly come sorted.
        for (int i = 1; i < count; i++)
        {
            var pair = encoded[i];
            int k = i;
            for (; k > 0 && Name(encoded[k - 1]).SequenceCompareTo(Name(pair)) > 0; k--) encoded[k] = encoded[k - 1];
            encoded[k] = pair;
        }
    }

    /// <summary>Canonical bytes of the labels with a metric name, and with one more label where given. They hold until the next call.</summary>
    public ReadOnlySpan<byte> Series(ReadOnlySpan<byte> metric, ReadOnlySpan<byte> extraName = default, ReadOnlySpan<byte> extraValue = default)
    {
        int size = metric.Length + extraName.Length + extraValue.Length + 40;
        for (int i = 0; i < count; i++) size += encoded[i].NameLength + encoded[i].ValueLength + 10;
        Room(ref series, size);
        int at = 0;
        bool named = false, extra = extraName.IsEmpty;
        for (int i = 0; i < count; i++)
        {
            var name = Name(encoded[i]);
            if (!named && "__name__"u8.SequenceCompareTo(name) < 0) named = Write("__name__"u8, metric, ref at);
            int order = extra ? 1 : extraName.SequenceCompareTo(name);
            if (order <= 0) extra = Write(extraName, extraValue, ref at);
            if (order == 0) continue;
            Write(name, text.AsSpan(encoded[i].ValueAt, encoded[i].ValueLength), ref at);
        }
        if (!named) Write("__name__"u8, metric, ref at);
        if (!extra) Write(extraName, extraValue, ref at);
        return series.AsSpan(0, at);
    }

    public void Dispose()
    {
        if (text.Length == 0) return;
        ArrayPool<byte>.Shared.Return(text);
        ArrayPool<byte>.Shared.Return(series);
        text = [];
        series = [];
    }

    private int IndexOf(string name)
    {
        for (int i = 0; i < pairs.Count; i++)
        {
            if (pairs[i].Name == name) return i;
        }
        return -1;
    }

    private ReadOnlySpan<byte> Name(Pair pair) => text.AsSpan(pair.NameAt, pair.NameLength);

    private bool Write(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, ref int at)
    {
        at += LabelCodec.WriteString(series.AsSpan(at), name);
        at += LabelCodec.WriteString(series.AsSpan(at), value);
        return true;
    }

    private static void Room(ref byte[] buffer, int size)
    {
        if (size <= buffer.Length) return;
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = ArrayPool<byte>.Shared.Rent(size);
    }
}
