using System.Runtime.InteropServices;
using Pharos.Core;
using Pharos.LogQL.Syntax;

namespace Pharos.LogQL.Engine;

/// <summary>Aggregates series into groups as they come, step by step. Not safe for several threads.</summary>
internal sealed class StepGroups(string op, Grouping? grouping, int steps)
{
    private readonly Kind kind = op switch
    {
        "sum" => Kind.Sum,
        "avg" => Kind.Mean,
        "min" => Kind.Least,
        "max" => Kind.Greatest,
        "count" => Kind.Count,
        "stddev" or "stdvar" => Kind.Deviation,
        _ => throw new ArgumentException($"aggregation {op} makes no groups", nameof(op)),
    };

    private readonly LabelGroups labels = new(grouping);
    private readonly Dictionary<Labels, Group> groups = [];

    private enum Kind
    {
        Sum,
        Mean,
        Least,
        Greatest,
        Count,
        Deviation,
    }

    /// <summary>Adds a series.</summary>
    public void Add(StepSeries series)
    {
        ref var group = ref CollectionsMarshal.GetValueRefOrAddDefault(groups, labels.Of(series.Labels), out _);
        group ??= new Group(steps);
        for (int step = series.From; step < series.To; step++)
        {
            if (series.Has(step)) group.Add(kind, step, series[step]);
        }
    }

    public StepMatrix Matrix()
    {
        var result = new List<StepSeries>(groups.Count);
        foreach (var (of, group) in groups)
        {
            var series = new StepSeries(of, 0, steps);
            for (int step = 0; step < steps; step++)
            {
                if (group.Counts[step] > 0) series.Set(step, ValueOf(group, step));
            }
            result.Add(series);
        }
        return new StepMatrix { Series = result };
    }

    private double ValueOf(Group group, int step) => kind switch
    {
        Kind.Count => group.Counts[step],
        Kind.Deviation => op == "stdvar" ? group.Squares[step] / group.Counts[step] : Math.Sqrt(group.Squares[step] / group.Counts[step]),
        _ => group.Values[step],
    };

    private sealed class Group(int steps)
    {
        /// <summary>How many series have a value at the step.</summary>
        public double[] Counts { get; } = new double[steps];

        /// <summary>The sum, mean, least or greatest of them.</summary>
        public double[] Values { get; } = new double[steps];

        /// <summary>The sum of squares of their distances from the mean.</summary>
        public double[] Squares { get; } = new double[steps];

        public void Add(Kind kind, int step, double value)
        {
            double count = ++Counts[step];
            ref double so = ref Values[step];
            switch (kind)
            {
                case Kind.Sum: so += value; break;
                case Kind.Mean: so = Aggregations.AddToMean(so, value, count); break;
                case Kind.Least: so = count == 1 || value < so || double.IsNaN(so) ? value : so; break;
                case Kind.Greatest: so = count == 1 || value > so || double.IsNaN(so) ? value : so; break;
                case Kind.Deviation:
                    double delta = value - so;
                    so += delta / count;
                    Squares[step] += delta * (value - so);
                    break;
            }
        }
    }
}
