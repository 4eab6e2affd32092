using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.Storage.WriteLog;

namespace Pharos.Logs.Tests;

/// <summary>A store and its write log in one folder, which can be stopped hard and started again.</summary>
internal sealed class StoreWorld : IAsyncDisposable
{
    public const long SecondNs = 1_000_000_000;

    private readonly TemporaryFolder folder = Places.NewFolder();
    private readonly Func<LogStoreOptions, LogStoreOptions>? with;
    private readonly ITenantLimits limits;
    private FileWriteLog log = null!;

    public StoreWorld(TenantLimits? limits = null, Func<LogStoreOptions, LogStoreOptions>? with = null)
    {
        this.with = with;
        this.limits = new FixedTenantLimits(limits);
        Start();
    }

    public ManualTimeProvider Time { get; } = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    public long NowNs => Time.UnixNs();

    public Instruments Instruments { get; private set; } = new();

    public LogStore Store { get; private set; } = null!;

    public string LogsFolder => Path.Combine(folder, "logs");

    public static TenantId Tenant => TenantId.Anonymous;

    public static LogStoreOptions Plain(LogStoreOptions options) => options with { DiscoverLevels = false, ServiceNameLabels = [], RejectOldEntries = false };

    public string[] Parts => Directory.Exists(LogsFolder) ? Directory.GetFiles(LogsFolder, "*.part", SearchOption.AllDirectories) : [];

    public double Metric(string name) => Instruments.Read().Where(f => f.Name == name).SelectMany(f => f.Cells).Sum(c => c.Value);

    public async Task<LogAppendResult> PushAsync(params (string App, long Ns, string Line)[] entries)
    {
        using var batch = new LogBatch();
        foreach (var (app, ns, line) in entries) batch.AddEntry(batch.AddStream(Labels.Of(("app", app))), ns, Encoding.UTF8.GetBytes(line), MetadataOf(line).Encoded);
        return await Store.AppendAsync(Tenant, batch, CancellationToken.None);
    }

    /// <summary>Lines of random tests that end in some letters carry metadata, many the same, many none.</summary>
    public static Labels MetadataOf(string line) => line.StartsWith("line", StringComparison.Ordinal) && line.Length % 3 > 0
        ? Labels.Of(("trace", (line.Length % 7).ToString()), ("span", new string('s', line.Length % 3 * 100)))
        : Labels.Empty;

    public static string Shown(string app, long ns, string line) => $"{app} {ns} {line}{(MetadataOf(line).IsEmpty ? "" : " " + MetadataOf(line))}";

    public List<string> Read(bool backward = false, long startNs = 0, long endNs = long.MaxValue, bool ordered = true, params string[] literals) =>
        Read(new LogSelection
        {
            Matchers = [new Matcher(MatchOp.Regex, "app", ".+")],
            StartNs = startNs,
            EndNs = endNs,
            Backward = backward,
            Ordered = ordered,
            RequiredLiterals = [.. literals.Select(l => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(l))],
        }, out _);

    public List<string> Read(LogSelection selection, out LogReadStatistics statistics)
    {
        var lines = new List<string>();
        using var cursor = Store.Open(Tenant, selection, CancellationToken.None);
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
        log = new FileWriteLog(new WriteLogOptions { Folder = Path.Combine(folder, "write-log"), Sync = SyncPolicy.Os, SegmentBytesMax = 1 << 20 }, Time, Instruments, NullLogger.Instance);
        var options = new LogStoreOptions { Folder = LogsFolder };
        Store = new LogStore(with?.Invoke(options) ?? options, log, limits, Time, Instruments, NullLogger.Instance);
        Store.Start();
    }
}
