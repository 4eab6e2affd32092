using System.Text;
using Pharos.Core;
using Pharos.Metrics.Append;

namespace Pharos.Metrics.Head;

/// <summary>
/// Soft budgets of a tenant and of its jobs: known series go on, new ones are refused once a budget is used up, and the error
/// names the label that grew most. Costs nothing while no budget is set. Used under all of the head's locks, before a series joins the index.
/// </summary>
internal sealed class SeriesBudgets(HeadIndex index)
{
    /// <summary>Jobs that are followed at once; further ones share the tenant's budget only.</summary>
    private const int JobsMax = 10_000;

    private readonly GrowthWindow tenant = new();
    private readonly Dictionary<string, GrowthWindow> jobs = new(StringComparer.Ordinal);

    public static bool AreSet(TenantLimits limits) =>
        limits.SeriesBudget > 0 || limits.SeriesBudgetPerJob > 0 || limits.ChurnBudget > 0 || limits.ChurnBudgetPerJob > 0;

    /// <summary>The budget that a new series would pass, with the words for its sender where <paramref name="errors"/> still wants words; null where there is room.</summary>
    public (string Code, string? Words)? Refuses(ReadOnlySpan<byte> labels, int seriesCount, TenantLimits limits, long nowMs, AppendErrors errors)
    {
        if (limits.SeriesBudget > 0 && seriesCount >= limits.SeriesBudget)
            return Over(Refusals.SeriesBudget, labels, "", tenant, limits.SeriesBudget, "series_budget", limits, nowMs, errors);
        if (limits.ChurnBudget > 0 && tenant.Series(limits.BudgetWindow, nowMs) >= limits.ChurnBudget)
            return Over(Refusals.ChurnBudget, labels, "", tenant, limits.ChurnBudget, "churn_budget", limits, nowMs, errors);
        if (limits.SeriesBudgetPerJob <= 0 && limits.ChurnBudgetPerJob <= 0) return null;
        if (!TryJob(labels, out var jobUtf8)) return null;
        string job = Encoding.UTF8.GetString(jobUtf8);
        var window = jobs.GetValueOrDefault(job);
        if (limits.SeriesBudgetPerJob > 0 && index.CountUnlocked("job", jobUtf8) >= limits.SeriesBudgetPerJob)
            return Over(Refusals.SeriesBudget, labels, job, window, limits.SeriesBudgetPerJob, "series_budget_per_job", limits, nowMs, errors);
        if (limits.ChurnBudgetPerJob > 0 && window is not null && window.Series(limits.BudgetWindow, nowMs) >= limits.ChurnBudgetPerJob)
            return Over(Refusals.ChurnBudget, labels, job, window, limits.ChurnBudgetPerJob, "churn_budget_per_job", limits, nowMs, errors);
        return null;
    }

    /// <summary>A series was taken and is about to join the index.</summary>
    public void Created(ReadOnlySpan<byte> labels, TenantLimits limits, long nowMs)
    {
        GrowthWindow? job = null;
        if (TryJob(labels, out var jobUtf8))
        {
            string name = Encoding.UTF8.GetString(jobUtf8);
            if (!jobs.TryGetValue(name, out job))
            {
                if (jobs.Count >= JobsMax) ForgetQuietJobs(limits.BudgetWindow, nowMs);
                if (jobs.Count < JobsMax) jobs[name] = job = new GrowthWindow();
            }
        }
        tenant.AddSeries(limits.BudgetWindow, nowMs);
        job?.AddSeries(limits.BudgetWindow, nowMs);
        for (int offset = 0; offset < labels.Length;)
        {
            string name = Encoding.UTF8.GetString(LabelCodec.ReadString(labels, ref offset));
            var value = LabelCodec.ReadString(labels, ref offset);
            if (index.CountUnlocked(name, value) > 0) continue;
            tenant.AddValue(name);
            job?.AddValue(name);
        }
    }

    private (string Code, string? Words) Over(
        string code, ReadOnlySpan<byte> labels, string job, GrowthWindow? window, int budget, string setting, TenantLimits limits, long nowMs, AppendErrors errors)
    {
        if (!errors.WantsWords(code)) return (code, null);
        string what = code == Refusals.SeriesBudget ? "series budget" : $"budget of new series within {PromDuration.Format(limits.BudgetWindow)}";
        string whose = job.Length == 0 ? "the tenant" : $"job {GoString.Quote(job)}";
        return (code, $"the {what} of {whose}, {budget}, is used up (err-pharos-{code}): {Grown(window, limits.BudgetWindow, nowMs)}. "
            + $"Known series go on; the new series {Refusals.Short(Labels.FromEncoded(labels))} was not taken; to adjust the budget, set {setting}");
    }

    private string Grown(GrowthWindow? window, TimeSpan width, long nowMs)
    {
        if (window?.Most(width, nowMs) is { } most) return $"the label {GoString.Quote(most.Label)} grew most, by {most.Values} new values within {PromDuration.Format(width)}";
        // Nothing grew lately: what has most values grew earlier.
        var (label, values) = index.Names().Where(n => n != Labels.MetricName).Select(n => (n, index.ValueCount(n))).OrderByDescending(n => n.Item2).ThenBy(n => n.n, StringComparer.Ordinal).FirstOrDefault();
        return label is null ? "no label has values yet" : $"no label grew within {PromDuration.Format(width)}; {GoString.Quote(label)} has most values, {values}";
    }

    private void ForgetQuietJobs(TimeSpan width, long nowMs)
    {
        foreach (string quiet in jobs.Where(j => j.Value.Series(width, nowMs) == 0).Select(j => j.Key).ToList()) jobs.Remove(quiet);
    }

    private static bool TryJob(ReadOnlySpan<byte> labels, out ReadOnlySpan<byte> job)
    {
        for (int offset = 0; offset < labels.Length;)
        {
            var name = LabelCodec.ReadString(labels, ref offset);
            job = LabelCodec.ReadString(labels, ref offset);
            if (name.SequenceEqual("job"u8)) return true;
        }
        job = default;
        return false;
    }
}
