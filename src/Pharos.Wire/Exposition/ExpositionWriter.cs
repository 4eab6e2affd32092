using System.Buffers;
using System.Text;
using Pharos.Core;

namespace Pharos.Wire.Exposition;

/// <summary>Writes a process's own metrics for a scrape.</summary>
public static class ExpositionWriter
{
    public const string TextContentType = "text/plain; version=0.0.4; charset=utf-8";
    public const string OpenMetricsContentType = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// <summary>The format that an <c>Accept</c> header asks for: OpenMetrics where it is named with at least the weight of text, else text.</summary>
    public static ExpositionFormat Choose(string? accept)
    {
        double text = -1, openMetrics = -1;
        foreach (string part in (accept ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var pieces = part.Split(';', StringSplitOptions.TrimEntries);
            double weight = 1;
            foreach (string piece in pieces.Skip(1))
            {
                if (piece.StartsWith("q=", StringComparison.OrdinalIgnoreCase) && GoFloat.TryParse(Encoding.ASCII.GetBytes(piece[2..]), out double q)) weight = q;
            }
            if (pieces[0].Equals("application/openmetrics-text", StringComparison.OrdinalIgnoreCase)) openMetrics = Math.Max(openMetrics, weight);
            else if (pieces[0].Equals("text/plain", StringComparison.OrdinalIgnoreCase)) text = Math.Max(text, weight);
        }
        return openMetrics > 0 && openMetrics >= text ? ExpositionFormat.OpenMetrics : ExpositionFormat.Text;
    }

    public static string ContentType(ExpositionFormat format) => format == ExpositionFormat.OpenMetrics ? OpenMetricsContentType : TextContentType;

    /// <summary>Writes all families as Prometheus text.</summary>
    public static void Write(IReadOnlyList<InstrumentFamily> families, IBufferWriter<byte> output) => Write(families, output, ExpositionFormat.Text);

    /// <summary>Writes all families as Prometheus text.</summary>
    public static void Write(IReadOnlyList<InstrumentFamily> families, Stream output)
    {
        var buffer = new ArrayBufferWriter<byte>(64 * 1024);
        Write(families, buffer);
        output.Write(buffer.WrittenSpan);
    }

    /// <param name="extra">Labels that every series gets besides its own, for example the component it belongs to.</param>
    public static void Write(
        IReadOnlyList<InstrumentFamily> families, IBufferWriter<byte> output, ExpositionFormat format, Labels? extra = null)
    {
        var text = new ExpositionText(output, format);
        foreach (var family in families) WriteFamily(family, text, format, extra, withHead: true);
        text.End();
    }

    /// <summary>Writes one family; without head where another registry has already written it.</summary>
    public static void WriteFamily(InstrumentFamily family, ExpositionText text, ExpositionFormat format, Labels? extra, bool withHead)
    {
        bool openMetrics = format == ExpositionFormat.OpenMetrics;
        bool counter = family.Type == MetricType.Counter;
        string familyName = openMetrics && counter && family.Name.EndsWith("_total", StringComparison.Ordinal) ? family.Name[..^6] : family.Name;
        string sampleName = openMetrics && counter && familyName.Length == family.Name.Length ? family.Name + "_total" : family.Name;
        if (withHead)
        {
            byte[] name = Encoding.UTF8.GetBytes(familyName);
            text.Help(name, Encoding.UTF8.GetBytes(family.Help));
            text.Type(name, family.Type);
        }
        foreach (var cell in family.Cells)
        {
            if (family.Type == MetricType.Histogram) WriteHistogram(family, cell, text, extra);
            else text.Sample(LabelsOf(sampleName, family, cell, extra).Encoded, cell.Value);
        }
    }

    private static void WriteHistogram(InstrumentFamily family, InstrumentCell cell, ExpositionText text, Labels? extra)
    {
        long cumulative = 0;
        var buckets = cell.Buckets;
        for (int i = 0; i < buckets.Count; i++)
        {
            cumulative += buckets[i];
            string bound = i < family.Bounds.Count ? GoFloat.Format(family.Bounds[i]) : "+Inf";
            text.Sample(LabelsOf(family.Name + "_bucket", family, cell, extra, bound).Encoded, cumulative);
        }
        text.Sample(LabelsOf(family.Name + "_sum", family, cell, extra).Encoded, cell.Value);
        text.Sample(LabelsOf(family.Name + "_count", family, cell, extra).Encoded, cumulative);
    }

    private static Labels LabelsOf(string name, InstrumentFamily family, InstrumentCell cell, Labels? extra, string? le = null)
    {
        var builder = new LabelsBuilder(extra ?? Labels.Empty).Set(Labels.MetricName, name);
        foreach (var (label, value) in cell.Labels) builder.Set(label, value);
        for (int i = 0; i < family.LabelNames.Count; i++) builder.Set(family.LabelNames[i], cell.LabelValues[i]);
        if (le is not null) builder.Set("le", le);
        return builder.ToLabels();
    }
}
