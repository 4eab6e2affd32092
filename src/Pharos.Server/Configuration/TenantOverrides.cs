using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Pharos.Core;

namespace Pharos.Server.Configuration;

/// <summary>
/// Limits of each tenant, from the configuration and from the file of runtime overrides, which is read again every few seconds.
/// A file that cannot be used changes nothing: the last good one stays. Safe for several threads.
/// </summary>
internal sealed class TenantOverrides : ITenantLimits, IAsyncDisposable
{
    private static readonly IReadOnlyDictionary<TenantId, TenantLimits> None = new Dictionary<TenantId, TenantLimits>();

    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly Gauge successful;
    private readonly Gauge hash;
    private readonly CancellationTokenSource stopping = new();
    private readonly SemaphoreSlim reading = new(1, 1);
    private readonly Task loop;
    private volatile State state;
    private string lastError = "";

    /// <param name="config">Its runtime file is read here, and again on its period.</param>
    /// <exception cref="ConfigurationException">The runtime file has mistakes: a server does not start on half of its limits.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public TenantOverrides(ServerConfig config, TimeProvider time, Instruments instruments, ILogger logger)
    {
        this.time = time;
        this.logger = logger;
        successful = instruments.Gauge("cortex_runtime_config_last_reload_successful", "Whether the last runtime-config reload attempt was successful.");
        hash = instruments.Gauge("cortex_runtime_config_hash", "Hash of the currently active runtime configuration, merged from all configured files.", "sha256");
        foreach (var warning in config.Warnings) LimitsLog.NoEffect(logger, warning.ToString());
        state = new State(config, None, "");
        Use(Read(config));
        loop = config.RuntimeFile is null ? Task.CompletedTask : ReloadForeverAsync(stopping.Token);
    }

    /// <summary>The configuration in use, without the runtime overrides.</summary>
    public ServerConfig Config => state.Config;

    /// <summary>What the runtime file says now, by tenant.</summary>
    public IReadOnlyDictionary<TenantId, TenantLimits> Runtime => state.Runtime;

    /// <summary>The tenant's limits; for several tenants that are read as one, the strictest of theirs.</summary>
    public TenantLimits For(TenantId tenant)
    {
        if (tenant.IsFederated) return StrictestLimits.Of(tenant.Members.Select(For));
        var now = state;
        return now.Runtime.TryGetValue(tenant, out var own) ? own : now.Config.LimitsOf(tenant);
    }

    /// <summary>Reads the runtime file, and limits and overrides of the configuration file, now.</summary>
    /// <exception cref="ConfigurationException">A file has mistakes; nothing has changed.</exception>
    /// <exception cref="IOException">A file cannot be read; nothing has changed.</exception>
    public async Task ReloadAsync(CancellationToken cancel)
    {
        await reading.WaitAsync(cancel);
        try
        {
            var config = state.Config;
            if (config.File is { } file)
            {
                var read = ServerConfig.Load(await File.ReadAllTextAsync(file, cancel), file);
                config = config with { Limits = read.Limits, Overrides = read.Overrides, Ruler = config.Ruler with { ClientsShown = read.Ruler.ClientsShown, AlertingShown = read.Ruler.AlertingShown, ExternalLabels = read.Ruler.ExternalLabels } };
            }
            Use(Read(config));
        }
        catch
        {
            successful.Set(0);
            throw;
        }
        finally
        {
            reading.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await loop;
        stopping.Dispose();
        reading.Dispose();
    }

    private State Read(ServerConfig config)
    {
        if (config.RuntimeFile is not { } file) return new State(config, None, "");
        byte[] bytes = File.ReadAllBytes(file);
        string digest = Convert.ToHexStringLower(SHA256.HashData(bytes));
        if (digest == state.Hash && ReferenceEquals(config, state.Config)) return state;
        var (runtime, warnings) = new ServerConfigReader(System.Text.Encoding.UTF8.GetString(bytes), file).ReadRuntime(config.LimitsOf);
        foreach (var warning in warnings) LimitsLog.NoEffect(logger, warning.ToString());
        return new State(config, runtime, digest);
    }

    private void Use(State next)
    {
        if (next.Hash != state.Hash)
        {
            hash.Remove(state.Hash);
            hash.With(next.Hash).Set(1);
            LimitsLog.Loaded(logger, next.Config.RuntimeFile!, next.Runtime.Count);
        }
        state = next;
        lastError = "";
        successful.Set(1);
    }

    private async Task ReloadForeverAsync(CancellationToken cancel)
    {
        try
        {
            while (true)
            {
                await Task.Delay(state.Config.RuntimePeriod, time, cancel);
                await reading.WaitAsync(cancel);
                try
                {
                    Use(Read(state.Config));
                }
                catch (Exception e) when (e is ConfigurationException or IOException or UnauthorizedAccessException)
                {
                    successful.Set(0);
                    // Said once for each mistake, not every ten seconds.
                    if (e.Message != lastError) LimitsLog.NotLoaded(logger, state.Config.RuntimeFile!, e.Message);
                    lastError = e.Message;
                }
                finally
                {
                    reading.Release();
                }
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // The server stops.
        }
    }

    private sealed record State(ServerConfig Config, IReadOnlyDictionary<TenantId, TenantLimits> Runtime, string Hash);
}

internal static partial class LimitsLog
{
    [LoggerMessage(9101, LogLevel.Warning, "{Finding}")]
    public static partial void NoEffect(ILogger logger, string finding);

    [LoggerMessage(9102, LogLevel.Information, "Loaded runtime overrides of {Tenants} tenants from {File}")]
    public static partial void Loaded(ILogger logger, string file, int tenants);

    [LoggerMessage(9103, LogLevel.Error, "Runtime overrides in {File} cannot be used, the last good ones stay: {Reason}")]
    public static partial void NotLoaded(ILogger logger, string file, string reason);
}
