using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Pharos.Collector.Scraping;

/// <summary>
/// A file that gets one line of JSON for each failed scrape, as Prometheus's <c>scrape_failure_log_file</c>; several jobs may share one.
/// Where it cannot be written that is logged, and scraping goes on. Safe for several threads.
/// </summary>
internal sealed class FailureLog(string path, ILogger logger) : IDisposable
{
    private readonly Lock gate = new();
    private FileStream? file;
    private bool broken;

    public void Write(DateTimeOffset at, string job, Uri target, string error)
    {
        using var line = new MemoryStream();
        using (var json = new Utf8JsonWriter(line))
        {
            json.WriteStartObject();
            json.WriteString("time", at.UtcDateTime);
            json.WriteString("level", "ERROR");
            json.WriteString("msg", error);
            json.WriteString("job_name", job);
            json.WriteString("target", target.ToString());
            json.WriteEndObject();
        }
        line.WriteByte((byte)'\n');
        lock (gate)
        {
            try
            {
                // In append mode each write goes to the end whole, also beside another job's.
                file ??= new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
                file.Write(line.GetBuffer().AsSpan(0, (int)line.Length));
                broken = false;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                if (!broken) ScrapeLog.FailureLogBroken(logger, path, e.Message);
                broken = true;
            }
        }
    }

    public void Dispose()
    {
        lock (gate) file?.Dispose();
    }
}
