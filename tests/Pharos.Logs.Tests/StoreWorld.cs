using System.Text;
using Pharos.Core;
using Pharos.Metrics.Tests;
using Pharos.Storage.Files;
using Pharos.Storage.WriteLog;

namespace Pharos.Logs.Tests;

/// <summary>A store and its write log in one folder, which can be stopped hard and started again.</summary>
internal sealed class StoreWorld : IAsyncDisposable
{
    public const long SecondNs = 1_000_000_000;

    private readonly TemporaryFolder folder = Places.NewFolder();
    private readonly Func<LogStoreOptions, LogStoreOptions>? with;
    private readonly ITenantLimits limits;
    private readonly TimeProvider clock;
    private FileWriteLog log = null!;

    /// <param name="disk">What the write log and the store write to; null for the real one.</param>
    /// <param name="clock">What the store takes for the clock, made of <see cref="Time"/>; null for that itself.</param>
    public StoreWorld(TenantLimits? limits = null, Func<LogStoreOptions, LogStoreOptions>? with = null, IDisk? disk = null, Func<TimeProvider, TimeProvider>? clock = null)
    {
        this.with = with;
        this.clock = clock?.Invoke(Time) ?? Time;
        Disk = disk ?? FileDisk.Instance;
        this.limits = new FixedTenantLimits(limits);
        Start();
    }

    public ManualTimeProvider Time { get; } = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    public long NowNs => Time.UnixNs();

    public Instruments Instruments { get; private set; } = new();

    public LogStore Store { get; private set; } = null!;

    /// <summary>From the next start on.</summary>
    public IDisk Disk { get; set; }

    /// <summary>Size of the write log's segments, from the next start on.</summary>
    public long SegmentBytesMax { get; set; } = 1 << 20;

    /// <summary>What write log and store said, over all starts.</summary>
    public LogLines Said { get; } = new();

    public string DataFolder => folder;

    public string LogsFolder => Path.Combine(folder, "logs");

    public static TenantId Tenant => TenantId.Anonymous;

    /// <summary>Puts a record into the write log behind the store's back.</summary>
    public async Task AppendRecordAsync(byte[] record) => await log.AppendAsync(RecordKind.Logs, Tenant, record, CancellationToken.None);

    public static LogStoreOptions Plain(LogStoreOptions options) => options with { DiscoverLevels = false, ServiceNameLabels = [], RejectOldEntries = false };

    public string[] Parts => Directory.Exists(LogsFolder) ? Directory.GetFiles(LogsFolder, "*.part", SearchOption.AllDirectories) : [];

    public double Metric(string name) => Instruments.Read().Where(f => f.Name == name).SelectMany(f => f.Cells).Sum(c => c.Value);

    public Task<LogAppendResult> PushAsync(params (string App, long Ns, string Line)[] entries) => PushAsync(Tenant, entries);

    public async Task<LogAppendResult> PushAsync(TenantId tenant, params (string App, long Ns, string Line)[] entries)
    {
        using var batch = new LogBatch();
        foreach (var (app, ns, line) in entries) batch.AddEntry(batch.AddStream(Labels.Of(("app", app))), ns, Encoding.UTF8.GetBytes(line), MetadataOf(line).Encoded);
        return await Store.AppendAsync(tenant, batch, CancellationToken.None);
    }

    /// <summary>Lines of random tests that end in some letters carry metadata, many the same, many none.</summary>
    public static Labels MetadataOf(string line) => line.StartsWith("line", StringComparison.Ordinal) && line.Length % 3 > 0
        ? Labels.Of(("trace", (line.Length % 7).ToString()), ("span", new string('s', line.Length % 3 * 100)))
        : Labels.Empty;

    public static string Shown(string app, long ns, string line) => $"{app} {ns} {line}{(MetadataOf(line).IsEmpty ? "" : " " + MetadataOf(line))}";

    public List<string> Read(bool backward = false, long startNs = 0, long endNs = long.MaxValue, bool ordered = true, TenantId? tenant = null, params string[] literals) =>
        Read(new LogSelection
        {
            Matchers = [new Matcher(MatchOp.Regex, "app", ".+")],
            StartNs = startNs,
            EndNs = endNs,
            Backward = backward,
            Ordered = ordered,
            RequiredLiterals = [.. literals.Select(l => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(l))],
        }, out _, tenant);

    public List<string> Read(LogSelection selection, out LogReadStatistics statistics, TenantId? tenant = null)
    {
        var lines = new List<string>();
        using var cursor = Store.Open(tenant ?? Tenant, selection, CancellationToken.None);
        while (cursor.MoveNext())
        {
            string metadata = cursor.Metadata.IsEmpty ? "" : " " + Labels.FromEncoded(cursor.Metadata);
            lines.Add($"{cursor.Stream["app"]} {cursor.TimestampNs} {Encoding.UTF8.GetString(cursor.Line)}{metadata}");
        }
        statistics = cursor.Statistics;
        return lines;
    }

    /// <summary>Stops without a flush, as a kill would, and starts from the files.</summary>
    public async Task RestartAsync(Action? between = null)
    {
        await StopAsync();
        between?.Invoke();
        Start();
    }

    public async Task StopAsync()
    {
        await Store.DisposeAsync();
        await log.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        folder.Dispose();
    }

    private void Start()
    {
        Instruments = new Instruments();
        log = new FileWriteLog(new WriteLogOptions { Folder = Path.Combine(folder, "write-log"), Sync = Disk == FileDisk.Instance ? SyncPolicy.Os : SyncPolicy.Always, SegmentBytesMax = SegmentBytesMax }, clock, Instruments, Said, Disk);
        var options = new LogStoreOptions { Folder = LogsFolder, Disk = Disk };
        Store = new LogStore(with?.Invoke(options) ?? options, log, limits, clock, Instruments, Said);
        Store.Start();
    }
}
