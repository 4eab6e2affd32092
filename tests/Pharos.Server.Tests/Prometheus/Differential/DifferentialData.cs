using System.Globalization;
using Pharos.Core;
using Pharos.Wire.RemoteWrite;

namespace Pharos.Server.Tests.Prometheus.Differential;

/// <summary>
/// Two hours and twenty minutes of samples made from a seed, as remote-write requests in the order of time: counters with resets,
/// gauges, odd values, classic and native histograms, gaps, churn and stale markers; among them the series of the public compliance list.
/// </summary>
internal static class DifferentialData
{
    /// <summary>2026-01-01T00:00:00Z, a block's border.</summary>
    public const long StartMs = 1_767_225_600_000;

    private const int Steps = 560, StepMs = 15_000, StepsPerRequest = 20;

    private static readonly string[] Jobs = ["api", "till"];
    private static readonly string[] Instances = ["a:1", "b:2", "c:10"];

    /// <summary>Compressed bodies, remote write 1.</summary>
    public static IReadOnlyList<byte[]> Requests(int seed)
    {
        var sources = new List<Source>();
        var random = new Random(seed);
        Services(sources, random);
        Demo(sources, random);
        NativeSeries.Add(sources, random);
        // Both stores hand series out in the order in which they came, so that sums are added up in one order.
        sources.Sort((a, b) => a.Labels.CompareTo(b.Labels));
        var requests = new List<byte[]>();
        using var encoder = new RemoteWriteEncoder();
        using var batch = new MetricBatch();
        for (int from = 0; from < Steps; from += StepsPerRequest)
        {
            batch.Clear();
            foreach (var source in sources)
            {
                int series = batch.AddSeries(source.Labels);
                for (int i = from; i < Math.Min(Steps, from + StepsPerRequest); i++) source.Append(batch, series, i, StartMs + ((long)i * StepMs) + source.OffsetMs);
            }
            requests.Add(encoder.Encode(batch, RemoteWriteVersion.V1).ToArray());
        }
        return requests;
    }

    private static void Services(List<Source> sources, Random random)
    {
        foreach (string job in Jobs)
        {
            foreach (string instance in Instances)
            {
                foreach (string code in (string[])["200", "404", "500"])
                {
                    var own = new Random(random.Next());
                    double value = own.Next(1000);
                    Float("http_requests_total", [("job", job), ("instance", instance), ("code", code)], i =>
                    {
                        if (instance == "b:2" && i == 200) return SampleValue.Stale;
                        if (instance == "b:2" && i is > 200 and < 240) return null;
                        return value = own.Next(150) == 0 ? 0 : value + (own.Next(20) * 0.5);
                    });
                }
            }
        }
        foreach (string instance in Instances)
        {
            foreach (string mode in (string[])["idle", "user"])
            {
                var own = new Random(random.Next());
                Float("cpu", [("instance", instance), ("mode", mode)], i => own.Next(30) == 0 ? null : Math.Round((own.NextDouble() * 200) - 100, 3));
            }
            var memory = new Random(random.Next());
            Float("memory_bytes", [("instance", instance), ("job", "api")], i => 1e9 + (memory.NextDouble() * 1e8));
        }
        Float("odd", [("kind", "nan")], i => i % 5 == 0 ? double.NaN : i);
        Float("odd", [("kind", "inf")], i => i % 7 == 0 ? double.PositiveInfinity : -i);
        Float("odd", [("kind", "tiny")], i => 1e-9 * i);
        Float("odd", [("kind", "constant")], i => 5);
        Float("odd", [("kind", "sparse")], i => i % 30 == 0 ? i : null);
        Float("odd", [("kind", "ending")], i => i < 300 ? i : i == 300 ? SampleValue.Stale : null);
        foreach (string job in Jobs) ClassicHistogram("latency_seconds", [("job", job)], [0.05, 0.1, 0.5, 1, 5], new Random(random.Next()));

        void Float(string name, (string, string)[] labels, Func<int, double?> value) => sources.Add(new FloatSource(name, labels, random.Next(15_000), value));

        void ClassicHistogram(string name, (string, string)[] labels, double[] bounds, Random own) =>
            AddClassicHistogram(sources, name, labels, bounds, own, random.Next(15_000));
    }

