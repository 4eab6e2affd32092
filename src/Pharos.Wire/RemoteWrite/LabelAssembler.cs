using System.Text;
using System.Text.Unicode;
using Pharos.Core;

namespace Pharos.Wire.RemoteWrite;

/// <summary>Why a label set cannot name a series.</summary>
internal enum LabelFault
{
    None,
    EmptyName,
    Duplicate,
    NotUtf8,
    NoMetricName,
    TooMany,
}

/// <summary>
/// Brings the labels of one series, given as places in a body, into canonical bytes: sorts them where the sender did not,
/// leaves out empty values. Reused for every series, no allocation once warm.
/// </summary>
internal sealed class LabelAssembler
{
    /// <summary>More labels than any real series has; bounds the work on hostile input.</summary>
    private const int LabelsMax = 4096;

    private Place[] places = new Place[64];
    private byte[] canonical = new byte[1024];
    private int count;

    public void Clear() => count = 0;

    public void Add(int nameAt, int nameLength, int valueAt, int valueLength)
    {
        if (count == places.Length)
        {
            if (count > LabelsMax) return;
            Array.Resize(ref places, count * 2);
        }
        places[count++] = new Place(nameAt, nameLength, valueAt, valueLength);
    }

    /// <summary>The canonical bytes; they hold until the next call.</summary>
    /// <param name="body">What the places point into.</param>
    /// <param name="metricNameNeeded">False for the labels of an exemplar.</param>
    public LabelFault Assemble(ReadOnlySpan<byte> body, bool metricNameNeeded, out ReadOnlySpan<byte> labels)
    {
        labels = default;
        if (count > LabelsMax) return LabelFault.TooMany;
        var all = places.AsSpan(0, count);
        int size = 0;
        foreach (ref readonly var place in all) size += 10 + place.NameLength + place.ValueLength;
        if (size > canonical.Length) canonical = new byte[Math.Max(size, canonical.Length * 2)];
        var to = canonical.AsSpan();
        bool named = false, sorted = false;
        int at = 0;
        ReadOnlySpan<byte> previous = default;
        for (int i = 0; i < all.Length; i++)
        {
            ref readonly var place = ref all[i];
            var name = body.Slice(place.NameAt, place.NameLength);
            if (name.IsEmpty) return LabelFault.EmptyName;
            int order = previous.SequenceCompareTo(name);
            if (order >= 0)
            {
                if (order == 0) return LabelFault.Duplicate;
                if (sorted) throw new InvalidOperationException("labels are out of order after sorting");
                // Senders sort; this one did not. Start again once that is done for it.
                Sort(body, all);
                sorted = true;
                (i, at, named) = (-1, 0, false);
                previous = default;
                continue;
            }
            previous = name;
            if (place.ValueLength == 0) continue;
            if (name.Length == 8) named |= name.SequenceEqual("__name__"u8);
            at += Write(to[at..], name);
            at += Write(to[at..], body.Slice(place.ValueAt, place.ValueLength));
        }
        if (metricNameNeeded && !named) return LabelFault.NoMetricName;
        var written = to[..at];
        // Nearly all labels are ASCII, and lengths under 128 are too: one look at everything is enough then.
        if (!Ascii.IsValid(written) && !IsUtf8(body, all)) return LabelFault.NotUtf8;
        labels = written;
        return LabelFault.None;
    }

    /// <summary>The labels as the sender wrote them, shortened, for an error message.</summary>
    public string Describe(ReadOnlySpan<byte> body)
    {
        var text = new StringBuilder("{");
        for (int i = 0; i < count && i < 20 && text.Length < 500; i++)
        {
            if (i > 0) text.Append(", ");
            text.Append(Encoding.UTF8.GetString(Short(body.Slice(places[i].NameAt, places[i].NameLength)))).Append('=')
                .Append(GoString.Quote(Encoding.UTF8.GetString(Short(body.Slice(places[i].ValueAt, places[i].ValueLength)))));
        }
        return text.Append('}').ToString();

        static ReadOnlySpan<byte> Short(ReadOnlySpan<byte> part) => part.Length > 100 ? part[..100] : part;
    }

    private static int Write(Span<byte> to, ReadOnlySpan<byte> text)
    {
        if (text.Length >= 0x80) return LabelCodec.WriteString(to, text);
        to[0] = (byte)text.Length;
        text.CopyTo(to[1..]);
        return text.Length + 1;
    }

    private static bool IsUtf8(ReadOnlySpan<byte> body, ReadOnlySpan<Place> all)
    {
        foreach (ref readonly var place in all)
        {
            if (!Utf8.IsValid(body.Slice(place.NameAt, place.NameLength)) || !Utf8.IsValid(body.Slice(place.ValueAt, place.ValueLength))) return false;
        }
        return true;
    }

    private static int Compare(ReadOnlySpan<byte> body, in Place a, in Place b) =>
        body.Slice(a.NameAt, a.NameLength).SequenceCompareTo(body.Slice(b.NameAt, b.NameLength));

    // Heap sort: spans cannot be captured by a comparer, and its worst case is no worse than its best.
    private static void Sort(ReadOnlySpan<byte> body, Span<Place> all)
    {
        for (int i = all.Length / 2 - 1; i >= 0; i--) Sift(body, all, i);
        for (int end = all.Length - 1; end > 0; end--)
        {
            (all[0], all[end]) = (all[end], all[0]);
            Sift(body, all[..end], 0);
        }
    }

    private static void Sift(ReadOnlySpan<byte> body, Span<Place> heap, int at)
    {
        while (true)
        {
            int child = 2 * at + 1;
            if (child >= heap.Length) return;
            if (child + 1 < heap.Length && Compare(body, heap[child], heap[child + 1]) < 0) child++;
            if (Compare(body, heap[at], heap[child]) >= 0) return;
            (heap[at], heap[child]) = (heap[child], heap[at]);
            at = child;
        }
    }

    private readonly record struct Place(int NameAt, int NameLength, int ValueAt, int ValueLength);
}
