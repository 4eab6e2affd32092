using System.CommandLine;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Pharos.Core;
using Pharos.Server.Hosting;

namespace Pharos.Cli.Commands;

/// <summary><c>pharos prometheus</c>: metrics next to the targets, with Prometheus's own flags.</summary>
internal static class PrometheusCommand
{
    /// <summary>Flags of Prometheus that have no counterpart here: named so that they are refused with a reason.</summary>
    private static readonly (string Name, string Reason)[] Refused =
    [
        ("--agent", "agent mode is not supported; use pharos-collector"),
        ("--web.console.templates", "console templates are not supported"),
        ("--web.console.libraries", "console templates are not supported"),
        ("--web.cors.origin", "cross-origin requests are not supported"),
        ("--storage.tsdb.retention", "it is deprecated; use --storage.tsdb.retention.time"),
        ("--storage.agent.path", "agent mode is not supported; use pharos-collector"),
        ("--rules.alert.for-outage-tolerance", "it cannot be changed; the state of alerts is kept over restarts"),
        ("--rules.alert.for-grace-period", "it cannot be changed; the state of alerts is kept over restarts"),
        ("--rules.max-concurrent-evals", "groups always run beside each other"),
    ];

    public static Command Create()
    {
        var config = new Option<string>("--config.file") { Description = "Prometheus configuration file.", DefaultValueFactory = _ => "prometheus.yml" };
        var storage = new Option<string>("--storage.tsdb.path") { Description = "Folder for metrics.", DefaultValueFactory = _ => "data/" };
        var retention = Duration("--storage.tsdb.retention.time", "How long samples are kept.", "15d");
        var size = Size("--storage.tsdb.retention.size", "Bytes of blocks that are kept, for example 50GB; 0 for no limit. The oldest go first.");
        var listen = new Option<string>("--web.listen-address") { Description = "Address to listen on; :9090 means all of the machine's addresses.", DefaultValueFactory = _ => "127.0.0.1:9090" };
        var external = new Option<string?>("--web.external-url") { Description = "Where people reach it; stands in alerts. Its path prefixes all routes." };
        var prefix = new Option<string?>("--web.route-prefix") { Description = "Path before all routes. Default: the path of --web.external-url." };
        var web = new Option<string?>("--web.config.file") { Description = "File with TLS, users and headers of the server." };
        var receiver = new Option<bool>("--web.enable-remote-write-receiver") { Description = "Take samples by remote write at /api/v1/write." };
        var otlp = new Option<bool>("--web.enable-otlp-receiver") { Description = "Take OTLP metrics at /api/v1/otlp/v1/metrics." };
        var features = new Option<string[]>("--enable-feature")
        {
            Description = $"{string.Join(", ", PrometheusFeatures.Switches)}; a list with commas, or several times.", HelpName = "FEATURE", AllowMultipleArgumentsPerToken = false,
        };
        features.Validators.Add(PrometheusFeatures.Check);
        var lifecycle = new Option<bool>("--web.enable-lifecycle") { Description = "POST /-/reload and /-/quit answer." };
        var admin = new Option<bool>("--web.enable-admin-api") { Description = "POST /api/v1/admin/tsdb/* answers." };
        var lookback = Duration("--query.lookback-delta", "How far back a sample still counts as current.", "5m");
        var timeout = Duration("--query.timeout", "Longest time for a query.", "2m");
        var concurrency = new Option<int>("--query.max-concurrency") { Description = "Queries that run at the same time.", DefaultValueFactory = _ => 20 };
        var samples = new Option<long>("--query.max-samples") { Description = "Samples that one query may load.", DefaultValueFactory = _ => 50_000_000 };
        var resend = Duration("--rules.alert.resend-delay", "How often an alert that fires is sent again.", "1m");
        var level = new Option<string>("--log.level") { Description = "debug, info, warn or error.", DefaultValueFactory = _ => "info" };
        var format = new Option<string>("--log.format") { Description = "logfmt (one line of text).", DefaultValueFactory = _ => "logfmt" };
        level.AcceptOnlyFromAmong("debug", "info", "warn", "error");
        format.AcceptOnlyFromAmong("logfmt");
        Option[] flags = [config, storage, retention, size, listen, external, prefix, web, receiver, otlp, features, lifecycle, admin, lookback, timeout, concurrency, samples, resend, level, format];
        var command = new Command("prometheus", HelpText.WithExamples(
            "Scrapes, stores, evaluates rules, alerts and writes to remotes, next to the targets. Takes Prometheus's configuration file and flags.",
            "pharos prometheus --config.file prometheus.yml",
            "pharos prometheus --config.file=prometheus.yml --storage.tsdb.path=/var/lib/prometheus --web.listen-address=:9090 --web.enable-lifecycle"));
        foreach (var flag in flags) command.Add(flag);
        foreach (var (name, reason) in Refused)
        {
            var refused = new Option<string?>(name) { Hidden = true, Arity = ArgumentArity.ZeroOrOne };
            refused.Validators.Add(r => r.AddError($"{name} is not supported: {reason}"));
            command.Add(refused);
        }
        command.SetAction(async (parsed, cancel) =>
        {
            string address = parsed.GetValue(listen)!;
            if (!ListenAddress.TryParse(address, out string host, out int port)) return Usage.Fail($"--web.listen-address {address} is not HOST:PORT", ExitCode.Usage);
            string? url = parsed.GetValue(external);
            string path = parsed.GetValue(prefix) ?? (Uri.TryCreate(url, UriKind.Absolute, out var outer) ? outer.AbsolutePath : "");
            string[] enabled = PrometheusFeatures.Of(parsed.GetValue(features));
            var options = new PrometheusHostOptions
            {
                ConfigFile = Path.GetFullPath(parsed.GetValue(config)!),
                StoragePath = parsed.GetValue(storage)!,
                Host = host,
                Port = port,
                ExternalUrl = url,
                WebConfigFile = parsed.GetValue(web) is { Length: > 0 } file ? Path.GetFullPath(file) : null,
                RoutePrefix = path.Trim('/') is { Length: > 0 } trimmed ? "/" + trimmed : "",
                RemoteWriteReceiver = parsed.GetValue(receiver),
                OtlpReceiver = parsed.GetValue(otlp),
                StartTimestampsAsZeros = enabled.Contains(PrometheusFeatures.StartsAsZeros),
                OtlpDelta = enabled.Contains(PrometheusFeatures.DeltaToCumulative) ? OtlpDelta.ToCumulative : enabled.Contains(PrometheusFeatures.NativeDelta) ? OtlpDelta.Native : OtlpDelta.Reject,
                DelayedNameRemoval = enabled.Contains(PrometheusFeatures.DelayedNameRemoval),
                Lifecycle = parsed.GetValue(lifecycle),
                AdminApi = parsed.GetValue(admin),
                Retention = Parsed(parsed, retention),
                RetentionBytes = ByteSize.TryParse(parsed.GetValue(size), out long bytes) ? bytes : 0,
                Lookback = Parsed(parsed, lookback),
                QueryTimeout = Parsed(parsed, timeout),
                QueryConcurrency = parsed.GetValue(concurrency),
                QuerySamplesMax = parsed.GetValue(samples),
                ResendDelay = Parsed(parsed, resend),
                Flags = flags.ToDictionary(f => f.Name.TrimStart('-'), f => parsed.GetResult(f)?.GetValueOrDefault<object>() switch { string[] list => string.Join(',', list), var value => value?.ToString() ?? "" }),
            };
            using var loggers = LogLevels.Logging(parsed.GetValue(level) switch { "debug" => LogLevel.Debug, "warn" => LogLevel.Warning, "error" => LogLevel.Error, _ => LogLevel.Information });
            try
            {
                return await RunAsync(options, loggers, cancel);
            }
            catch (ConfigurationException e)
            {
                foreach (var finding in e.Diagnostics) Console.Error.WriteLine(finding);
                return ExitCode.Failed;
            }
        });
        return command;
    }

