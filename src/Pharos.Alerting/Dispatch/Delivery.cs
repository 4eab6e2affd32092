using System.Runtime.CompilerServices;
using Pharos.Core;

namespace Pharos.Alerting;

/// <summary>Sends one notification by one integration until it is delivered, fails for good or the flush's time is over.</summary>
internal sealed class Delivery(RouterShared shared, TenantId tenant)
{
    private static readonly TimeSpan WaitFirst = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(60);

    // A reload makes new integrations, and with them new buckets.
    private readonly ConditionalWeakTable<Integration, TokenBucket> rates = [];

    /// <returns>The last attempt's result and how many there were.</returns>
    public async Task<(SendResult Result, int Attempts)> SendAsync(Integration integration, Notification n, CancellationToken deadline)
    {
        string kind = integration.Config.Kind;
        shared.Metrics.Notifications.With(kind).Add(1);
        var wait = WaitFirst;
        var last = default(SendResult?);
        for (int attempt = 1; ; attempt++)
        {
            if (deadline.IsCancellationRequested) return (TimeIsOver(last, attempt - 1), attempt - 1);
            if (OverRate(integration) is { } refused) return (refused, attempt - 1);
            long began = shared.Time.GetTimestamp();
            SendResult result;
            try
            {
                result = await integration.Notifier.SendAsync(n, deadline);
            }
            catch (OperationCanceledException) when (deadline.IsCancellationRequested)
            {
                result = last ?? SendResult.Again("no answer before the time for this flush was over", FailureReason.ContextDeadlineExceeded);
            }
            shared.Metrics.Latency.Observe(shared.Time.GetElapsedTime(began).TotalSeconds, kind);
            shared.Metrics.Requests.With(kind).Add(1);
            if (result.IsDelivered) return (result, attempt);
            shared.Metrics.RequestsFailed.With(kind).Add(1);
            if (!result.Retry) return (result, attempt);
            last = result;
            if (deadline.IsCancellationRequested) return (TimeIsOver(last, attempt), attempt);
            AlertingLog.NotifyRetry(shared.Logger, tenant.Name, integration.Name, n.GroupKey, attempt, result.Error!);
            try
            {
                await shared.Work.DelayAsync(wait * shared.Jitter(), shared.Time, deadline);
            }
            catch (OperationCanceledException)
            {
                return (TimeIsOver(last, attempt), attempt);
            }
            wait = wait * 1.5 < WaitMax ? wait * 1.5 : WaitMax;
        }
    }

    /// <summary>The answer where the tenant's rate of notifications is used up; it is not tried again, as in Mimir.</summary>
    private SendResult? OverRate(Integration integration)
    {
        double rate = shared.Options.Limits(tenant).NotificationRateOf(integration.Config.Kind);
        if (rate == 0) return null;
        var bucket = rates.GetValue(integration, _ => new TokenBucket(shared.Time));
        if (rate > 0 && bucket.TryTake(1, rate, Math.Max(1, Math.Ceiling(rate)))) return null;
        shared.Metrics.RateLimited.With(tenant.Name, integration.Config.Kind).Add(1);
        return SendResult.Failed($"failed to notify due to rate limits: {Math.Max(0, rate)} notifications/s (alertmanager_notification_rate_limit)", FailureReason.RateLimited);
    }

    private static SendResult TimeIsOver(SendResult? last, int attempts) =>
        SendResult.Failed($"gave up after {attempts} attempts, the time for this flush is over{(last?.Error is { } error ? $"; last error: {error}" : "")}",
            last is { Reason: not FailureReason.Other } ? last.Value.Reason : FailureReason.ContextDeadlineExceeded);
}
