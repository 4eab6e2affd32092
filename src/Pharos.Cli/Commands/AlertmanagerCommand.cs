using System.CommandLine;
using Microsoft.Extensions.Logging;
using Pharos.Alerting;
using Pharos.Core;
using Pharos.Server.Hosting;

namespace Pharos.Cli.Commands;

/// <summary><c>pharos alertmanager</c>: alert routing alone, with Alertmanager's own flags.</summary>
internal static class AlertmanagerCommand
{
    private static readonly string[] ClusterFlags =
    [
        "advertise-address", "peer-name", "peer-timeout", "peers-resolve-timeout", "gossip-interval", "pushpull-interval", "tcp-timeout",
        "probe-timeout", "probe-interval", "settle-timeout", "reconnect-interval", "reconnect-timeout", "tls-config", "label",
    ];

    public static Command Create()
    {
        var config = new Option<string>("--config.file") { Description = "Alertmanager configuration file.", DefaultValueFactory = _ => "alertmanager.yml" };
        var storage = new Option<string>("--storage.path") { Description = "Folder for alerts, silences and the notification log.", DefaultValueFactory = _ => "data/" };
        var retention = Duration("--data.retention", "How long expired silences and sent notifications are remembered.", "120h");
        var maintenance = Duration("--data.maintenance-interval", "How often what is older than the retention is taken away.", "15m");
        var silencesMax = new Option<int>("--silences.max-silences") { Description = "Most silences, expired ones too; 0 means no limit." };
        var silenceBytesMax = new Option<int>("--silences.max-silence-size-bytes") { Description = "Largest silence; 0 means no limit." };
        var collect = Duration("--alerts.gc-interval", "How often ended alerts are taken away.", "30m");
        var perName = new Option<int>("--alerts.per-alertname-limit") { Description = "Most alerts of one alertname; 0 means no limit." };
        var sweep = Duration("--dispatch.maintenance-interval", "How often empty groups are taken away.", "30s");
        var startDelay = Duration("--dispatch.start-delay", "No notification before this much time after the start.", "0s");
        var listen = new Option<string>("--web.listen-address") { Description = "Address to listen on; :9093 means all of the machine's addresses.", DefaultValueFactory = _ => "127.0.0.1:9093" };
        var external = new Option<string>("--web.external-url") { Description = "Where people reach it; stands in notifications. Its path prefixes all routes." };
        var prefix = new Option<string>("--web.route-prefix") { Description = "Path before all routes. Default: the path of --web.external-url." };
        var concurrency = new Option<int>("--web.get-concurrency") { Description = "GET requests answered at the same time; 0: the number of processors, at least 8." };
        var webConfig = new Option<string>("--web.config.file") { Description = "File with TLS, users and headers of the server." };
        var webTimeout = Duration("--web.timeout", "Not supported but as 0.", "0s");
        var feature = new Option<string>("--enable-feature") { Description = "classic-mode or utf8-strict-mode." };
        var level = new Option<string>("--log.level") { Description = "debug, info, warn or error.", DefaultValueFactory = _ => "info" };
        var format = new Option<string>("--log.format") { Description = "logfmt (one line of text) or json.", DefaultValueFactory = _ => "logfmt" };
        var clusterListen = new Option<string>("--cluster.listen-address") { Description = "Not supported but as empty.", DefaultValueFactory = _ => "", Arity = ArgumentArity.ZeroOrOne };
        var peers = new Option<string[]>("--cluster.peer") { Description = "Not supported." };
        level.AcceptOnlyFromAmong("debug", "info", "warn", "error");
        format.AcceptOnlyFromAmong("logfmt", "json");

        var command = new Command("alertmanager", HelpText.WithExamples(
            "Routes alerts: groups, inhibits, silences and sends notifications. Takes Alertmanager's configuration file and flags.",
            "pharos alertmanager --config.file alertmanager.yml",
            "pharos alertmanager --config.file alertmanager.yml --web.listen-address :9093 --web.external-url https://alerts.example.org/"))
        {
            config, storage, retention, maintenance, silencesMax, silenceBytesMax, collect, perName, sweep, startDelay, listen, external, prefix,
            concurrency, webConfig, webTimeout, feature, level, format, clusterListen, peers,
        };
        foreach (string name in ClusterFlags)
        {
            var refused = new Option<string>($"--cluster.{name}") { Hidden = true };
            refused.Validators.Add(r => r.AddError(NoCluster($"--cluster.{name}")));
            command.Add(refused);
        }
        command.SetAction(async (parsed, cancel) =>
        {
            if (!string.IsNullOrEmpty(parsed.GetValue(clusterListen))) return Usage.Fail(NoCluster("--cluster.listen-address"), ExitCode.Usage);
            if (parsed.GetValue(peers) is { Length: > 0 }) return Usage.Fail(NoCluster("--cluster.peer"), ExitCode.Usage);
            if (parsed.GetValue(webTimeout) != TimeSpan.Zero) return Usage.Fail("--web.timeout is not supported but as 0", ExitCode.Usage);
            if (!ListenAddress.TryParse(parsed.GetValue(listen)!, out string host, out int port))
                return Usage.Fail($"--web.listen-address {parsed.GetValue(listen)} is not HOST:PORT", ExitCode.Usage);
            if (!TryMode(parsed.GetValue(feature), out var mode, out string? unknown))
                return Usage.Fail($"--enable-feature {unknown} is not known; there are classic-mode and utf8-strict-mode", ExitCode.Usage);
            var options = new AlertmanagerHostOptions
            {
                ConfigFile = parsed.GetValue(config)!,
                StoragePath = parsed.GetValue(storage)!,
                Host = host,
                Port = port,
                ExternalUrl = parsed.GetValue(external),
                WebConfigFile = parsed.GetValue(webConfig) is { Length: > 0 } web ? web : null,
                RoutePrefix = parsed.GetValue(prefix),
                GetConcurrency = parsed.GetValue(concurrency),
                Router = new AlertRouterOptions
                {
                    Retention = parsed.GetValue(retention),
                    MaintenanceInterval = parsed.GetValue(maintenance),
                    AlertCollectInterval = parsed.GetValue(collect),
                    GroupSweepInterval = parsed.GetValue(sweep),
                    StartDelay = parsed.GetValue(startDelay),
                    SilencesMax = parsed.GetValue(silencesMax),
                    SilenceBytesMax = parsed.GetValue(silenceBytesMax),
                    AlertsPerNameMax = parsed.GetValue(perName),
                    Matchers = mode,
                },
            };
            using var loggers = Logging(parsed.GetValue(level)!, parsed.GetValue(format)!);
            try
            {
                return await Running.RunAsync(
                    c => AlertmanagerHost.StartAsync(options, TimeProvider.System, loggers, c), h => $"Alert router on {h.Address}", cancel);
            }
            catch (ConfigurationException e)
            {
                return Usage.Fail($"loading configuration file {options.ConfigFile} failed:\n{e.Message}");
            }
        });
        return command;
    }

