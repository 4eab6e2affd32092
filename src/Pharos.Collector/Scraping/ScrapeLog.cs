using Microsoft.Extensions.Logging;

namespace Pharos.Collector.Scraping;

internal static partial class ScrapeLog
{
    [LoggerMessage(5151, LogLevel.Debug, "Scrape of {Url} (job {Job}) failed: {Error}")]
    public static partial void Failed(ILogger logger, string job, Uri url, string error);

    [LoggerMessage(5152, LogLevel.Warning, "Samples of {Url} (job {Job}) were not taken: {Error}")]
    public static partial void NotForwarded(ILogger logger, string job, Uri url, string error);

    [LoggerMessage(5154, LogLevel.Warning, "The scrape failure log {Path} cannot be written: {Error}")]
    public static partial void FailureLogBroken(ILogger logger, string path, string error);

    [LoggerMessage(5153, LogLevel.Warning, "A target of job {Job} cannot be scraped: {Error}; labels {Labels}")]
    public static partial void BadTarget(ILogger logger, string job, string error, string labels);
}
