using Pharos.Core;

namespace Pharos.Wire.Otlp;

/// <summary>What must be remembered of one tenant's OTLP metrics from request to request, all of it bounded. Safe for several threads.</summary>
public sealed class OtlpStreams(TimeProvider time)
{
    private const int RememberedMax = 200_000;

    private readonly Lock gate = new();
    private readonly Dictionary<ulong, long> targetInfo = [];

    internal DeltaStreams Deltas { get; } = new(time);

    /// <summary>
    /// The time from which samples of a <c>target_info</c> series are new, given the newest one now: requests of one resource may come
    /// in any order, and an older sample would only be refused.
    /// </summary>
    internal long TargetInfoFrom(ReadOnlySpan<byte> series, long earliestMs, long latestMs)
    {
        ulong hash = LabelCodec.Hash(series);
        lock (gate)
        {
            if (!targetInfo.TryGetValue(hash, out long before))
            {
                if (targetInfo.Count >= RememberedMax) targetInfo.Clear();
                targetInfo[hash] = latestMs;
                return earliestMs;
            }
            if (latestMs > before) targetInfo[hash] = latestMs;
            return Math.Max(earliestMs, before + 1);
        }
    }
}
