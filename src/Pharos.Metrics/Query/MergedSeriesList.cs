using System.Collections;
using Pharos.Core;

namespace Pharos.Metrics;

/// <summary>Series of blocks, and of the head beside them.</summary>
/// <param name="head">What the head has of them; null for nothing.</param>
internal sealed class MergedSeriesList(List<ISeries> all, Head.HeadSeriesList? head) : ISeriesList
{
    public int Count => all.Count;

    public long LabelBytes => all.Sum(s => (long)s.Labels.Encoded.Length);

    public ISeries this[int index] => all[index];

    public IEnumerator<ISeries> GetEnumerator() => all.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public void Dispose() => head?.Dispose();
}
