using Pharos.Core;

namespace Pharos.Server.Tests.Prometheus.Differential;

/// <summary>Series of native histograms: whole and fractional counts, custom buckets, both signs, resets, gaps, stale markers, and floats between.</summary>
internal static class NativeSeries
{
    public static void Add(List<Source> sources, Random random)
    {
        foreach (string job in (string[])["api", "till"])
        {
            foreach (int schema in (int[])[0, 3])
            {
                var counting = new Counting(schema, new Random(random.Next()));
                sources.Add(new HistogramSource("native_seconds", [("job", job), ("schema", $"{schema}")], random.Next(15_000), counting.Next));
            }
        }
        var gauge = new Random(random.Next());
        sources.Add(new HistogramSource("native_gauge", [("job", "api")], random.Next(15_000), i =>
        {
            var fresh = new Counting(1, gauge);
            return Of(fresh.Next(1)!, isFloat: true, CounterResetHint.Gauge, factor: 0.5);
        }));
        foreach (string job in (string[])["api", "till"])
        {
            var own = new Random(random.Next());
            double[] bounds = job == "api" ? [0.1, 0.5, 1, 5] : [0.1, 0.5, 2, 5];
            var counts = new double[bounds.Length + 1];
            double sum = 0;
            sources.Add(new HistogramSource("native_custom", [("job", job)], random.Next(15_000), i =>
            {
                for (int n = 0; n < 5; n++)
                {
                    double observed = own.NextDouble() * 6;
                    sum += observed;
                    int bucket = Array.FindIndex(bounds, b => observed <= b);
                    counts[bucket < 0 ? bounds.Length : bucket]++;
                }
                return new Histogram
                {
                    Schema = Histogram.CustomBucketsSchema, CustomValues = bounds, Count = counts.Sum(), Sum = sum,
                    PositiveSpans = [new BucketSpan(0, (uint)counts.Length)], PositiveBuckets = [.. counts],
                };
            }));
        }
        // One request carries either floats or histograms: of one series, a request cannot say which came first.
        var mixed = new Counting(2, new Random(random.Next()));
        sources.Add(new HistogramSource("native_mixed", [("job", "api")], random.Next(15_000), i => i / 20 % 2 == 0 ? mixed.Next(i) : null, i => i / 20 % 2 == 1 ? i : null));
    }

    private static Histogram Of(Histogram h, bool isFloat, CounterResetHint hint, double factor) => new()
    {
        Schema = h.Schema, ZeroThreshold = h.ZeroThreshold, ZeroCount = h.ZeroCount * factor, Count = h.Count * factor, Sum = h.Sum * factor,
        PositiveSpans = h.PositiveSpans, NegativeSpans = h.NegativeSpans, IsFloat = isFloat, ResetHint = hint,
        PositiveBuckets = [.. h.PositiveBuckets.Select(b => b * factor)], NegativeBuckets = [.. h.NegativeBuckets.Select(b => b * factor)],
    };

    /// <summary>Counts observations of both signs; forgets everything now and then, and leaves gaps.</summary>
    private sealed class Counting(int schema, Random random)
    {
        private readonly SortedDictionary<int, double> positive = [];
        private readonly SortedDictionary<int, double> negative = [];
        private double zero;
        private double sum;

        public Histogram? Next(int step)
        {
            if (step % 190 == 150) return Histogram.StaleMarker;
            if (step % 190 is > 150 and < 175) return null;
            if (random.Next(120) == 0) (zero, sum) = Forget();
            for (int n = 0; n < 8; n++) Observe();
            var (positiveSpans, positiveBuckets) = Layout(positive);
            var (negativeSpans, negativeBuckets) = Layout(negative);
            return new Histogram
            {
                Schema = schema, ZeroThreshold = 0.001, ZeroCount = zero, Sum = sum,
                Count = zero + positiveBuckets.Sum() + negativeBuckets.Sum(),
                PositiveSpans = positiveSpans, PositiveBuckets = positiveBuckets, NegativeSpans = negativeSpans, NegativeBuckets = negativeBuckets,
            };
        }

        private (double, double) Forget()
        {
            positive.Clear();
            negative.Clear();
            return (0, 0);
        }

        private void Observe()
        {
            double value = Math.Exp((random.NextDouble() * 8) - 4) * (random.Next(6) == 0 ? -1 : 1);
            if (random.Next(20) == 0) value = 0;
            sum += value;
            if (value == 0)
            {
                zero++;
                return;
            }
            var side = value > 0 ? positive : negative;
            int index = (int)Math.Ceiling(Math.Log2(Math.Abs(value)) * Math.Pow(2, schema));
            side[index] = side.GetValueOrDefault(index) + 1;
        }

        private static (BucketSpan[] Spans, double[] Buckets) Layout(SortedDictionary<int, double> side)
        {
            var spans = new List<BucketSpan>();
            int? before = null;
            foreach (int index in side.Keys)
            {
                if (before is { } last && index == last + 1) spans[^1] = spans[^1] with { Length = spans[^1].Length + 1 };
                else spans.Add(new BucketSpan(before is { } end ? index - end - 1 : index, 1));
                before = index;
            }
            return ([.. spans], [.. side.Values]);
        }
    }
}
