namespace Pharos.Core;

/// <summary>Why a sample was not taken. <see cref="AppendError.Code"/> carries the identifier that operators search for.</summary>
public enum AppendErrorKind
{
    /// <summary>The sender's mistake; sending again cannot help (HTTP 400).</summary>
    BadData,

    /// <summary>A rate or series limit; sending later may help (HTTP 429).</summary>
    Limit,

    /// <summary>Another sender's samples were chosen; these are there already, and nothing is wrong (HTTP 202).</summary>
    Duplicate,

    /// <summary>The store cannot take anything now, for example a full disk (HTTP 503).</summary>
    Unavailable,
}

/// <param name="Code">Stable identifier, for example <c>sample-out-of-order</c>.</param>
/// <param name="Message">What, which series, which limit and value, and what to do.</param>
/// <param name="Samples">How many samples this error cost.</param>
public sealed record AppendError(AppendErrorKind Kind, string Code, string Message, int Samples = 1);

/// <summary>What became of a batch. Everything counted here is durable under the store's sync policy.</summary>
public sealed record AppendResult(long Samples, long Histograms, long Exemplars, IReadOnlyList<AppendError> Errors)
{
    public bool HasErrors => Errors.Count > 0;
}

/// <summary>Takes samples: the metric store, a remote-write queue, a fan-out to both.</summary>
public interface IMetricSink
{
    /// <summary>
    /// Appends what can be appended, good samples beside bad ones, and completes when that is durable.
    /// The batch may be reused by the caller once this completes.
    /// </summary>
    /// <exception cref="StoreUnavailableException">Nothing was taken: the write log cannot be written.</exception>
    ValueTask<AppendResult> AppendAsync(TenantId tenant, MetricBatch batch, CancellationToken cancel);
}

/// <summary>The store cannot write now (full disk, failed device). Nothing of the request was taken; send it again later.</summary>
public sealed class StoreUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
