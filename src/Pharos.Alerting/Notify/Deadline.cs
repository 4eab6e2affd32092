using Pharos.Core;

namespace Pharos.Alerting;

/// <summary>Bounds one request by the injected clock.</summary>
internal static class Deadline
{
    /// <summary>A source that is cancelled with <paramref name="cancel"/> or after the time-out; zero means no time-out.</summary>
    public static CancellationTokenSource Within(TimeSpan timeout, TimeProvider time, CancellationToken cancel)
    {
        if (timeout <= TimeSpan.Zero) return CancellationTokenSource.CreateLinkedTokenSource(cancel);
        return new LinkedDeadline(timeout, time, cancel);
    }

    public static SendResult Missed(TimeSpan timeout) =>
        SendResult.Again($"the receiver did not answer within its timeout of {PromDuration.Format(timeout)}", FailureReason.ContextDeadlineExceeded);

    private sealed class LinkedDeadline : CancellationTokenSource
    {
        private readonly CancellationTokenRegistration registration;

        public LinkedDeadline(TimeSpan timeout, TimeProvider time, CancellationToken cancel) : base(timeout, time) =>
            registration = cancel.Register(static s => ((LinkedDeadline)s!).Cancel(), this);

        protected override void Dispose(bool disposing)
        {
            registration.Dispose();
            base.Dispose(disposing);
        }
    }
}
