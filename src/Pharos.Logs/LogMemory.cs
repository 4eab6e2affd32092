namespace Pharos.Logs;

/// <summary>A tenant's part of a <see cref="LogMemory"/>, which guards it.</summary>
internal sealed class MemoryShare
{
    private volatile bool failing;

    /// <summary>Whether the last flush could not write the tenant's parts: what it set aside waits for the next one.</summary>
    public bool IsFailing
    {
        get => failing;
        set => failing = value;
    }

    /// <summary>Bytes of entries that came since the last flush, and of their streams.</summary>
    public long Open { get; set; }

    /// <summary>Bytes that were set aside for a flush.</summary>
    public long Aside { get; set; }
}

/// <summary>
/// Bytes of entries in memory, those that are set aside for a flush included, and when that is too much. A flush of a third of the bound leaves room for twice
/// as much beside it. Tenants whose parts cannot be written are counted by themselves: together they may have the bound, and so may all others, and everybody
/// together one and a half of it. Safe for several threads.
/// </summary>
/// <param name="flushAt">Bytes since the last flush at which the next one is due: a third of the bound.</param>
internal sealed class LogMemory(long flushAt)
{
    private readonly long bytesMax = 3 * flushAt;
    private readonly long everybodyMax = 9 * flushAt / 2;
    private readonly Lock gate = new();

    // Of tenants whose last flush did not fail.
    private long open;
    private long aside;

    // Of those whose last flush failed: both.
    private long failing;
    private int failingTenants;

    /// <summary>All that is in memory.</summary>
    public long Bytes
    {
        get
        {
            lock (gate) return open + aside + failing;
        }
    }

    public bool AnyFailing
    {
        get
        {
            lock (gate) return failingTenants > 0;
        }
    }

    /// <summary>Whether tenants whose flushes do not fail have so much that one is due: less than usual where failing ones leave little room.</summary>
    public bool MustFlush
    {
        get
        {
            lock (gate) return open > Math.Clamp((everybodyMax - failing) / 3, flushAt / 8, flushAt);
        }
    }

    /// <summary>The bytes beyond which a tenant's pushes are refused, where they are reached; else null.</summary>
    public long? ReachedBy(MemoryShare share)
    {
        lock (gate)
        {
            if (share.IsFailing) return failing > bytesMax ? bytesMax : null;
            long room = Math.Clamp(everybodyMax - failing, 0, bytesMax);
            return open + aside > room ? room : null;
        }
    }

    /// <summary>Entries came, or an open block was packed.</summary>
    public void Grow(MemoryShare share, long bytes)
    {
        lock (gate)
        {
            share.Open += bytes;
            if (share.IsFailing) failing += bytes;
            else open += bytes;
        }
    }

    /// <summary>All of a tenant's bytes are set aside for a flush.</summary>
    public void SetAside(MemoryShare share)
    {
        lock (gate)
        {
            if (!share.IsFailing)
            {
                open -= share.Open;
                aside += share.Open;
            }
            share.Aside += share.Open;
            share.Open = 0;
        }
    }

    /// <summary>Of what was set aside something was packed, and takes fewer bytes now.</summary>
    public void Shrink(MemoryShare share, long bytes)
    {
        lock (gate)
        {
            share.Aside -= bytes;
            if (share.IsFailing) failing -= bytes;
            else aside -= bytes;
        }
    }

    /// <summary>What was set aside is in parts.</summary>
    public void Flushed(MemoryShare share)
    {
        lock (gate)
        {
            Leave(share);
            share.Aside = 0;
            share.IsFailing = false;
            open += share.Open;
        }
    }

    /// <summary>What was set aside could not be written, and stays.</summary>
    public void Failed(MemoryShare share)
    {
        lock (gate)
        {
            Leave(share);
            share.IsFailing = true;
            failing += share.Open + share.Aside;
            failingTenants++;
        }
    }

    private void Leave(MemoryShare share)
    {
        if (share.IsFailing)
        {
            failing -= share.Open + share.Aside;
            failingTenants--;
            return;
        }
        open -= share.Open;
        aside -= share.Aside;
    }
}
