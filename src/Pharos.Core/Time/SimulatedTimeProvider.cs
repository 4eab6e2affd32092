namespace Pharos.Core;

/// <summary>
/// A clock that moves only when told to; timers fire in order of their time, on the thread that moves it.
/// The whole stack runs on it: a day of alerting passes in seconds.
/// Safe for several threads.
/// </summary>
public class SimulatedTimeProvider(DateTimeOffset? start = null) : TimeProvider
{
    private readonly Lock gate = new();
    private readonly List<SimulatedTimer> timers = [];
    private DateTimeOffset now = start ?? new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public override DateTimeOffset GetUtcNow()
    {
        lock (gate) return now;
    }

    public override long GetTimestamp() => GetUtcNow().Ticks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <summary>Raised after a timer was set: somebody waits for this clock now.</summary>
    public event Action? TimerSet;

    /// <summary>When the next timer is due; null where none waits.</summary>
    public DateTimeOffset? NextDue
    {
        get
        {
            lock (gate) return timers.Count == 0 ? null : timers.Min(t => t.Due);
        }
    }

    /// <summary>When the last timer is due; null where none waits.</summary>
    public DateTimeOffset? LastDue
    {
        get
        {
            lock (gate) return timers.Count == 0 ? null : timers.Max(t => t.Due);
        }
    }

    /// <summary>How many timers wait.</summary>
    public int WaitingTimers
    {
        get
        {
            lock (gate) return timers.Count;
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new SimulatedTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Moves the clock, stopping at each timer on the way.</summary>
    public void Advance(TimeSpan by) => AdvanceTo(GetUtcNow() + by);

    /// <inheritdoc cref="Advance"/>
    public void AdvanceTo(DateTimeOffset target)
    {
        while (true)
        {
            SimulatedTimer? next;
            lock (gate)
            {
                next = timers.Where(t => t.Due <= target).MinBy(t => t.Due);
                if (next is null)
                {
                    if (target > now) now = target;
                    return;
                }
                if (next.Due > now) now = next.Due;
                next.Rearm();
            }
            next.Fire();
        }
    }

    private sealed class SimulatedTimer(SimulatedTimeProvider owner, TimerCallback callback, object? state) : ITimer
    {
        private TimeSpan period = Timeout.InfiniteTimeSpan;

        public DateTimeOffset Due { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan newPeriod)
        {
            lock (owner.gate)
            {
                owner.timers.Remove(this);
                period = newPeriod;
                if (dueTime == Timeout.InfiniteTimeSpan) return true;
                Due = owner.now + dueTime;
                owner.timers.Add(this);
            }
            owner.TimerSet?.Invoke();
            return true;
        }

        public void Rearm()
        {
            if (period > TimeSpan.Zero) Due += period;
            else owner.timers.Remove(this);
        }

        public void Fire() => callback(state);

        public void Dispose()
        {
            lock (owner.gate) owner.timers.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
