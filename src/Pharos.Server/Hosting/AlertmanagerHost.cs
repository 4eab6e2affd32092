using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;
using Pharos.Alerting;
using Pharos.Core;
using Pharos.Server.Alertmanager;
using Pharos.Server.Http;
using Pharos.Storage.Catalogue;
using Pharos.Wire.Exposition;

namespace Pharos.Server.Hosting;

/// <summary>How a stand-alone Alertmanager runs. Defaults are Alertmanager's, but it listens on loopback only.</summary>
public sealed record AlertmanagerHostOptions
{
    public required string ConfigFile { get; init; }

    /// <summary>Folder of the catalogue: alerts, silences, notification log.</summary>
    public required string StoragePath { get; init; }
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>0 picks a free port.</summary>
    public int Port { get; init; } = 9093;

    /// <summary>Where people reach it; stands in notifications. Null: this machine's name and the port.</summary>
    public string? ExternalUrl { get; init; }

    /// <summary>Path before every route, such as <c>/alertmanager</c>. Null: the path of the external address.</summary>
    public string? RoutePrefix { get; init; }

    /// <summary>TLS, users and headers (<see cref="WebConfig"/>'s format), read again with each reload; null: plain HTTP for everybody.</summary>
    public string? WebConfigFile { get; init; }

    /// <summary>GET requests of the API answered at the same time; 0: the number of processors, at least 8.</summary>
    public int GetConcurrency { get; init; }

    /// <summary>The external address in here is filled in from the above.</summary>
    public AlertRouterOptions Router { get; init; } = new();
}

/// <summary>Alert routing alone: <c>pharos alertmanager</c>.</summary>
public sealed class AlertmanagerHost : IAsyncDisposable
{
    private readonly AlertmanagerHostOptions options;
    private readonly ILogger logger;
    private readonly Lock reloading = new();
    private readonly ICatalogue catalogue;
    private volatile WebConfig web = new();
    private PosixSignalRegistration? hangUp;
    private HttpHost? http;

    private AlertmanagerHost(AlertmanagerHostOptions options, AlertRouter router, ICatalogue catalogue, ILogger logger)
    {
        this.options = options;
        this.catalogue = catalogue;
        this.logger = logger;
        Router = router;
    }

    public AlertRouter Router { get; }

    /// <summary>The address listened on, with the port that was picked.</summary>
    public Uri Address => http!.Address;

    /// <exception cref="ConfigurationException">The configuration cannot be used.</exception>
    /// <exception cref="IOException">A file, folder or address cannot be used; the message says why.</exception>
    public static async Task<AlertmanagerHost> StartAsync(
        AlertmanagerHostOptions options, TimeProvider time, ILoggerFactory loggers, CancellationToken cancel)
    {
        if (options.Port == 0) options = options with { Port = FreePort() };
        string external = (options.ExternalUrl ?? $"http://{Dns.GetHostName()}:{options.Port}").TrimEnd('/');
        if (!Uri.TryCreate(external, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
            throw new IOException($"the external address {external} is no http or https URL");
        string prefix = "/" + (options.RoutePrefix ?? url.AbsolutePath).Trim('/');
        var logger = loggers.CreateLogger("alertmanager");
        Directory.CreateDirectory(options.StoragePath);
        var catalogue = new SqliteCatalogue(Path.Combine(options.StoragePath, "catalogue.db"), time);
        var instruments = new Instruments();
        ProcessMetrics.Register(instruments);
        var router = new AlertRouter(options.Router with { ExternalUrl = external }, catalogue, new AlertJournal(), time, null, instruments, logger);
        var host = new AlertmanagerHost(options, router, catalogue, logger);
        try
        {
            host.Reload();
            router.Start();
            // The one tenant there is, so that its configuration is checked and measured before the first alert.
            router.Config(TenantId.Anonymous);
            host.http = await HttpHost.StartAsync(options.Host, options.Port, loggers, app => host.Map(app, prefix, time, instruments), cancel, () => host.web);
            if (!OperatingSystem.IsWindows()) host.hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, host.HungUp);
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <summary>Loads the configuration file again. What cannot be used is refused and the old configuration goes on.</summary>
    /// <inheritdoc cref="StartAsync" path="/exception"/>
    public void Reload()
    {
        lock (reloading)
        {
            try
            {
                string text = File.ReadAllText(options.ConfigFile);
                var nextWeb = options.WebConfigFile is { } file ? WebConfig.Load(file) : new WebConfig();
                Router.UseFallback(AlertmanagerConfig.Load(text, options.ConfigFile, new AlertmanagerConfigOptions { Matchers = options.Router.Matchers }));
                web = nextWeb;
            }
            catch (Exception e) when (e is ConfigurationException or IOException or UnauthorizedAccessException)
            {
                Router.ReloadFailed();
                throw;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        hangUp?.Dispose();
        if (http is not null) await http.DisposeAsync();
        await Router.DisposeAsync();
        await catalogue.DisposeAsync();
    }

    private void Map(WebApplication app, string prefix, TimeProvider time, Instruments instruments)
    {
        app.UseRequestMetrics(instruments, time);
        var routes = app.MapGroup(prefix);
        AlertmanagerV2Routes.Map(routes, Router, time, instruments, options.GetConcurrency);
        AlertTraceRoutes.Map(routes, Router);
        AlertmanagerManagementRoutes.Map(routes, _ =>
        {
            Reload();
            return Task.CompletedTask;
        }, instruments);
        routes.MapGet("/", context => AlertmanagerReply.TextAsync(context, 200,
            $"Pharos alert router. API: {prefix.TrimEnd('/')}/api/v2 · why was I (not) paged: {prefix.TrimEnd('/')}/api/pharos/v1/alerts/journal · metrics: {prefix.TrimEnd('/')}/metrics\n"));
    }

    private void HungUp(PosixSignalContext signal)
    {
        signal.Cancel = true;
        try
        {
            Reload();
        }
        catch (Exception e) when (e is ConfigurationException or IOException or UnauthorizedAccessException)
        {
            AlertmanagerHostLog.ReloadFailed(logger, options.ConfigFile, e.Message);
        }
    }

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}

internal static partial class AlertmanagerHostLog
{
    [LoggerMessage(9301, LogLevel.Error, "Loading configuration file {File} failed, the old configuration goes on: {Error}")]
    public static partial void ReloadFailed(ILogger logger, string file, string error);
}
