using Microsoft.AspNetCore.Http;
using Pharos.LogQL;
using Pharos.Wire.Parquet;

namespace Pharos.Server.Loki;

/// <summary>Answers to queries as a Parquet file: a row for each line, with all labels merged, or for each point. Warnings stand in the file's metadata.</summary>
internal static class LokiParquet
{
    /// <summary>Rows of so many bytes are written together.</summary>
    private const long GroupBytes = 16 << 20;

    public static bool Wants(HttpContext http) => http.Request.Headers.Accept.ToString().Contains(ParquetAnswer.ContentType, StringComparison.OrdinalIgnoreCase);

    /// <param name="atMs">The time of a scalar.</param>
    public static async Task AnswerAsync(HttpContext http, LogQlResult result, long atMs)
    {
        http.Response.ContentType = ParquetAnswer.ContentType;
        var answer = new ParquetAnswer(http.Response.BodyWriter, result.Kind == LogQlResultKind.Streams);
        foreach (var (labels, entries) in LokiStreams.Groups(result.Entries, categorize: false))
        {
            foreach (var entry in entries)
            {
                answer.Add(entry.TimestampNs, labels, entry.Line);
                await WriteAsync();
            }
        }
        foreach (var series in result.Series)
        {
            foreach (var (timestampMs, value) in series.Points) answer.Add(timestampMs, series.Labels, value);
            await WriteAsync();
        }
        if (result.Kind == LogQlResultKind.Scalar) answer.Add(atMs, Core.Labels.Empty, result.Scalar);
        answer.Finish([.. result.Warnings.Select(w => ("warning", w))]);
        await http.Response.BodyWriter.FlushAsync(http.RequestAborted);

        async ValueTask WriteAsync()
        {
            if (answer.PendingBytes < GroupBytes) return;
            answer.EndGroup();
            await http.Response.BodyWriter.FlushAsync(http.RequestAborted);
        }
    }
}
