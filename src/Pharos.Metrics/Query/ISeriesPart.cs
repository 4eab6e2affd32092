using Pharos.Core;

namespace Pharos.Metrics;

/// <summary>What one place (the head, one block) holds of a series: samples in rising order.</summary>
internal interface ISeriesPart
{
    /// <summary>Bounds of its samples, both inclusive; may be wider than what is really there.</summary>
    long MinMs { get; }
    long MaxMs { get; }

    /// <summary>Adds the samples of the range, without deleted ones.</summary>
    void Read(TimeRange range, SampleColumns into);
}
