using System.Net.Http.Headers;

namespace Pharos.Collector.Queueing;

/// <summary>Waits that double from a least to a longest one; a server's Retry-After wins where it asks for more.</summary>
internal struct Backoff(TimeSpan min, TimeSpan max)
{
    private TimeSpan next = min;

    public TimeSpan Next(TimeSpan? retryAfter)
    {
        var wait = next;
        next = TimeSpan.FromTicks(Math.Min(next.Ticks * 2, max.Ticks));
        return retryAfter > wait ? retryAfter.Value : wait;
    }

    public static TimeSpan? RetryAfter(HttpResponseHeaders headers, TimeProvider time) =>
        headers.RetryAfter?.Delta ?? (headers.RetryAfter?.Date is { } at ? at - time.GetUtcNow() : null);
}