    private static Task<int> RunAsync(PrometheusHostOptions options, ILoggerFactory loggers, CancellationToken cancel)
    {
        var quit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        return Running.RunAsync(
            async token =>
            {
                var host = await PrometheusHost.StartAsync(options, TimeProvider.System, loggers, token);
                _ = host.QuitAsked.ContinueWith(_ => quit.Cancel(), TaskScheduler.Default);
                var reload = PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal =>
                {
                    signal.Cancel = true;
                    _ = Task.Run(() => ReloadAsync(host));
                });
                return new Reloading(host, reload, quit);
            },
            host => $"pharos prometheus is ready on {host.Host.Address}",
            quit.Token);
    }

    private static async Task ReloadAsync(PrometheusHost host)
    {
        try
        {
            await host.ReloadAsync(CancellationToken.None);
        }
        catch (Exception e) when (e is ConfigurationException or IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"pharos: the configuration was not reloaded, the old one goes on: {e.Message}");
        }
    }

    private static Option<string> Duration(string name, string description, string otherwise)
    {
        var option = new Option<string>(name) { Description = description, DefaultValueFactory = _ => otherwise, HelpName = "DURATION" };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string>() is { } text && !PromDuration.TryParse(text, out _, out string? error)) result.AddError($"{name}: {error}");
        });
        return option;
    }

    private static Option<string> Size(string name, string description)
    {
        var option = new Option<string>(name) { Description = description, DefaultValueFactory = _ => "0", HelpName = "SIZE" };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string>() is { } text && !ByteSize.TryParse(text, out _)) result.AddError($"{name} must be a size with a unit, for example 512MB");
        });
        return option;
    }

    private static TimeSpan Parsed(ParseResult parsed, Option<string> option) =>
        PromDuration.TryParse(parsed.GetValue(option), out var duration, out _) ? duration : TimeSpan.Zero;

    private sealed class Reloading(PrometheusHost host, PosixSignalRegistration reload, CancellationTokenSource quit) : IAsyncDisposable
    {
        public PrometheusHost Host { get; } = host;

        public async ValueTask DisposeAsync()
        {
            reload.Dispose();
            await Host.DisposeAsync();
            quit.Dispose();
        }
    }
}
