using Microsoft.Extensions.Logging;

namespace Pharos.Collector.Scraping;

/// <summary>One line of JSON for each failed scrape, as Prometheus's <c>scrape_failure_log_file</c>. Safe for several threads.</summary>
internal sealed class FailureLog(string path, ILogger logger) : IDisposable
{
    private readonly JsonLineFile file = new(path, reason => ScrapeLog.FailureLogBroken(logger, path, reason));

    public void Write(DateTimeOffset at, string job, Uri target, string error) => file.Write(json =>
    {
        json.WriteString("time", at.UtcDateTime);
        json.WriteString("level", "ERROR");
        json.WriteString("msg", error);
        json.WriteString("job_name", job);
        json.WriteString("target", target.ToString());
    });

    public void Dispose() => file.Dispose();
}
