using Pharos.Core;

namespace Pharos.PromQL.Execution;

/// <summary>The sum or mean of histograms, with compensated summation.</summary>
internal sealed class HistogramAccumulator(bool average)
{
    private WorkingHistogram? total;
    private double count;
    private bool incremental;

    private bool resetSeen;
    private bool noResetSeen;

    /// <summary>Some sample says that it follows a counter reset, some other that it does not.</summary>
    public bool Conflict => resetSeen && noResetSeen;

    /// <summary>Custom bounds differed; only those in common were kept.</summary>
    public bool Reconciled { get; private set; }

    /// <summary>False where the bucket layouts cannot be added.</summary>
    public bool Add(Histogram h)
    {
        var next = WorkingHistogram.From(h);
        count++;
        resetSeen |= h.ResetHint == CounterResetHint.Reset;
        noResetSeen |= h.ResetHint == CounterResetHint.NotReset;
        if (total is null)
        {
            total = next;
            return true;
        }
        HistogramMath.JoinHints(total.Hint, next.Hint, out var hint);
        total.Hint = hint;
        bool reconciled;
        if (average && !incremental)
        {
            var trial = total.Clone();
            if (!trial.Add(next, 1, out reconciled)) return false;
            if (!trial.Overflows())
            {
                Reconciled |= reconciled;
                total = trial;
                return true;
            }
            incremental = true;
            total.Divide(count - 1);
        }
        if (incremental)
        {
            total.Scale((count - 1) / count);
            next.Divide(count);
        }
        if (!total.Add(next, 1, out reconciled)) return false;
        Reconciled |= reconciled;
        return true;
    }

    public Histogram Result()
    {
        if (average && !incremental && count > 1) total!.Divide(count);
        return total!.ToHistogram();
    }
}
