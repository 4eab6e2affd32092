using System.Text.Json;
using Pharos.PromQL;

namespace Pharos.Server.Prometheus;

/// <summary>What a query cost, as <c>stats</c> and <c>trace</c> ask for it beside the result.</summary>
internal static class QueryStatisticsJson
{
    /// <summary>The object <c>stats</c> of Prometheus. Timings that have no counterpart are 0.</summary>
    public static void Write(Utf8JsonWriter writer, QueryStatistics statistics)
    {
        writer.WriteStartObject("stats"u8);
        writer.WriteStartObject("timings"u8);
        writer.WriteNumber("evalTotalTime"u8, statistics.EvaluationSeconds);
        writer.WriteNumber("resultSortTime"u8, 0);
        writer.WriteNumber("queryPreparationTime"u8, 0);
        writer.WriteNumber("innerEvalTime"u8, statistics.EvaluationSeconds);
        writer.WriteNumber("execQueueTime"u8, statistics.QueueSeconds);
        writer.WriteNumber("execTotalTime"u8, statistics.QueueSeconds + statistics.EvaluationSeconds);
        writer.WriteEndObject();
        writer.WriteStartObject("samples"u8);
        if (statistics.PerStep is { } perStep)
        {
            writer.WriteStartArray("totalQueryableSamplesPerStep"u8);
            foreach (var (timestampMs, samples) in perStep)
            {
                writer.WriteStartArray();
                PrometheusJson.Timestamp(writer, timestampMs);
                writer.WriteNumberValue(samples);
                writer.WriteEndArray();
            }
            writer.WriteEndArray();
        }
        writer.WriteNumber("totalQueryableSamples"u8, statistics.SamplesQueryable);
        writer.WriteNumber("peakSamples"u8, statistics.SamplesPeak);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    /// <summary>Where time and bytes went, part by part.</summary>
    public static void WriteTrace(Utf8JsonWriter writer, QueryStatistics statistics, TraceNode root)
    {
        writer.WriteStartObject("trace"u8);
        writer.WriteNumber("queueSeconds"u8, statistics.QueueSeconds);
        writer.WriteNumber("evaluationSeconds"u8, statistics.EvaluationSeconds);
        writer.WriteNumber("peakBytes"u8, statistics.BytesPeak);
        writer.WriteNumber("peakSamples"u8, statistics.SamplesPeak);
        writer.WritePropertyName("root"u8);
        Node(root);
        writer.WriteEndObject();

        void Node(TraceNode node)
        {
            writer.WriteStartObject();
            writer.WriteString("expression"u8, node.Expression);
            writer.WriteString("position"u8, node.Position.ToString());
            writer.WriteNumber("seconds"u8, node.Seconds);
            writer.WriteNumber("ownSeconds"u8, node.OwnSeconds);
            writer.WriteNumber("series"u8, node.Series);
            if (node.SeriesRead > 0 || node.SamplesRead > 0)
            {
                writer.WriteNumber("seriesRead"u8, node.SeriesRead);
                writer.WriteNumber("samplesRead"u8, node.SamplesRead);
                writer.WriteNumber("bytesRead"u8, node.BytesRead);
            }
            if (node.Children.Count > 0)
            {
                writer.WriteStartArray("children"u8);
                foreach (var child in node.Children) Node(child);
                writer.WriteEndArray();
            }
            writer.WriteEndObject();
        }
    }
}
