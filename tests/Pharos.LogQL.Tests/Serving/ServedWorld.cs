using System.Text;
using Pharos.Core;
using Pharos.LogQL.Serving;

namespace Pharos.LogQL.Tests.Serving;

/// <summary>A log store with the service that clients ask.</summary>
internal sealed class ServedWorld : IAsyncDisposable
{
    public const long SecondNs = 1_000_000_000, HourNs = 3600 * SecondNs;

    public ServedWorld(LogServingOptions? options = null)
    {
        Running = new QueryRegistry(World.Time, TimeSpan.FromSeconds(5));
        Service = new LogQueryService(World.Engine, World.Store, Running, World.Time, Instruments, options ?? new LogServingOptions { ThreadsMax = 1 });
    }

    public LogWorld World { get; } = new(with: o => o with { FilterLanguage = new LogQlFilterLanguage(TimeProvider.System) });

    public Instruments Instruments { get; } = new();

    public QueryRegistry Running { get; }

    public LogQueryService Service { get; }

    public TenantLimits Limits { get; set; } = new() { LogQueryLengthMax = TimeSpan.Zero, LogQueryEntriesMax = 0, LogQuerySeriesMax = 0 };

    public Task<LogQlResult> RangeAsync(LogQlRangeQuery query, bool useCache = true) => Service.RangeAsync(LogWorld.Tenant, Limits, query, useCache, CancellationToken.None);

    public double Parts(string from) => Instruments.Read().Single(f => f.Name == "pharos_logql_parts_total").Cells.Where(c => c.LabelValues[0] == from).Sum(c => c.Value);

    /// <summary>An answer as text, to be compared.</summary>
    public static string Show(LogQlResult result)
    {
        var text = new StringBuilder();
        foreach (var entry in result.Entries) text.AppendLine($"{entry.TimestampNs} {entry.Stream} {entry.Metadata} {entry.Parsed} {Encoding.UTF8.GetString(entry.Line)}");
        foreach (var series in result.Series) text.AppendLine($"{series.Labels} {string.Join(" ", series.Points.Select(p => $"{p.TimestampMs}={p.Value:R}"))}");
        return text.ToString();
    }

    public async ValueTask DisposeAsync()
    {
        Service.Dispose();
        await World.DisposeAsync();
    }
}
