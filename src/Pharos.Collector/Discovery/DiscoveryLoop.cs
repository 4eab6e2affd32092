using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json;
using System.Xml;
using Microsoft.Extensions.Logging;
using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>
/// Runs one discovery: looks, hands on what it found, waits, looks again. A look that fails is counted and logged, and the targets found
/// before stay.
/// </summary>
/// <param name="health">Told after each look: null, or what is wrong.</param>
public sealed partial class DiscoveryLoop(DiscoveryOptions options, DiscoveryContext context, Action<string?>? health = null)
{
    /// <summary>After a failure of a discovery that waits inside its looks.</summary>
    private static readonly TimeSpan RetryMin = TimeSpan.FromSeconds(5);

    private readonly DiscoveryInstruments metrics = new(context.Instruments);

    /// <summary>Until cancelled; ends without an exception.</summary>
    public async Task RunAsync(Func<IReadOnlyList<Labels>, Task> found, CancellationToken cancel)
    {
        metrics.Announce(options.Mechanism);
        IDiscoverer? discoverer = null;
        try
        {
            while (true)
            {
                var wait = options.Wait;
                FoundTargets? now = null;
                try
                {
                    discoverer ??= options.Open(context);
                    long started = context.Time.GetTimestamp();
                    now = await discoverer.RefreshAsync(cancel);
                    metrics.Refreshed(options.Mechanism, context.Time.GetElapsedTime(started));
                    Say(now.Value.Trouble);
                }
                catch (Exception e) when (IsFailure(e, cancel))
                {
                    Say(e is OperationCanceledException ? "no answer in time" : e.Message);
                    if (wait < RetryMin) wait = RetryMin;
                }
                if (now is { } targets) await found(targets.Targets);
                await Task.Delay(wait, context.Time, cancel);
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // Stopped.
        }
        finally
        {
            if (discoverer is not null) await discoverer.DisposeAsync();
        }
    }

    private void Say(string? trouble)
    {
        health?.Invoke(trouble);
        if (trouble is null) return;
        metrics.Failed(options.Mechanism);
        Failed(context.Logger, options.Mechanism, trouble);
    }

    /// <summary>What the world outside can cause: no connection, no file, an answer that is not as its API says.</summary>
    private static bool IsFailure(Exception e, CancellationToken cancel) => e switch
    {
        OperationCanceledException => !cancel.IsCancellationRequested,
        _ => e is HttpRequestException or IOException or UnauthorizedAccessException or SocketException or JsonException or XmlException or CryptographicException
            or FormatException or InvalidOperationException or KeyNotFoundException or ArgumentException,
    };

    [LoggerMessage(7101, LogLevel.Warning, "Discovery {Mechanism} failed; the targets found before stay: {Reason}")]
    private static partial void Failed(ILogger logger, string mechanism, string reason);
}
