using Pharos.Core;

namespace Pharos.Server.LocalPrometheus;

/// <summary>A series that several sources have; of samples at the same time the first source's counts.</summary>
internal sealed class MergedSeries(ISeries first, ISeries second) : ISeries
{
    public Labels Labels => first.Labels;

    public void Read(TimeRange range, SampleColumns into)
    {
        using var a = new SampleColumns();
        using var b = new SampleColumns();
        first.Read(range, a);
        second.Read(range, b);
        int i = 0, j = 0;
        while (i < a.Count || j < b.Count)
        {
            bool takeFirst = j == b.Count || (i < a.Count && a.Timestamps[i] <= b.Timestamps[j]);
            if (takeFirst)
            {
                if (j < b.Count && a.Timestamps[i] == b.Timestamps[j]) j++;
                RemoteSeries.Copy(a, i++, range, into);
            }
            else
            {
                RemoteSeries.Copy(b, j++, range, into);
            }
        }
    }
}