    private static string NoCluster(string flag) =>
        $"{flag}: there is no gossip cluster; leave it out, or --cluster.listen-address= empty. Several routers share work through the server's catalogue instead";

    private static Option<TimeSpan> Duration(string name, string description, string otherwise) => new(name)
    {
        Description = $"{description} Default {otherwise}.",
        HelpName = "duration",
        DefaultValueFactory = _ => PromDuration.TryParse(otherwise, out var duration, out string? error) ? duration : throw new FormatException(error),
        CustomParser = result =>
        {
            if (PromDuration.TryParse(result.Tokens[0].Value, out var duration, out string? error)) return duration;
            result.AddError($"{name}: {error}");
            return default;
        },
    };

    private static bool TryMode(string? features, out MatcherMode mode, out string? unknown)
    {
        mode = MatcherMode.Fallback;
        unknown = null;
        foreach (string feature in (features ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (feature == "classic-mode") mode = MatcherMode.Classic;
            else if (feature == "utf8-strict-mode") mode = MatcherMode.Utf8;
            else unknown = feature;
        }
        return unknown is null;
    }

    private static ILoggerFactory Logging(string level, string format)
    {
        var least = level switch { "debug" => LogLevel.Debug, "warn" => LogLevel.Warning, "error" => LogLevel.Error, _ => LogLevel.Information };
        if (format == "logfmt") return LogLevels.Logging(least);
        return LoggerFactory.Create(logging => logging.SetMinimumLevel(least).AddFilter("Microsoft.AspNetCore", LogLevel.Error)
            .AddJsonConsole(console => console.UseUtcTimestamp = true));
    }
}
