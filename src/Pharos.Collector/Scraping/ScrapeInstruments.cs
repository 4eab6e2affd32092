using Pharos.Core;

namespace Pharos.Collector.Scraping;

/// <summary>The scraper's own metrics, under Prometheus's names.</summary>
internal sealed class ScrapeInstruments(Instruments instruments)
{
    public Gauge Targets { get; } = instruments.Gauge("prometheus_target_scrape_pool_targets", "Current number of targets in this scrape pool.", "scrape_job");
    public Counter SyncFailed { get; } = instruments.Counter("prometheus_target_sync_failed_total", "Total number of target sync failures.", "scrape_job");
    public Counter TargetLimit { get; } = instruments.Counter("prometheus_target_scrape_pool_exceeded_target_limit_total", "Total number of times scrape pools hit the target limit, during sync or config reload.");
    public Counter SampleLimit { get; } = instruments.Counter("prometheus_target_scrapes_exceeded_sample_limit_total", "Total number of scrapes that hit the sample limit and were rejected.");
    public Counter BodySizeLimit { get; } = instruments.Counter("prometheus_target_scrapes_exceeded_body_size_limit_total", "Total number of scrapes that hit the body size limit");
    public Counter LabelLimits { get; } = instruments.Counter("prometheus_target_scrape_pool_exceeded_label_limits_total", "Total number of times scrape pools hit the label limits, during sync or config reload.");
    public Counter Duplicates { get; } = instruments.Counter("prometheus_target_scrapes_sample_duplicate_timestamp_total", "Total number of samples rejected due to duplicate timestamps but different values.");
    public Counter OutOfBounds { get; } = instruments.Counter("prometheus_target_scrapes_sample_out_of_bounds_total", "Total number of samples rejected due to timestamp falling outside of the time bounds.");
    public Counter NotForwarded { get; } = instruments.Counter("prometheus_target_scrapes_not_forwarded_total", "Scrapes whose samples no receiver took.");
    public Gauge TargetsGauge { get; } = instruments.Gauge("prometheus_scrape_targets_gauge", "Number of targets this component is configured to scrape");
}
