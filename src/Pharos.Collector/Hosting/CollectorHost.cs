using System.Buffers;
using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Pharos.Collector.Components;
using Pharos.Collector.Evaluation;
using Pharos.Collector.Http;
using Pharos.Collector.Remote;
using Pharos.Collector.Runtime;
using Pharos.Collector.Syntax;
using Pharos.Core;
using Pharos.Wire.Exposition;

namespace Pharos.Collector.Hosting;

/// <summary>
/// A whole collector: its configuration, the graph that runs, and the graph of its remote configuration.
/// Everything comes from outside, so that it runs in a process of its own or inside another, in real or simulated time.
/// </summary>
public sealed class CollectorHost : IAsyncDisposable
{
    private readonly CollectorOptions options;
    private readonly Instruments instruments = new();
    private readonly CollectorMetrics metrics;
    private readonly ILogger logger;
    private readonly GraphRuntime local;
    private readonly GraphRuntime remote;
    private readonly RemoteConfiguration remoteConfiguration;
    private readonly SemaphoreSlim loading = new(1, 1);
    private readonly ConcurrentDictionary<string, LiveTap> taps = new(StringComparer.Ordinal);
    private volatile bool ready;
    private volatile bool liveDebugging;
    private volatile ServerTls? tls;
    private ServerTls? checkedTls;
    private Arguments? remoteArguments;
    private bool remoteArgumentsChanged;

    public CollectorHost(CollectorOptions options)
    {
        this.options = options;
        logger = options.Log.CreateLogger("");
        metrics = new CollectorMetrics(instruments, options);
        Endpoints = new InternalEndpoints();
        local = new GraphRuntime(Settings("", CheckSetting), LocalSettingChanged);
        remote = new GraphRuntime(Settings("remotecfg/", RefuseSetting));
        remoteConfiguration = new RemoteConfiguration(options, instruments, logger, remote);
        instruments.BeforeRead(() => metrics.Count(Modules(local, "/").Concat(Modules(remote, "/remotecfg/"))));
    }

    /// <summary>Metrics pages of components inside the process.</summary>
    public InternalEndpoints Endpoints { get; }

    /// <summary>True after the first configuration was loaded.</summary>
    public bool IsReady => ready;

    /// <summary>What the collector's page presents, as <c>http > tls</c> says; null: it is plain HTTP.</summary>
    public ServerTls? Tls => tls;

    /// <summary>What a component sends on, while it does so.</summary>
    /// <param name="component">Its whole id, with <c>remotecfg/</c> before those of the remote configuration.</param>
    /// <returns>Null where <c>livedebugging</c> does not allow it, or there is no such component.</returns>
    public LiveTap? Watch(string component) => liveDebugging && taps.TryGetValue(component, out var tap) ? tap : null;

    /// <summary>The collector's own metrics, without those of its components.</summary>
    public Instruments Instruments => instruments;

