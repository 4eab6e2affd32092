namespace Pharos.Metrics.Head;

/// <summary>New series, and new label values by label, within a sliding window of twelve steps.</summary>
internal sealed class GrowthWindow
{
    private const int Steps = 12;

    /// <summary>Labels that are followed; a tenant with more has worse worries.</summary>
    private const int LabelsMax = 1000;

    private readonly int[] series = new int[Steps];
    private readonly Dictionary<string, int[]> values = new(StringComparer.Ordinal);
    private long step = long.MinValue;

    public int Series(TimeSpan width, long nowMs)
    {
        Move(width, nowMs);
        return series.Sum();
    }

    public void AddSeries(TimeSpan width, long nowMs)
    {
        Move(width, nowMs);
        series[At]++;
    }

    /// <summary>Counts a value that the label did not have before, at the time of the last series.</summary>
    public void AddValue(string label)
    {
        if (!values.TryGetValue(label, out var steps))
        {
            if (values.Count >= LabelsMax) return;
            values[label] = steps = new int[Steps];
        }
        steps[At]++;
    }

    /// <summary>The label that got most new values; null where none did.</summary>
    public (string Label, int Values)? Most(TimeSpan width, long nowMs)
    {
        Move(width, nowMs);
        (string Label, int Values)? most = null;
        foreach (var (label, steps) in values)
        {
            int sum = steps.Sum();
            if (sum > 0 && (most is null || sum > most.Value.Values || (sum == most.Value.Values && string.CompareOrdinal(label, most.Value.Label) < 0))) most = (label, sum);
        }
        return most;
    }

    private int At => (int)(step % Steps);

    private void Move(TimeSpan width, long nowMs)
    {
        long stepMs = Math.Max(1, (long)width.TotalMilliseconds / Steps);
        long next = nowMs / stepMs;
        // A clock that steps back, or another width, must not empty the window for good.
        if (next == step || (step != long.MinValue && next < step && step - next < Steps)) return;
        long gone = step == long.MinValue || next < step ? Steps : Math.Min(Steps, next - step);
        for (long i = 0; i < gone; i++)
        {
            int at = (int)((next - i) % Steps);
            series[at] = 0;
            foreach (var steps in values.Values) steps[at] = 0;
        }
        step = next;
        if (gone < Steps) return;
        values.Clear();
    }
}
