namespace Pharos.Collector.Scraping;

internal enum ScrapeFault
{
    Other,
    SampleLimit,
    LabelLimit,
    BodySizeLimit,
}

/// <summary>A scrape that fails as a whole; the message is the target's last error.</summary>
internal sealed class ScrapeException(string message, ScrapeFault fault = ScrapeFault.Other) : Exception(message)
{
    public ScrapeFault Fault { get; } = fault;
}
