namespace Pharos.Collector;

public enum HealthState
{
    Unknown,
    Healthy,
    Unhealthy,

    /// <summary>It has stopped, by itself or on request.</summary>
    Exited,
}

/// <summary>How a component is doing.</summary>
/// <param name="Message">Why, in a plain sentence; empty where the state says it all.</param>
/// <param name="UpdatedAt">When it came into this state.</param>
public sealed record ComponentHealth(HealthState State, string Message, DateTimeOffset UpdatedAt)
{
    public static ComponentHealth Unknown { get; } = new(HealthState.Unknown, "", DateTimeOffset.UnixEpoch);
}

/// <summary>A part of the graph that runs.</summary>
public interface IComponent
{
    /// <summary>
    /// Runs until cancelled, then stops cleanly (positions written, queues drained within their budget) and completes.
    /// An exception ends the component and makes it unhealthy; it ends nothing else.
    /// </summary>
    Task RunAsync(CancellationToken cancel);

    /// <summary>The component's own view; the graph adds what it knows about evaluation and running.</summary>
    ComponentHealth Health { get; }

    /// <summary>
    /// State worth showing to an operator, built of <c>string</c>, <c>bool</c>, <c>long</c>, <c>double</c>,
    /// <see cref="DateTimeOffset"/>, lists and string-keyed dictionaries of these. Null for none. Never holds a secret.
    /// </summary>
    object? DebugInfo { get; }
}
