using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.LogQL.Pipeline;
using Pharos.LogQL.Syntax;
using Pharos.Logs;
using Pharos.Storage.WriteLog;

namespace Pharos.LogQL.Tests;

/// <summary>A log store in a folder of its own, with an engine over it.</summary>
internal sealed class LogWorld : IAsyncDisposable
{
    private readonly TemporaryFolder folder = Places.NewFolder();
    private readonly FileWriteLog log;
    private readonly LogBatch batch = new();

    public LogWorld(TenantLimits? limits = null, Func<LogStoreOptions, LogStoreOptions>? with = null)
    {
        var instruments = new Instruments();
        log = new FileWriteLog(new WriteLogOptions { Folder = Path.Combine(folder, "write-log"), Sync = SyncPolicy.Os }, Time, instruments, NullLogger.Instance);
        var options = new LogStoreOptions
        {
            Folder = Path.Combine(folder, "logs"), RejectOldEntries = false, DiscoverLevels = false, ServiceNameLabels = [],
        };
        var tenantLimits = new FixedTenantLimits(limits);
        Store = new LogStore(with?.Invoke(options) ?? options, log, tenantLimits, Time, instruments, NullLogger.Instance);
        Store.Start();
        Engine = new LogQlEngine(Store, tenantLimits, Time);
    }

    public ManualTimeProvider Time { get; } = new();

    public LogStore Store { get; }

    public LogQlEngine Engine { get; }

    public static TenantId Tenant => TenantId.Anonymous;

    public async Task PushAsync(string selector, long timestampNs, string line, IEnumerable<KeyValuePair<string, string>>? metadata = null)
    {
        batch.Clear();
        Add(selector, timestampNs, line, metadata);
        await SendAsync();
    }

    public void Add(string selector, long timestampNs, string line, IEnumerable<KeyValuePair<string, string>>? metadata = null) =>
        AddBytes(selector, timestampNs, Encoding.UTF8.GetBytes(line), metadata);

    public void AddBytes(string selector, long timestampNs, byte[] line, IEnumerable<KeyValuePair<string, string>>? metadata = null)
    {
        var labels = Labels.Of(Parser.ParseSelector(selector).Select(m => KeyValuePair.Create(m.Name, m.Value)));
        var own = metadata is null ? Labels.Empty : LabelEncoding.ToLabels([.. metadata.Select(m => (m.Key, m.Value))]);
        batch.AddEntry(batch.AddStream(labels), timestampNs, line, own.Encoded);
    }

    public async Task SendAsync()
    {
        var result = await Store.AppendAsync(Tenant, batch, CancellationToken.None);
        Assert.Empty(result.Errors);
        batch.Clear();
    }

    /// <summary>What a range query over the first three seconds answers, as text that can be compared, or its error; and what was read for it.</summary>
    public async Task<(string Answer, LogReadStatistics Read)> AnswerAsync(string query)
    {
        try
        {
            var result = await Engine.QueryRangeAsync(
                Tenant, new LogQlRangeQuery { Text = query, StartNs = 0, EndNs = 3_000_000_000, StepNs = 1_000_000_000, Limit = 5000 }, CancellationToken.None);
            var text = new StringBuilder();
            foreach (var series in result.Series) text.Append($"{series.Labels} {string.Join(' ', series.Points.Select(p => $"{p.TimestampMs}:{p.Value:r}"))}\n");
            foreach (var entry in result.Entries) text.Append($"{entry.TimestampNs} {Encoding.UTF8.GetString(entry.Line)} {entry.Stream} {entry.Metadata} {entry.Parsed}\n");
            return (text.ToString(), result.Statistics.Read);
        }
        catch (QueryException e)
        {
            return (e.Message, default);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Engine.Dispose();
        await Store.DisposeAsync();
        await log.DisposeAsync();
        batch.Dispose();
        folder.Dispose();
    }
}
