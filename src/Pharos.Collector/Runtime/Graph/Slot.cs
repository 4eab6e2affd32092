using Microsoft.Extensions.Logging;

namespace Pharos.Collector.Runtime;

/// <summary>A component and its running task. Outlives the nodes of one load: a reload hands it to the new node of the same id.</summary>
internal sealed class Slot(string path, ComponentDescriptor descriptor, ComponentInstance instance)
{
    private CancellationTokenSource? stop;
    private Task run = Task.CompletedTask;
    private volatile ComponentHealth runHealth = ComponentHealth.Unknown;

    public string Path => path;

    public ComponentDescriptor Descriptor => descriptor;

    public ComponentInstance Instance => instance;

    /// <summary>The node that now speaks for the component.</summary>
    public ComponentNode? Owner { get; set; }

    public bool Started => stop is not null;

    public ComponentHealth RunHealth => runHealth;

    public void Start()
    {
        stop = new CancellationTokenSource();
        runHealth = new ComponentHealth(HealthState.Healthy, "started component", instance.Context.Time.GetUtcNow());
        run = RunAsync(stop.Token);
    }

    public async Task StopAsync()
    {
        if (stop is not null)
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await run.ConfigureAwait(false);
            stop.Dispose();
        }
        instance.ExportsChanged = null;
        (instance as IDisposable)?.Dispose();
    }

    private async Task RunAsync(CancellationToken cancel)
    {
        var time = instance.Context.Time;
        try
        {
            // A component that blocks before its first wait must not hold up the others.
            await Task.Yield();
            await instance.RunAsync(cancel).ConfigureAwait(false);
            runHealth = new ComponentHealth(HealthState.Exited, cancel.IsCancellationRequested ? "stopped" : "component shut down normally", time.GetUtcNow());
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            runHealth = new ComponentHealth(HealthState.Exited, "stopped", time.GetUtcNow());
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            // The boundary of a component: what it throws ends it and nothing else.
            RuntimeLog.ComponentFailed(instance.Context.Logger, path, failure);
            runHealth = new ComponentHealth(HealthState.Exited, $"component shut down with error: {failure.Message}", time.GetUtcNow());
        }
    }
}

/// <summary>Log messages of the collector's runtime.</summary>
internal static partial class RuntimeLog
{
    [LoggerMessage(5101, LogLevel.Error, "component {Component} exited with an error")]
    public static partial void ComponentFailed(ILogger logger, string component, Exception failure);

    [LoggerMessage(5102, LogLevel.Error, "component {Component} kept its last arguments, evaluation failed: {Reason}")]
    public static partial void EvaluationFailed(ILogger logger, string component, string reason);

    [LoggerMessage(5103, LogLevel.Information, "configuration loaded: {Components} components, {Started} started, {Stopped} stopped")]
    public static partial void Loaded(ILogger logger, int components, int started, int stopped);

    [LoggerMessage(5104, LogLevel.Error, "configuration was not loaded, the old one goes on: {Reason}")]
    public static partial void LoadFailed(ILogger logger, string reason);

    [LoggerMessage(5105, LogLevel.Warning, "remote configuration: {Reason}")]
    public static partial void RemoteTrouble(ILogger logger, string reason);

    [LoggerMessage(5106, LogLevel.Information, "remote configuration {Hash} applied")]
    public static partial void RemoteApplied(ILogger logger, string hash);

    [LoggerMessage(5107, LogLevel.Information, "{Line}")]
    public static partial void Echo(ILogger logger, string line);
}
