using System.Buffers;
using Pharos.Core;

namespace Pharos.Wire.Loki;

/// <summary>
/// Reads the one form in which senders write JSON pushes, several times as fast as a reader of all JSON: streams alone at the top, in each of them
/// <c>stream</c> before <c>values</c>, nothing else. What it takes means the same to <see cref="PushJsonReader"/>, which takes all the rest and says what is wrong.
/// </summary>
internal sealed class PlainPushJson(LabelScratch scratch, PushCollector collector, LogBatch batch) : IDisposable
{
    private static readonly SearchValues<byte> Ends = SearchValues.Create([.. Enumerable.Range(0, 32).Select(i => (byte)i), (byte)'"', (byte)'\\']);

    // Strings whose escapes were resolved: lines, and what stands in pairs.
    private byte[] lineRoom = ArrayPool<byte>.Shared.Rent(1024);
    private byte[] pairRoom = ArrayPool<byte>.Shared.Rent(256);

    /// <returns>False: the body is not of this form, or wrong. What the batch got until then must go.</returns>
    public bool TryRead(ReadOnlySpan<byte> json)
    {
        int at = 0;
        if (!Take(json, ref at, '{') || !TakeName(json, ref at, "streams"u8) || !Take(json, ref at, '[')) return false;
        if (!Take(json, ref at, ']'))
        {
            do
            {
                if (!Stream(json, ref at)) return false;
            }
            while (Take(json, ref at, ','));
            if (!Take(json, ref at, ']')) return false;
        }
        if (!Take(json, ref at, '}')) return false;
        SkipSpaces(json, ref at);
        return at == json.Length;
    }

    public void Dispose()
    {
        if (lineRoom.Length == 0) return;
        ArrayPool<byte>.Shared.Return(lineRoom);
        ArrayPool<byte>.Shared.Return(pairRoom);
        lineRoom = [];
        pairRoom = [];
    }

    private bool Stream(ReadOnlySpan<byte> json, ref int at)
    {
        if (!Take(json, ref at, '{') || !TakeName(json, ref at, "stream"u8) || !Pairs(json, ref at) || !Take(json, ref at, ',')) return false;
        int stream = collector.AddPairs(scratch, out var error);
        if (error is not null || !TakeName(json, ref at, "values"u8) || !Take(json, ref at, '[')) return false;
        if (Take(json, ref at, ']')) return Take(json, ref at, '}');
        do
        {
            if (!Entry(json, ref at, stream)) return false;
        }
        while (Take(json, ref at, ','));
        return Take(json, ref at, ']') && Take(json, ref at, '}');
    }

    private bool Entry(ReadOnlySpan<byte> json, ref int at, int stream)
    {
        if (!Take(json, ref at, '[') || !Timestamp(json, ref at, out long timestampNs) || !Take(json, ref at, ',')) return false;
        if (!String(json, ref at, ref lineRoom, out var line)) return false;
        ReadOnlySpan<byte> metadata = default;
        if (Take(json, ref at, ','))
        {
            if (!Pairs(json, ref at)) return false;
            if (scratch.Count > 0)
            {
                scratch.NormaliseNames();
                metadata = scratch.ToCanonical(out _);
            }
        }
        if (!Take(json, ref at, ']')) return false;
        batch.AddEntry(stream, timestampNs, line, metadata);
        return true;
    }

    /// <summary>A flat object of strings, into the scratch.</summary>
    private bool Pairs(ReadOnlySpan<byte> json, ref int at)
    {
        scratch.Clear();
        if (!Take(json, ref at, '{')) return false;
        if (Take(json, ref at, '}')) return true;
        do
        {
            if (!String(json, ref at, ref pairRoom, out var name)) return false;
            int nameAt = scratch.Keep(name);
            if (!Take(json, ref at, ':') || !String(json, ref at, ref pairRoom, out var value)) return false;
            scratch.Add(nameAt, name.Length, scratch.Keep(value), value.Length);
        }
        while (Take(json, ref at, ','));
        return Take(json, ref at, '}');
    }

    /// <summary>Whole nanoseconds in quotes.</summary>
    private static bool Timestamp(ReadOnlySpan<byte> json, ref int at, out long timestampNs)
    {
        const int digitsMax = 18;
        timestampNs = 0;
        if (!Take(json, ref at, '"')) return false;
        int from = at;
        for (; at < json.Length; at++)
        {
            uint digit = (uint)(json[at] - '0');
            if (digit > 9) break;
            // Nineteen may be more than fit; the first of them is 1 until the year 2033, and up to 8 always fits.
            if (at - from > digitsMax || (at - from == digitsMax && json[from] > '8')) return false;
            timestampNs = (timestampNs * 10) + digit;
        }
        return at > from && at < json.Length && json[at++] == '"';
    }

    /// <summary>The next string; one with escapes stands in the room until the next such.</summary>
    private static bool String(ReadOnlySpan<byte> json, ref int at, ref byte[] room, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (!Take(json, ref at, '"')) return false;
        var rest = json[at..];
        int length = rest.IndexOfAny(Ends);
        if (length < 0) return false;
        if (rest[length] == '"')
        {
            value = rest[..length];
            at += length + 1;
            return true;
        }
        if (!JsonEscapes.TryResolve(rest, ref room, toEnd: false, out int read, out int written)) return false;
        value = room.AsSpan(0, written);
        at += read;
        return true;
    }

    private static bool TakeName(ReadOnlySpan<byte> json, ref int at, ReadOnlySpan<byte> name)
    {
        if (!Take(json, ref at, '"') || !json[at..].StartsWith(name)) return false;
        at += name.Length;
        return at < json.Length && json[at++] == '"' && Take(json, ref at, ':');
    }

    private static bool Take(ReadOnlySpan<byte> json, ref int at, char what)
    {
        SkipSpaces(json, ref at);
        if (at >= json.Length || json[at] != what) return false;
        at++;
        return true;
    }

    private static void SkipSpaces(ReadOnlySpan<byte> json, ref int at)
    {
        while (at < json.Length && json[at] is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t') at++;
    }
}
