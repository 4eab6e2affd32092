using System.Text;
using System.Text.Unicode;
using Pharos.Core;
using Pharos.Wire.Loki;

namespace Pharos.Wire.Influx;

/// <summary>
/// Reads InfluxDB line protocol into series, as Mimir does: a field <c>value</c> becomes a metric with the measurement's name, any other
/// field <c>measurement_field</c>; tags become labels; strings are left out. A wrong line costs only itself. Reuse one per worker; not
/// safe for several threads.
/// </summary>
/// <remarks>Source of the syntax: InfluxDB's "Line protocol" reference.</remarks>
public sealed class InfluxDecoder : IDisposable
{
    /// <summary>Faulty lines that are told one by one; more are only counted.</summary>
    private const int FaultsToldMax = 20;

    private readonly LabelScratch labels = new();
    private readonly InfluxLine line = new();
    private readonly List<AppendError> faults = [];
    private readonly byte[] name = new byte[64 * 1024];

    /// <summary>Lines of the last body that were left out, each with its number; the last error counts those that are not told.</summary>
    public IReadOnlyList<AppendError> Rejected => faults;

    /// <summary>Lines of the last body that were left out.</summary>
    public int RejectedLines { get; private set; }

    /// <summary>The parameter <c>precision</c> of a request: n(s), u(s), ms, s, m or h, nanoseconds where empty; null for another.</summary>
    public static InfluxPrecision? PrecisionOf(string? text) => text switch
    {
        null or "" or "n" or "ns" => new InfluxPrecision(1, 1_000_000),
        "u" or "us" or "µ" or "µs" => new InfluxPrecision(1, 1000),
        "ms" => new InfluxPrecision(1, 1),
        "s" => new InfluxPrecision(1000, 1),
        "m" => new InfluxPrecision(60_000, 1),
        "h" => new InfluxPrecision(3_600_000, 1),
        _ => null,
    };

    /// <param name="body">Unpacked, UTF-8.</param>
    /// <param name="nowMs">Time of lines that carry none.</param>
    /// <param name="into">Gets the samples, added to what is there.</param>
    public void Decode(ReadOnlySpan<byte> body, InfluxPrecision precision, long nowMs, MetricBatch into)
    {
        faults.Clear();
        RejectedLines = 0;
        int number = 1;
        while (!body.IsEmpty)
        {
            int length = InfluxLine.LengthOf(body, out int breaks);
            var text = body[..length].TrimStart(" \t\0"u8);
            if (text.EndsWith("\r"u8)) text = text[..^1];
            if (!text.IsEmpty && text[0] != '#') Line(text, number, precision, nowMs, into);
            number += breaks + 1;
            body = length == body.Length ? default : body[(length + 1)..];
        }
        if (RejectedLines > faults.Count) faults.Add(new AppendError(AppendErrorKind.BadData, "influx-line-invalid", $"{RejectedLines - FaultsToldMax} more lines are wrong", RejectedLines - FaultsToldMax));
    }

    public void Dispose() => labels.Dispose();

    private void Line(ReadOnlySpan<byte> text, int number, InfluxPrecision precision, long nowMs, MetricBatch into)
    {
        string? fault = Utf8.IsValid(text) ? line.Parse(text) : "it is not UTF-8";
        long atMs = nowMs;
        if (fault is null && line.Timestamp is { } stamp && !precision.TryMs(stamp, out atMs)) fault = $"the time {stamp} is out of range";
        fault ??= CheckLabels(text);
        if (fault is null)
        {
            foreach (var field in line.Fields)
            {
                if (field.IsNumber) into.AddSample(into.AddSeries(Series(text, field)), atMs, field.Value);
            }
            return;
        }
        RejectedLines++;
        if (faults.Count < FaultsToldMax) faults.Add(new AppendError(AppendErrorKind.BadData, "influx-line-invalid", $"line {number}: {fault}"));
    }

    private string? CheckLabels(ReadOnlySpan<byte> text)
    {
        Tags(text);
        labels.ToCanonical(out var twice);
        return twice.IsEmpty ? null : $"the tag {GoString.Quote(Encoding.UTF8.GetString(twice))} comes twice";
    }

    private void Tags(ReadOnlySpan<byte> text)
    {
        labels.Clear();
        foreach (var (tag, value) in line.Tags)
        {
            int keyLength = Sanitize(line.Text(text, tag), name);
            if (name.AsSpan(0, keyLength).SequenceEqual("__name__"u8)) continue;
            labels.Add(name.AsSpan(0, keyLength), line.Text(text, value));
        }
    }

    private ReadOnlySpan<byte> Series(ReadOnlySpan<byte> text, InfluxField field)
    {
        Tags(text);
        int length = Sanitize(line.Text(text, line.Measurement), name);
        var key = line.Text(text, field.Key);
        if (!key.SequenceEqual("value"u8))
        {
            name[length++] = (byte)'_';
            foreach (byte b in key) length += Legal(b, name.AsSpan(length));
        }
        labels.Add("__name__"u8, name.AsSpan(0, length));
        return labels.ToCanonical(out _);
    }

    /// <summary>Characters that a classic name cannot have become <c>_</c>; a leading digit gets one in front.</summary>
    private static int Sanitize(ReadOnlySpan<byte> from, Span<byte> to)
    {
        int length = 0;
        if (!from.IsEmpty && char.IsAsciiDigit((char)from[0])) to[length++] = (byte)'_';
        foreach (byte b in from) length += Legal(b, to[length..]);
        return length;
    }

    /// <summary>One byte for each character: those that go on with a character of several bytes are left out.</summary>
    private static int Legal(byte b, Span<byte> to)
    {
        if ((b & 0xc0) == 0x80) return 0;
        to[0] = LabelScratch.IsNameByte(b) ? b : (byte)'_';
        return 1;
    }
}

/// <summary>The unit of a request's time stamps: a multiple or a part of a millisecond.</summary>
public readonly record struct InfluxPrecision(long MsEach, long EachMs)
{
    /// <summary>False where the time is beyond what milliseconds can say.</summary>
    public bool TryMs(long stamp, out long ms)
    {
        Int128 exact = (Int128)stamp * MsEach / EachMs;
        ms = (long)exact;
        return exact == ms;
    }
}