    /// <summary>What the demonstration service of the compliance list exposes.</summary>
    private static void Demo(List<Source> sources, Random random)
    {
        for (int i = 0; i < 3; i++)
        {
            (string, string)[] target = [("instance", $"demo.promlabs.com:{10_000 + i}"), ("job", "demo")];
            int offset = random.Next(15_000);
            foreach (string type in (string[])["buffers", "cached", "free", "used"])
            {
                var own = new Random(random.Next());
                double value = own.Next(1 << 30);
                Float("demo_memory_usage_bytes", [.. target, ("type", type)], _ => value = Math.Max(0, value + own.Next(-(1 << 20), 1 << 20)));
            }
            foreach (string mode in (string[])["idle", "system", "user"])
            {
                var own = new Random(random.Next());
                double value = 0;
                Float("demo_cpu_usage_seconds_total", [.. target, ("mode", mode)], _ => value = own.Next(200) == 0 ? own.NextDouble() : value + own.NextDouble());
            }
            Float("demo_num_cpus", target, _ => 4);
            var disk = new Random(random.Next());
            double used = 1e9;
            Float("demo_disk_usage_bytes", target, _ => used += disk.Next(1 << 16));
            var batches = new Random(random.Next());
            double last = StartMs / 1000.0;
            Float("demo_batch_last_success_timestamp_seconds", target, step => last = batches.Next(40) == 0 ? (StartMs / 1000.0) + (step * 15) : last);
            var flicker = new Random(random.Next());
            bool on = true;
            Float("demo_intermittent_metric", target, _ =>
            {
                bool was = on;
                on = flicker.Next(10) != 0;
                return on ? 1 : was ? SampleValue.Stale : null;
            });
            foreach (string path in (string[])["/api/bar", "/api/foo"])
            {
                AddClassicHistogram(
                    sources, "demo_api_request_duration_seconds", [.. target, ("method", "GET"), ("path", path), ("status", "200")],
                    [0.0001, 0.00015, 0.001, 0.01, 0.1, 1, 5], new Random(random.Next()), offset);
            }

            void Float(string name, (string, string)[] labels, Func<int, double?> value) => sources.Add(new FloatSource(name, labels, offset, value));
        }
    }

    private static void AddClassicHistogram(List<Source> sources, string name, (string, string)[] labels, double[] bounds, Random random, int offsetMs)
    {
        var counts = new double[bounds.Length + 1];
        double sum = 0;
        var rows = new (double[] Counts, double Sum)[Steps];
        for (int i = 0; i < Steps; i++)
        {
            for (int n = 0; n < 10; n++)
            {
                double observed = -Math.Log(1 - random.NextDouble()) * bounds[^1] / 12;
                sum += observed;
                for (int b = 0; b <= bounds.Length; b++)
                {
                    if (b == bounds.Length || observed <= bounds[b]) counts[b]++;
                }
            }
            rows[i] = ([.. counts], sum);
        }
        for (int b = 0; b <= bounds.Length; b++)
        {
            int bucket = b;
            string le = b == bounds.Length ? "+Inf" : bounds[b].ToString(CultureInfo.InvariantCulture);
            sources.Add(new FloatSource(name + "_bucket", [.. labels, ("le", le)], offsetMs, i => rows[i].Counts[bucket]));
        }
        sources.Add(new FloatSource(name + "_sum", labels, offsetMs, i => rows[i].Sum));
        sources.Add(new FloatSource(name + "_count", labels, offsetMs, i => rows[i].Counts[^1]));
    }
}

/// <summary>One series of the data and how its samples come about. <see cref="OffsetMs"/>: its place between two scrapes.</summary>
internal abstract class Source(string name, (string Name, string Value)[] labels, int offsetMs)
{
    public Labels Labels { get; } = Labels.Of([(Labels.MetricName, name), .. labels]);

    public int OffsetMs { get; } = offsetMs;

    public abstract void Append(MetricBatch batch, int series, int step, long atMs);
}

internal sealed class FloatSource(string name, (string Name, string Value)[] labels, int offsetMs, Func<int, double?> value) : Source(name, labels, offsetMs)
{
    public override void Append(MetricBatch batch, int series, int step, long atMs)
    {
        if (value(step) is { } sample) batch.AddSample(series, atMs, sample);
    }
}

internal sealed class HistogramSource(string name, (string Name, string Value)[] labels, int offsetMs, Func<int, Histogram?> value, Func<int, double?>? otherwise = null)
    : Source(name, labels, offsetMs)
{
    public override void Append(MetricBatch batch, int series, int step, long atMs)
    {
        if (value(step) is { } histogram) batch.AddHistogram(series, atMs, histogram);
        else if (otherwise?.Invoke(step) is { } sample) batch.AddSample(series, atMs, sample);
    }
}
