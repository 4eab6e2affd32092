using System.Collections.Concurrent;

namespace Pharos.Core;

/// <summary>
/// A process's or a component's own metrics. One registry per process part, passed to constructors, never static,
/// so that two servers in one process keep apart. Safe for several threads.
/// </summary>
public sealed class Instruments
{
    private readonly ConcurrentDictionary<string, InstrumentFamily> families = new(StringComparer.Ordinal);
    private readonly ConcurrentBag<Action> beforeRead = [];

    public Counter Counter(string name, string help, params string[] labelNames) =>
        new(Family(name, help, MetricType.Counter, labelNames, []));

    public Gauge Gauge(string name, string help, params string[] labelNames) =>
        new(Family(name, help, MetricType.Gauge, labelNames, []));

    /// <param name="bounds">Upper bounds of the classic buckets, rising, without +Inf.</param>
    public HistogramInstrument Histogram(string name, string help, double[] bounds, params string[] labelNames) =>
        new(Family(name, help, MetricType.Histogram, labelNames, bounds));

    /// <summary>A family whose children carry any labels, each its own: for metrics that a user's configuration makes.</summary>
    /// <param name="bounds">As for <see cref="Histogram"/>; empty for other types.</param>
    public LabelledInstrument Labelled(string name, string help, MetricType type, double[] bounds) => new(Family(name, help, type, [], bounds, labelled: true));

    /// <summary>Runs before each exposition; sets gauges whose value is computed on demand.</summary>
    public void BeforeRead(Action update) => beforeRead.Add(update);

    /// <summary>All families, sorted by name.</summary>
    public IReadOnlyList<InstrumentFamily> Read()
    {
        foreach (var update in beforeRead) update();
        return [.. families.Values.OrderBy(f => f.Name, StringComparer.Ordinal)];
    }

    private InstrumentFamily Family(string name, string help, MetricType type, string[] labelNames, double[] bounds, bool labelled = false) =>
        families.GetOrAdd(name, n => new InstrumentFamily(n, help, type, labelNames, bounds, labelled));
}

/// <summary>All children of one metric name.</summary>
public sealed class InstrumentFamily
{
    private readonly ConcurrentDictionary<string, InstrumentCell> cells = new(StringComparer.Ordinal);

    internal InstrumentFamily(string name, string help, MetricType type, string[] labelNames, double[] bounds, bool labelled)
    {
        Name = name;
        Help = help;
        Type = type;
        LabelNames = labelNames;
        Bounds = bounds;
        if (labelNames.Length == 0 && !labelled) Cell([]);
    }

    public string Name { get; }
    public string Help { get; }
    public MetricType Type { get; }
    public IReadOnlyList<string> LabelNames { get; }
    public IReadOnlyList<double> Bounds { get; }

    /// <summary>Children in the order of their label values.</summary>
    public IEnumerable<InstrumentCell> Cells => cells.OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => c.Value);

    internal InstrumentCell Cell(string[] labelValues)
    {
        if (labelValues.Length != LabelNames.Count)
            throw new ArgumentException($"{Name} takes {LabelNames.Count} label values, not {labelValues.Length}", nameof(labelValues));
        string key = labelValues.Length switch { 0 => "", 1 => labelValues[0], _ => string.Join('\xff', labelValues) };
        return cells.TryGetValue(key, out var cell) ? cell : cells.GetOrAdd(key, _ => new InstrumentCell(labelValues, Bounds.Count));
    }

    internal InstrumentCell Cell(Labels labels)
    {
        string key = labels.ToString();
        return cells.TryGetValue(key, out var cell) ? cell : cells.GetOrAdd(key, _ => new InstrumentCell([], Bounds.Count, labels));
    }

    internal void Remove(Labels labels) => cells.TryRemove(labels.ToString(), out _);

    internal void Remove(string[] labelValues) => cells.TryRemove(string.Join('\xff', labelValues), out _);
}

/// <summary>One child: its label values and its number, or its buckets.</summary>
public sealed class InstrumentCell
{
    private readonly Lock gate = new();
    private readonly long[] buckets;
    private double value;
    private long count;

    internal InstrumentCell(string[] labelValues, int bounds, Labels? labels = null)
    {
        LabelValues = labelValues;
        Labels = labels ?? Labels.Empty;
        buckets = new long[bounds + 1];
    }

    public IReadOnlyList<string> LabelValues { get; }

    /// <summary>Labels of its own, besides those the family names.</summary>
    public Labels Labels { get; }

    /// <summary>The counter's or gauge's value; a histogram's sum.</summary>
    public double Value => Volatile.Read(ref value);

    /// <summary>A histogram's count of observations.</summary>
    public long Count => Volatile.Read(ref count);

    /// <summary>A histogram's counts per bucket, not cumulative, +Inf last.</summary>
    public IReadOnlyList<long> Buckets => buckets;

    public void Add(double delta)
    {
        double seen = Volatile.Read(ref value);
        while (true)
        {
            double before = Interlocked.CompareExchange(ref value, seen + delta, seen);
            if (before.Equals(seen)) return;
            seen = before;
        }
    }

    public void Set(double to) => Volatile.Write(ref value, to);

    internal void Observe(double observed, IReadOnlyList<double> bounds)
    {
        int bucket = 0;
        while (bucket < bounds.Count && observed > bounds[bucket]) bucket++;
        lock (gate)
        {
            buckets[bucket]++;
            count++;
            value += observed;
        }
    }
}

public readonly struct Counter
{
    private readonly InstrumentFamily family;

    internal Counter(InstrumentFamily family) => this.family = family;

    public InstrumentCell With(params string[] labelValues) => family.Cell(labelValues);

    public void Add(double delta = 1) => family.Cell([]).Add(delta);

    public double Value => family.Cell([]).Value;
}

public readonly struct Gauge
{
    private readonly InstrumentFamily family;

    internal Gauge(InstrumentFamily family) => this.family = family;

    public InstrumentCell With(params string[] labelValues) => family.Cell(labelValues);

    public void Set(double to) => family.Cell([]).Set(to);

    public void Add(double delta) => family.Cell([]).Add(delta);

    /// <summary>Takes a child away, for things that no longer exist.</summary>
    public void Remove(params string[] labelValues) => family.Remove(labelValues);
}

public readonly struct HistogramInstrument
{
    /// <summary>Prometheus's default bounds, for durations in seconds.</summary>
    public static double[] DefaultBounds => [.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10];

    private readonly InstrumentFamily family;

    internal HistogramInstrument(InstrumentFamily family) => this.family = family;

    public void Observe(double value, params string[] labelValues) => family.Cell(labelValues).Observe(value, family.Bounds);
}

/// <summary>See <see cref="Instruments.Labelled"/>.</summary>
public readonly struct LabelledInstrument
{
    private readonly InstrumentFamily family;

    internal LabelledInstrument(InstrumentFamily family) => this.family = family;

    public InstrumentCell With(Labels labels) => family.Cell(labels);

    public void Observe(Labels labels, double value) => family.Cell(labels).Observe(value, family.Bounds);

    /// <summary>Takes a child away.</summary>
    public void Remove(Labels labels) => family.Remove(labels);
}
