using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.Storage.Files;
using Pharos.Storage.WriteLog;

namespace Pharos.Metrics.Tests;

/// <summary>A store with its write log in a folder of its own, on a clock that stands still.</summary>
internal sealed class StoreFixture : IAsyncDisposable
{
    public static readonly TenantId Tenant = TenantId.Parse("shop");

    private readonly TemporaryFolder folder = Places.NewFolder();
    private readonly TimeSpan interval;

    private readonly TimeProvider clock;

    /// <param name="clock">The store's clock, where it is not <see cref="Time"/>.</param>
    /// <param name="disk">What writes blocks and saved heads; null for the real disk.</param>
    /// <param name="maintains">Whether the store does its maintenance by itself as the clock goes; else only when it is told to.</param>
    public StoreFixture(TenantLimits? limits = null, WriteLogOptions? logOptions = null, TimeProvider? clock = null, IDisk? disk = null, bool maintains = true)
    {
        this.clock = clock ?? Time;
        interval = maintains ? TimeSpan.FromMinutes(1) : TimeSpan.FromDays(40);
        Disk = disk ?? FileDisk.Instance;
        Limits = limits ?? new TenantLimits();
        LogOptions = logOptions ?? new WriteLogOptions { Folder = Path.Combine(folder, "write-log"), Sync = SyncPolicy.Os };
        Open();
    }

    public ManualTimeProvider Time { get; } = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));
    public TenantLimits Limits { get; set; }
    public IDisk Disk { get; set; }
    public long HeadChunkBytes { get; set; } = 1 << 20;
    public WriteLogOptions LogOptions { get; set; }
    public Instruments Instruments { get; private set; } = null!;
    public FileWriteLog Log { get; private set; } = null!;
    public MetricStore Store { get; private set; } = null!;
    public string Folder => folder;
    public string TenantFolder => Path.Combine(folder, "metrics", Tenant.Name);
    public long Now => Time.UnixMs();

    public void Open()
    {
        Instruments = new Instruments();
        Log = new FileWriteLog(LogOptions with { Folder = Path.Combine(folder, "write-log") }, clock, Instruments, NullLogger.Instance);
        Store = new MetricStore(
            new MetricStoreOptions { Folder = Path.Combine(folder, "metrics"), ExemplarsPerTenant = 1000, SaveHeadsOnClose = false, Disk = Disk, MaintenanceInterval = interval, HeadChunkBytes = HeadChunkBytes },
            Log, new Live(this), clock, Instruments, NullLogger.Instance);
        Store.Start();
    }

    /// <summary>Closes without any farewell, as a crash does, and opens again.</summary>
    public async Task RestartAsync(Action? between = null)
    {
        await Store.DisposeAsync();
        await Log.DisposeAsync();
        between?.Invoke();
        Open();
    }

    /// <summary>A clean stop, which saves the heads, and a start.</summary>
    /// <param name="between">What happens to the files while nothing runs.</param>
    public async Task StopAndStartAsync(Action? between = null)
    {
        await Store.SaveHeadsAsync(default);
        await RestartAsync(between);
    }

    public async Task<AppendResult> AppendAsync(Labels labels, long ms, double value)
    {
        using var batch = new MetricBatch();
        batch.AddSample(batch.AddSeries(labels), ms, value);
        return await Store.AppendAsync(Tenant, batch, default);
    }

    public async Task<AppendResult> AppendAsync(Labels labels, params (long Ms, double Value)[] samples)
    {
        using var batch = new MetricBatch();
        int series = batch.AddSeries(labels);
        foreach (var (ms, value) in samples) batch.AddSample(series, ms, value);
        return await Store.AppendAsync(Tenant, batch, default);
    }

    public IReadOnlyList<ISeries> Select(TimeRange range, params Matcher[] matchers) =>
        Store.Select(Tenant, matchers, range, SelectHints.None, default);

    public List<(long Ms, double Value)> Read(Labels labels, TimeRange? range = null)
    {
        var within = range ?? TimeRange.All;
        var matchers = new List<Matcher>();
        foreach (var (name, value) in labels) matchers.Add(new Matcher(MatchOp.Equal, name, value));
        var found = Store.Select(Tenant, matchers, within, SelectHints.None, default).SingleOrDefault(s => s.Labels.Equals(labels));
        var read = new List<(long, double)>();
        if (found is null) return read;
        using var columns = new SampleColumns();
        found.Read(within, columns);
        for (int i = 0; i < columns.Count; i++) read.Add((columns.Timestamps[i], columns.Values[i]));
        return read;
    }

    public double Metric(string name) => Instruments.Read().Single(f => f.Name == name).Cells.Sum(c => c.Value);

    public async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        await Log.DisposeAsync();
        folder.Dispose();
    }

    private sealed class Live(StoreFixture owner) : ITenantLimits
    {
        public TenantLimits For(TenantId tenant) => owner.Limits;
    }
}
