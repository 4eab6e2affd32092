using Pharos.Core;

namespace Pharos.Metrics;

/// <summary>Copying and merging of sample columns.</summary>
internal static class Columns
{
    public static void CopyOne(SampleColumns from, int index, SampleColumns into)
    {
        if (from.HasHistograms && from.Histograms[index] is { } histogram) into.Add(from.Timestamps[index], histogram);
        else into.Add(from.Timestamps[index], from.Values[index]);
    }

    public static void CopyAll(SampleColumns from, SampleColumns into)
    {
        for (int i = 0; i < from.Count; i++) CopyOne(from, i, into);
    }

    /// <summary>Merges two sorted columns; where both have a timestamp, the first one's sample stays.</summary>
    public static void Merge(SampleColumns first, SampleColumns second, SampleColumns into)
    {
        int a = 0, b = 0;
        while (a < first.Count || b < second.Count)
        {
            if (b == second.Count || (a < first.Count && first.Timestamps[a] <= second.Timestamps[b]))
            {
                if (b < second.Count && first.Timestamps[a] == second.Timestamps[b]) b++;
                CopyOne(first, a++, into);
            }
            else
            {
                CopyOne(second, b++, into);
            }
        }
    }
}
