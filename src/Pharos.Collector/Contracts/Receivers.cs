using Pharos.Core;

namespace Pharos.Collector;

/// <summary>
/// Takes samples from another component of the graph: what <c>forward_to</c> of a metrics component points at.
/// </summary>
public interface IMetricsReceiver
{
    /// <summary>
    /// Takes the whole batch, good samples beside bad ones, and counts what it drops. The batch belongs to the caller,
    /// who may reuse it once this completes.
    /// </summary>
    /// <exception cref="IOException">Nothing was taken and sending again may help.</exception>
    ValueTask AppendAsync(MetricBatch batch, CancellationToken cancel);
}

/// <summary>Takes log lines from another component of the graph.</summary>
public interface ILogsReceiver
{
    /// <inheritdoc cref="IMetricsReceiver.AppendAsync"/>
    ValueTask AppendAsync(LogBatch batch, CancellationToken cancel);
}

/// <summary>Sends each batch to every receiver in turn. One receiver that fails does not keep the batch from the others.</summary>
/// <param name="tap">Sees each batch too; null for none.</param>
public sealed class MetricsFanout(IReadOnlyList<IMetricsReceiver> receivers, LiveTap? tap = null) : IMetricsReceiver
{
    private volatile IReadOnlyList<IMetricsReceiver> receivers = receivers;

    /// <summary>Where batches go. May be replaced while batches flow.</summary>
    public IReadOnlyList<IMetricsReceiver> Receivers { get => receivers; set => receivers = value; }

    public async ValueTask AppendAsync(MetricBatch batch, CancellationToken cancel)
    {
        tap?.Show(batch);
        List<Exception>? failures = null;
        foreach (var receiver in receivers)
        {
            try
            {
                await receiver.AppendAsync(batch, cancel).ConfigureAwait(false);
            }
            catch (IOException failure)
            {
                (failures ??= []).Add(failure);
            }
        }
        if (failures is not null) throw new IOException(failures[0].Message, failures[0]);
    }
}

/// <inheritdoc cref="MetricsFanout"/>
public sealed class LogsFanout(IReadOnlyList<ILogsReceiver> receivers, LiveTap? tap = null) : ILogsReceiver
{
    private volatile IReadOnlyList<ILogsReceiver> receivers = receivers;

    /// <inheritdoc cref="MetricsFanout.Receivers"/>
    public IReadOnlyList<ILogsReceiver> Receivers { get => receivers; set => receivers = value; }

    public async ValueTask AppendAsync(LogBatch batch, CancellationToken cancel)
    {
        tap?.Show(batch);
        List<Exception>? failures = null;
        foreach (var receiver in receivers)
        {
            try
            {
                await receiver.AppendAsync(batch, cancel).ConfigureAwait(false);
            }
            catch (IOException failure)
            {
                (failures ??= []).Add(failure);
            }
        }
        if (failures is not null) throw new IOException(failures[0].Message, failures[0]);
    }
}
