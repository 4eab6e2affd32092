using Pharos.Core;

namespace Pharos.Rules.Evaluation;

/// <summary>One alert of a rule as it lives. Times are Unix milliseconds; 0 means not yet.</summary>
internal sealed class AlertInstance
{
    public required Labels Labels { get; init; }
    public Labels Annotations { get; set; } = Labels.Empty;
    public double Value { get; set; }
    public AlertPhase Phase { get; set; }
    public long ActiveAtMs { get; set; }
    public long FiredAtMs { get; set; }
    public long ResolvedAtMs { get; set; }
    public long LastSentAtMs { get; set; }
    public long ValidUntilMs { get; set; }
    public long KeepFiringSinceMs { get; set; }

    public bool NeedsSending(long nowMs, long resendDelayMs)
    {
        if (Phase == AlertPhase.Pending) return false;
        return ResolvedAtMs > LastSentAtMs || LastSentAtMs + resendDelayMs < nowMs;
    }

    public AlertState State() => new()
    {
        Labels = Labels,
        Annotations = Annotations,
        Phase = Phase,
        Value = Value,
        ActiveAt = UnixTime.FromMs(ActiveAtMs),
        FiredAt = FiredAtMs == 0 ? null : UnixTime.FromMs(FiredAtMs),
        ResolvedAt = ResolvedAtMs == 0 ? null : UnixTime.FromMs(ResolvedAtMs),
        KeepFiringSince = KeepFiringSinceMs == 0 ? null : UnixTime.FromMs(KeepFiringSinceMs),
    };
}
