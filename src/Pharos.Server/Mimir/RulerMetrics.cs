using Pharos.Core;

namespace Pharos.Server.Mimir;

/// <summary>What rules ask and write, by the names of Mimir's ruler. Failures are this server's; a query that is wrong is its author's.</summary>
internal sealed class RulerMetrics(Instruments instruments, IngestionRates rates)
{
    private readonly Counter queries = instruments.Counter("cortex_ruler_queries_total", "Number of queries executed by ruler.");
    private readonly Counter queriesFailed = instruments.Counter("cortex_ruler_queries_failed_total", "Number of failed queries by ruler.");
    private readonly Counter writes = instruments.Counter("cortex_ruler_write_requests_total", "Number of write requests to ingesters.");
    private readonly Counter writesFailed = instruments.Counter("cortex_ruler_write_requests_failed_total", "Number of failed write requests to ingesters.");

    public IRuleLanguage Counted(IRuleLanguage language) => new Language(this, language);

    public IMetricSink Counted(IMetricSink store) => new Sink(this, store);

    private void Recorded(TenantId tenant, long samples) => rates.Recorded(tenant, samples);

    private sealed class Language(RulerMetrics metrics, IRuleLanguage language) : IRuleLanguage
    {
        public async ValueTask<InstantResult> QueryInstantAsync(TenantId tenant, string expression, long timestampMs, CancellationToken cancel)
        {
            metrics.queries.Add();
            try
            {
                return await language.QueryInstantAsync(tenant, expression, timestampMs, cancel);
            }
            catch (QueryException failed) when (failed.Kind is QueryErrorKind.Internal or QueryErrorKind.Timeout)
            {
                metrics.queriesFailed.Add();
                throw;
            }
        }

        public IReadOnlyList<Diagnostic> Check(string expression) => language.Check(expression);

        public string Format(string expression) => language.Format(expression);
    }

    private sealed class Sink(RulerMetrics metrics, IMetricSink store) : IMetricSink
    {
        public async ValueTask<AppendResult> AppendAsync(TenantId tenant, MetricBatch batch, CancellationToken cancel)
        {
            metrics.writes.Add();
            try
            {
                var result = await store.AppendAsync(tenant, batch, cancel);
                metrics.Recorded(tenant, result.Samples + result.Histograms);
                return result;
            }
            catch (StoreUnavailableException)
            {
                metrics.writesFailed.Add();
                throw;
            }
        }
    }
}
