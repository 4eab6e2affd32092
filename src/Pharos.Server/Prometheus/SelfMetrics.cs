using System.Text.Json;
using Pharos.Core;
using Pharos.PromQL.Syntax;

namespace Pharos.Server.Prometheus;

/// <summary><c>/api/v1/status/self_metrics</c>: the process's own metrics in the JSON form of their protobuf message.</summary>
internal static class SelfMetrics
{
    /// <param name="pattern">RE2 that a family's whole name must match; empty for all.</param>
    /// <exception cref="QueryException">The pattern is no regular expression.</exception>
    public static IReadOnlyList<InstrumentFamily> Read(Instruments? instruments, string pattern)
    {
        var families = instruments?.Read() ?? [];
        if (pattern.Length == 0) return families;
        try
        {
            var names = LinearRegex.Anchored(pattern);
            return [.. families.Where(f => names.IsMatch(f.Name))];
        }
        catch (FormatException e)
        {
            throw QueryParameters.Invalid("metric_name_pattern", e.Message);
        }
    }

    public static void Write(Utf8JsonWriter writer, IReadOnlyList<InstrumentFamily> families)
    {
        writer.WriteStartArray();
        foreach (var family in families)
        {
            writer.WriteStartObject();
            writer.WriteString("name", family.Name);
            writer.WriteString("help", family.Help);
            writer.WriteString("type", family.Type.ToString().ToUpperInvariant());
            writer.WriteStartArray("metric");
            foreach (var cell in family.Cells) Cell(writer, family, cell);
            writer.WriteEndArray();
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
    }

    private static void Cell(Utf8JsonWriter writer, InstrumentFamily family, InstrumentCell cell)
    {
        writer.WriteStartObject();
        writer.WriteStartArray("label");
        foreach (var label in cell.Labels)
        {
            writer.WriteStartObject();
            writer.WriteString("name"u8, label.NameUtf8);
            writer.WriteString("value"u8, label.ValueUtf8);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        if (family.Type == MetricType.Histogram)
        {
            writer.WriteStartObject("histogram");
            writer.WriteString("sampleCount", cell.Count.ToString());
            Number(writer, "sampleSum", cell.Value);
            writer.WriteStartArray("bucket");
            long below = 0;
            for (int b = 0; b < family.Bounds.Count; b++)
            {
                below += cell.Buckets[b];
                writer.WriteStartObject();
                writer.WriteString("cumulativeCount", below.ToString());
                Number(writer, "upperBound", family.Bounds[b]);
                writer.WriteEndObject();
            }
            writer.WriteEndArray();
            writer.WriteEndObject();
        }
        else
        {
            writer.WriteStartObject(family.Type == MetricType.Counter ? "counter" : "gauge");
            Number(writer, "value", cell.Value);
            writer.WriteEndObject();
        }
        writer.WriteEndObject();
    }

    // JSON has no NaN and no infinity: as in protobuf's JSON they are texts.
    private static void Number(Utf8JsonWriter writer, string name, double value)
    {
        if (double.IsFinite(value)) writer.WriteNumber(name, value);
        else writer.WriteString(name, NumberText.Format(value));
    }
}
