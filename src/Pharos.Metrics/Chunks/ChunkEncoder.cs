using Pharos.Core;
using Pharos.Metrics.Blocks;
using Pharos.Metrics.Head;

namespace Pharos.Metrics.Chunks;

/// <summary>Turns columns into chunks of the usual size.</summary>
internal static class ChunkEncoder
{
    private const int SamplesTarget = 120;

    public static void Encode(SampleColumns samples, List<ChunkToWrite> into)
    {
        var xor = default(XorAppender);
        long xorMin = 0;
        OpenHistograms? histograms = null;
        for (int i = 0; i < samples.Count; i++)
        {
            long t = samples.Timestamps[i];
            if (samples.HasHistograms && samples.Histograms[i] is { } histogram)
            {
                CloseXor();
                var hint = histogram.ResetHint == CounterResetHint.Gauge ? CounterResetHint.Gauge : CounterResetHint.Unknown;
                if (histograms is not null)
                {
                    bool fits = HistogramChunk.Fits(histograms.Samples[histograms.Count - 1].Histogram, histogram, out bool reset);
                    if (!fits || histograms.IsFull)
                    {
                        if (hint != CounterResetHint.Gauge) hint = reset ? CounterResetHint.Reset : fits ? CounterResetHint.NotReset : CounterResetHint.Unknown;
                        CloseHistograms();
                    }
                }
                histograms ??= new OpenHistograms(hint);
                histograms.Append(t, histogram);
                continue;
            }
            CloseHistograms();
            if (xor.IsOpen && xor.Count >= SamplesTarget) CloseXor();
            if (!xor.IsOpen)
            {
                xor = XorAppender.Start();
                xorMin = t;
            }
            xor.Append(t, samples.Values[i]);
        }
        CloseXor();
        CloseHistograms();

        void CloseXor()
        {
            if (!xor.IsOpen) return;
            into.Add(new ChunkToWrite(ChunkEncoding.Xor, xorMin, xor.LastMs, xor.Close()));
            xor = default;
        }

        void CloseHistograms()
        {
            if (histograms is null) return;
            var encoding = histograms.Close(out byte[] data);
            into.Add(new ChunkToWrite(encoding, histograms.MinMs, histograms.MaxMs, data));
            histograms = null;
        }
    }
}