    /// <summary>Loads the configuration, the first time or again. A configuration that does not load leaves the running one as it is.</summary>
    /// <returns>Warnings.</returns>
    /// <exception cref="SyntaxException">It was not loaded; holds every finding.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public async Task<IReadOnlyList<SyntaxDiagnostic>> LoadAsync(CancellationToken cancel)
    {
        await loading.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            var sources = options.Configuration();
            // Read with every load: files with the same names may hold new certificates.
            checkedTls = null;
            var findings = await local.LoadAsync(sources, options.ConfigurationFolder, isolate: false, cancel).ConfigureAwait(false);
            ready = true;
            metrics.Loaded(sources);
            tls = checkedTls;
            if (remoteArgumentsChanged) await remoteConfiguration.ConfigureAsync(remoteArguments, cancel).ConfigureAwait(false);
            remoteArgumentsChanged = false;
            return findings;
        }
        catch (Exception failure) when (failure is SyntaxException or IOException or UnauthorizedAccessException or ConfigurationException)
        {
            metrics.LoadFailed();
            RuntimeLog.LoadFailed(logger, failure.Message);
            throw;
        }
        finally
        {
            loading.Release();
        }
    }

    /// <summary>Stops everything: takes leave of the fleet, drains what the components still hold.</summary>
    public async Task StopAsync()
    {
        await loading.WaitAsync().ConfigureAwait(false);
        try
        {
            ready = false;
            await remoteConfiguration.StopAsync().ConfigureAwait(false);
            await remote.StopAsync().ConfigureAwait(false);
            await local.StopAsync().ConfigureAwait(false);
        }
        finally
        {
            loading.Release();
        }
    }

    public async ValueTask DisposeAsync() => await StopAsync().ConfigureAwait(false);

    /// <summary>Waits until every changed value has reached what depends on it.</summary>
    public async Task SettleAsync()
    {
        await local.SettleAsync().ConfigureAwait(false);
        await remote.SettleAsync().ConfigureAwait(false);
    }

    /// <summary>Ids of components that are unhealthy or have exited, with the reasons.</summary>
    public IReadOnlyList<(string Id, string Reason)> Unhealthy() =>
    [
        .. AllNodes().Where(n => n.Health.State is HealthState.Unhealthy or HealthState.Exited).Select(n => (n.Path, n.Health.Message)),
    ];

    /// <summary>The components of a module.</summary>
    /// <param name="module">Path of the module; empty for the root.</param>
    /// <param name="fromRemote">Of the remote configuration.</param>
    /// <returns>Null where there is no such module.</returns>
    public IReadOnlyList<ComponentView>? Components(string module = "", bool fromRemote = false)
    {
        var root = (fromRemote ? remote : local).Root;
        var found = root is null ? null : module.Length == 0 ? root : root.AllNodes().SelectMany(n => n.Children).FirstOrDefault(m => m.Path == module);
        if (found is not null) return [.. found.Order.Where(ComponentView.IsShown).Select(ComponentView.Of)];
        return module.Length == 0 ? [] : null;
    }

    /// <summary>One component by its whole id; null for none.</summary>
    public ComponentView? Component(string id, bool fromRemote = false) =>
        (fromRemote ? remote : local).Root?.AllNodes().FirstOrDefault(n => n.Path == id && ComponentView.IsShown(n)) is { } node ? ComponentView.Of(node) : null;

    /// <summary>Writes the metrics of the collector and all its components, those with <c>component_id</c> and <c>component_path</c>.</summary>
    public void WriteMetrics(IBufferWriter<byte> output, ExpositionFormat format)
    {
        var text = new ExpositionText(output, format);
        var parts = new List<(InstrumentFamily Family, Labels? Extra)>(instruments.Read().Select(f => (f, (Labels?)null)));
        foreach (var (slot, root) in Slots(local, "/").Concat(Slots(remote, "/remotecfg/")))
        {
            int cut = slot.Path.LastIndexOf('/');
            var extra = Labels.Of(("component_id", slot.Path[(cut + 1)..]), ("component_path", root + (cut < 0 ? "" : slot.Path[..cut])));
            parts.AddRange(slot.Instance.Context.Instruments.Read().Select(f => (f, (Labels?)extra)));
        }
        foreach (var family in parts.GroupBy(p => p.Family.Name).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            bool head = true;
            foreach (var (one, extra) in family)
            {
                ExpositionWriter.WriteFamily(one, text, format, extra, head);
                head = false;
            }
        }
        text.End();
    }

    private IEnumerable<Runtime.Node> AllNodes() => (local.Root?.AllNodes() ?? []).Concat(remote.Root?.AllNodes() ?? []);

    private static IEnumerable<(Slot Slot, string Root)> Slots(GraphRuntime graph, string root) =>
        (graph.Root?.Slots() ?? []).Where(s => s.Owner?.Module.ShowsMetrics ?? true).OrderBy(s => s.Path, StringComparer.Ordinal).Select(s => (s, root));

    private static IEnumerable<(Module Module, string Root)> Modules(GraphRuntime graph, string root) => graph.Root is { } module
        ? module.AllNodes().SelectMany(n => n.Children).Prepend(module).Where(m => m.ShowsMetrics).Select(m => (m, root))
        : [];

    private GraphSettings Settings(string prefix, Action<string, Arguments> check) => new()
    {
        Registry = options.Registry,
        Imports = ImportComponents.All,
        Library = new StandardLibrary(options.Facts),
        Minimum = options.MinimumStability,
        Time = options.Time,
        Logger = logger,
        Services = new ComponentServices { Facts = options.Facts, Endpoints = Endpoints, WriteMetrics = WriteMetrics },
        CheckSetting = check,
        ContextFor = path => new ComponentContext
        {
            Id = prefix + path,
            DataFolder = Path.Combine(options.StoragePath, prefix + path),
            Time = options.Time,
            Instruments = new Instruments(),
            Logger = options.Log.CreateLogger(prefix + path),
            Http = client => Endpoints.Wrap(options.Http(client)),
            Tap = taps.GetOrAdd(prefix + path, _ => new LiveTap()),
        },
    };

    private void CheckSetting(string name, Arguments arguments)
    {
        if (name == "remotecfg") RemoteOptions.Check(arguments);
        if (name == "http") checkedTls = HttpArguments.ReadServerTls(arguments);
    }

    private static void RefuseSetting(string name, Arguments arguments) =>
        throw arguments.Wrong($"{name} is not allowed in a remote configuration");

    private void LocalSettingChanged(string name, Arguments? arguments)
    {
        switch (name)
        {
            case "logging":
                options.Log.Minimum = arguments?.Text("level") switch { "error" => LogLevel.Error, "warn" => LogLevel.Warning, "debug" => LogLevel.Debug, _ => LogLevel.Information };
                options.Log.Json = arguments?.Text("format") == "json";
                options.Log.Receivers = arguments?.Capsules<ILogsReceiver>("write_to") ?? [];
                break;
            case "livedebugging":
                liveDebugging = arguments?.Flag("enabled") ?? false;
                break;
            case "remotecfg":
                // Applied after the load: the first answer of the fleet must not hold up the local configuration.
                remoteArguments = arguments;
                remoteArgumentsChanged = true;
                break;
        }
    }
}
