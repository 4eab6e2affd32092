using System.Buffers;
using System.Globalization;
using Pharos.Core;

namespace Pharos.Wire.Exposition;

/// <summary>An exemplar beside a sample line.</summary>
/// <param name="labels">In canonical form.</param>
public readonly ref struct ExpositionExemplar(ReadOnlySpan<byte> labels, double value, long? timestampMs)
{
    public ReadOnlySpan<byte> Labels { get; } = labels;
    public double Value { get; } = value;
    public long? TimestampMs { get; } = timestampMs;
}

/// <summary>
/// Writes exposition text line by line: Prometheus text, or OpenMetrics with exemplars, units and <c># EOF</c>.
/// Names that are no classic identifiers come quoted. Family names are as the format wants them: in OpenMetrics a counter's without <c>_total</c>.
/// </summary>
public sealed class ExpositionText(IBufferWriter<byte> output, ExpositionFormat format)
{
    private readonly bool openMetrics = format == ExpositionFormat.OpenMetrics;

    public void Help(ReadOnlySpan<byte> family, ReadOnlySpan<byte> help)
    {
        output.Write("# HELP "u8);
        Name(family);
        Byte(' ');
        Escaped(help, quotesToo: openMetrics);
        Byte('\n');
    }

    public void Type(ReadOnlySpan<byte> family, MetricType type)
    {
        output.Write("# TYPE "u8);
        Name(family);
        Byte(' ');
        output.Write(type switch
        {
            MetricType.Counter => "counter"u8,
            MetricType.Gauge => "gauge"u8,
            MetricType.Histogram => "histogram"u8,
            MetricType.Summary => "summary"u8,
            MetricType.GaugeHistogram when openMetrics => "gaugehistogram"u8,
            MetricType.Info when openMetrics => "info"u8,
            MetricType.StateSet when openMetrics => "stateset"u8,
            MetricType.GaugeHistogram => "histogram"u8,
            MetricType.Info or MetricType.StateSet => "gauge"u8,
            _ => openMetrics ? "unknown"u8 : "untyped"u8,
        });
        Byte('\n');
    }

    /// <summary>Only OpenMetrics has units; in Prometheus text nothing is written.</summary>
    public void Unit(ReadOnlySpan<byte> family, ReadOnlySpan<byte> unit)
    {
        if (!openMetrics) return;
        output.Write("# UNIT "u8);
        Name(family);
        Byte(' ');
        output.Write(unit);
        Byte('\n');
    }

    /// <param name="labels">In canonical form, the name among them.</param>
    public void Sample(ReadOnlySpan<byte> labels, double value, long? timestampMs = null) => Sample(labels, value, timestampMs, default, false);

    /// <inheritdoc cref="Sample(ReadOnlySpan{byte}, double, long?)"/>
    public void Sample(ReadOnlySpan<byte> labels, double value, long? timestampMs, ExpositionExemplar exemplar) =>
        Sample(labels, value, timestampMs, exemplar, openMetrics);

    /// <summary>Ends an OpenMetrics exposition; nothing in Prometheus text.</summary>
    public void End()
    {
        if (openMetrics) output.Write("# EOF\n"u8);
    }

    private void Sample(ReadOnlySpan<byte> labels, double value, long? timestampMs, ExpositionExemplar exemplar, bool withExemplar)
    {
        LabelSet(labels, isSeries: true);
        Byte(' ');
        Number(value);
        Time(timestampMs);
        if (withExemplar)
        {
            output.Write(" # "u8);
            LabelSet(exemplar.Labels, isSeries: false);
            Byte(' ');
            Number(exemplar.Value);
            Time(exemplar.TimestampMs);
        }
        Byte('\n');
    }

    private void LabelSet(ReadOnlySpan<byte> labels, bool isSeries)
    {
        ReadOnlySpan<byte> name = default;
        var find = new Labels.Enumerator(labels);
        while (isSeries && find.MoveNext())
        {
            if (find.Current.NameUtf8.SequenceEqual("__name__"u8)) name = find.Current.ValueUtf8;
        }
        bool quotedName = isSeries && !IsPlain(name, colon: true);
        if (isSeries && !quotedName) output.Write(name);
        bool open = false;
        if (quotedName)
        {
            Byte('{');
            Quoted(name);
            open = true;
        }
        var each = new Labels.Enumerator(labels);
        while (each.MoveNext())
        {
            if (isSeries && each.Current.NameUtf8.SequenceEqual("__name__"u8)) continue;
            Byte(open ? ',' : '{');
            open = true;
            if (IsPlain(each.Current.NameUtf8, colon: false)) output.Write(each.Current.NameUtf8);
            else Quoted(each.Current.NameUtf8);
            Byte('=');
            Quoted(each.Current.ValueUtf8);
        }
        if (open) Byte('}');
        else if (!isSeries) output.Write("{}"u8);
    }

    private void Name(ReadOnlySpan<byte> name)
    {
        if (IsPlain(name, colon: true)) output.Write(name);
        else Quoted(name);
    }

    private void Quoted(ReadOnlySpan<byte> text)
    {
        Byte('"');
        Escaped(text, quotesToo: true);
        Byte('"');
    }

    private void Escaped(ReadOnlySpan<byte> text, bool quotesToo)
    {
        while (true)
        {
            int next = quotesToo ? text.IndexOfAny((byte)'\\', (byte)'\n', (byte)'"') : text.IndexOfAny((byte)'\\', (byte)'\n');
            if (next < 0) break;
            output.Write(text[..next]);
            Byte('\\');
            Byte(text[next] == '\n' ? 'n' : (char)text[next]);
            text = text[(next + 1)..];
        }
        output.Write(text);
    }

    private void Number(double value)
    {
        var room = output.GetSpan(GoFloat.BytesMax + 2);
        output.Advance(openMetrics ? GoFloat.FormatOpenMetrics(value, room) : GoFloat.Format(value, room));
    }

    private void Time(long? timestampMs)
    {
        if (timestampMs is not { } ms) return;
        Byte(' ');
        var room = output.GetSpan(32);
        if (!openMetrics)
        {
            ms.TryFormat(room, out int whole, default, CultureInfo.InvariantCulture);
            output.Advance(whole);
            return;
        }
        int at = 0;
        if (ms < 0)
        {
            room[at++] = (byte)'-';
        }
        ulong magnitude = ms < 0 ? (ulong)-ms : (ulong)ms;
        (magnitude / 1000).TryFormat(room[at..], out int seconds, default, CultureInfo.InvariantCulture);
        at += seconds;
        ulong fraction = magnitude % 1000;
        if (fraction > 0)
        {
            room[at++] = (byte)'.';
            room[at++] = (byte)('0' + (fraction / 100));
            room[at++] = (byte)('0' + (fraction / 10 % 10));
            room[at++] = (byte)('0' + (fraction % 10));
        }
        output.Advance(at);
    }

    private void Byte(char c)
    {
        output.GetSpan(1)[0] = (byte)c;
        output.Advance(1);
    }

    private static bool IsPlain(ReadOnlySpan<byte> name, bool colon)
    {
        if (name.IsEmpty || char.IsAsciiDigit((char)name[0])) return false;
        foreach (byte c in name)
        {
            if (!(char.IsAsciiLetterOrDigit((char)c) || c == '_' || (colon && c == ':'))) return false;
        }
        return true;
    }
}
