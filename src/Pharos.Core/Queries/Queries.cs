namespace Pharos.Core;

public enum QueryErrorKind
{
    /// <summary>The query itself is wrong (HTTP 400, <c>bad_data</c>).</summary>
    BadData,

    /// <summary>It failed while it ran, or passed a budget (HTTP 422, <c>execution</c>).</summary>
    Execution,

    /// <summary>It runs more often than it may (HTTP 429, <c>too_many_requests</c>).</summary>
    TooMany,

    /// <summary>It ran out of time (HTTP 503, <c>timeout</c>).</summary>
    Timeout,

    /// <summary>The client left (HTTP 499, <c>canceled</c>).</summary>
    Canceled,

    /// <summary>Our fault (HTTP 500, <c>internal</c>).</summary>
    Internal,
}

/// <summary>A query that has no answer, with the reason in the user's words and, for a syntax error, the place.</summary>
public sealed class QueryException(QueryErrorKind kind, string message, SourcePosition position = default, Exception? inner = null)
    : Exception(message, inner)
{
    public QueryErrorKind Kind { get; } = kind;

    /// <summary>Line and column in the query, from 1; line 0 where the error has no place.</summary>
    public SourcePosition Position { get; } = position;
}

/// <summary>One element of an instant vector. <see cref="Histogram"/> is null for a float.</summary>
public readonly record struct VectorSample(Labels Labels, long TimestampMs, double Value, Histogram? Histogram = null);

/// <param name="Warnings">Annotations of the evaluation, in the engine's words.</param>
public sealed record InstantResult(IReadOnlyList<VectorSample> Vector, IReadOnlyList<string> Warnings);

/// <summary>An expression language, as rules see it: PromQL or LogQL.</summary>
public interface IRuleLanguage
{
    /// <summary>Evaluates at one instant. A scalar comes as one element without labels.</summary>
    /// <exception cref="QueryException">The query has no answer.</exception>
    ValueTask<InstantResult> QueryInstantAsync(TenantId tenant, string expression, long timestampMs, CancellationToken cancel);

    /// <summary>Findings about an expression; empty where it may be used in a rule.</summary>
    IReadOnlyList<Diagnostic> Check(string expression);

    /// <summary>The expression in its standard layout. Invalid text comes back unchanged.</summary>
    string Format(string expression);
}
