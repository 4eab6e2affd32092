using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using Pharos.Core;

namespace Pharos.Server.Prometheus;

/// <summary>What an operator should know now, and who listens for changes of it. Safe for several threads.</summary>
internal sealed class Notices
{
    public const string ReloadFailed = "Configuration reload has failed.";
    public const string ShuttingDown = "Pharos is shutting down and gracefully stopping all operations.";

    /// <summary>Listeners at once, as many as Prometheus allows.</summary>
    public const int ListenersMax = 16;

    /// <summary>Changes that a listener may be behind; later ones are lost for it.</summary>
    private const int BehindMax = 10;

    private readonly TimeProvider time;
    private readonly Gauge listening;
    private readonly Counter sent;
    private readonly Counter dropped;
    private readonly Lock gate = new();
    private readonly List<Notice> active = [];
    private readonly HashSet<Channel<Notice>> listeners = [];
    private bool ended;

    public Notices(TimeProvider time, Instruments instruments)
    {
        this.time = time;
        listening = instruments.Gauge("prometheus_api_notification_active_subscribers", "The current number of active notification subscribers.");
        sent = instruments.Counter("prometheus_api_notification_updates_sent_total", "Total number of notification updates sent.");
        dropped = instruments.Counter("prometheus_api_notification_updates_dropped_total", "Total number of notification updates dropped.");
    }

    public IReadOnlyList<Notice> Active
    {
        get
        {
            lock (gate) return [.. active];
        }
    }

    /// <summary>Says it, or says it again with a new date.</summary>
    public void Raise(string text)
    {
        lock (gate)
        {
            var notice = new Notice(text, time.GetUtcNow(), true);
            int at = active.FindIndex(n => n.Text == text);
            if (at < 0) active.Add(notice);
            else active[at] = notice;
            Tell(notice);
        }
    }

    /// <summary>Takes it back, where it was said.</summary>
    public void Clear(string text)
    {
        lock (gate)
        {
            int at = active.FindIndex(n => n.Text == text);
            if (at < 0) return;
            Tell(active[at] with { Active = false });
            active.RemoveAt(at);
        }
    }

    /// <summary>Says that the process ends, and ends every listening after it.</summary>
    public void End()
    {
        lock (gate)
        {
            if (ended) return;
            ended = true;
            Raise(ShuttingDown);
            foreach (var listener in listeners) listener.Writer.TryComplete();
        }
    }

    /// <summary>What is active now, then every change. To be given back to <see cref="Leave"/>.</summary>
    /// <returns>False where too many listen already.</returns>
    public bool TryListen([NotNullWhen(true)] out Channel<Notice>? listener)
    {
        lock (gate)
        {
            listener = null;
            if (listeners.Count >= ListenersMax) return false;
            listener = Channel.CreateBounded<Notice>(BehindMax);
            foreach (var notice in active) listener.Writer.TryWrite(notice);
            if (ended) listener.Writer.TryComplete();
            listeners.Add(listener);
            listening.Set(listeners.Count);
            return true;
        }
    }

    public void Leave(Channel<Notice> listener)
    {
        lock (gate)
        {
            listeners.Remove(listener);
            listening.Set(listeners.Count);
        }
    }

    private void Tell(Notice notice)
    {
        foreach (var listener in listeners)
        {
            sent.Add(1);
            if (!listener.Writer.TryWrite(notice)) dropped.Add(1);
        }
    }
}
