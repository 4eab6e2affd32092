using Pharos.Core;

namespace Pharos.Alerting;

/// <summary>One way by which a receiver is notified: an item of a <c>…_configs</c> list.</summary>
internal abstract record IntegrationConfig
{
    /// <summary>The kind's name in metrics and in the notification log: <c>webhook</c>, <c>slack</c> …</summary>
    public required string Kind { get; init; }

    /// <summary>Place among the receiver's integrations of the same kind, from 0.</summary>
    public int Index { get; init; }
    public required bool SendResolved { get; init; }
    public HttpClientOptions Http { get; init; } = HttpClientOptions.Default;
    public SourcePosition Position { get; init; }

    public abstract INotifier Create(NotifierTools tools);
}

/// <summary>Sends notifications of one integration.</summary>
internal interface INotifier
{
    /// <summary>Sends once. Does not throw but where it is cancelled.</summary>
    Task<SendResult> SendAsync(Notification notification, CancellationToken cancel);
}

/// <summary>Why a notification failed, as the label <c>reason</c> says it.</summary>
internal enum FailureReason
{
    Other,
    ClientError,
    ServerError,
    AuthError,
    RateLimited,
    ContextCanceled,
    ContextDeadlineExceeded,
}

/// <summary>How one attempt ended.</summary>
/// <param name="Retry">Whether another attempt may help.</param>
internal readonly record struct SendResult(string? Error, bool Retry, FailureReason Reason)
{
    public static SendResult Delivered { get; }

    public bool IsDelivered => Error is null;

    public static SendResult Failed(string error, FailureReason reason = FailureReason.Other) => new(error, false, reason);

    public static SendResult Again(string error, FailureReason reason = FailureReason.Other) => new(error, true, reason);

    /// <summary>Alertmanager's rule: 2xx is success; 5xx and the kind's extra codes may be tried again; all else fails for good.</summary>
    public static SendResult FromStatus(int status, string body, params ReadOnlySpan<int> retryAlso)
    {
        if (status / 100 == 2) return Delivered;
        bool retry = status / 100 == 5 || retryAlso.Contains(status);
        var reason = status switch
        {
            401 or 403 => FailureReason.AuthError,
            429 => FailureReason.RateLimited,
            >= 400 and < 500 => FailureReason.ClientError,
            >= 500 => FailureReason.ServerError,
            _ => FailureReason.Other,
        };
        string text = body.Trim();
        return new SendResult($"unexpected status code {status}{(text.Length > 0 ? $": {Limits.Runes(text, 512)}" : "")}", retry, reason);
    }
}
