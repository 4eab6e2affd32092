using Pharos.Core;

namespace Pharos.PromQL.Syntax;

/// <summary>A function's name and types.</summary>
/// <param name="Arguments">Types of the arguments.</param>
/// <param name="Variadic">0: exactly these. n &gt; 0: the last n may be left out. -1: the last may be repeated or left out.</param>
/// <param name="Experimental">Off in Prometheus unless switched on.</param>
public sealed record FunctionSignature(
    string Name, IReadOnlyList<ExprType> Arguments, int Variadic, ExprType Returns, bool Experimental = false);

/// <summary>All functions of PromQL.</summary>
public static class Functions
{
    private const ExprType S = ExprType.Scalar, V = ExprType.Vector, M = ExprType.Matrix, T = ExprType.String;

    private static readonly Dictionary<string, FunctionSignature> ByName = Build();

    public static IReadOnlyCollection<FunctionSignature> All => ByName.Values;

    public static FunctionSignature? Find(string name) => ByName.GetValueOrDefault(name);

    /// <summary>The known function or aggregation with the most similar name; null where none is near.</summary>
    public static string? Nearest(string name) => NearestName.Of(name, ByName.Keys.Concat(Aggregates.Names.Keys));

    private static Dictionary<string, FunctionSignature> Build()
    {
        var all = new Dictionary<string, FunctionSignature>(StringComparer.Ordinal);

        foreach (string name in new[]
                 {
                     "abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos", "cosh", "deg", "exp", "floor", "ln", "log10", "log2",
                     "rad", "sgn", "sin", "sinh", "sqrt", "tan", "tanh", "absent", "sort", "sort_desc", "timestamp",
                     "histogram_avg", "histogram_count", "histogram_sum", "histogram_stddev", "histogram_stdvar",
                 })
        {
            Add(name, V, 0, V);
        }
        foreach (string name in new[]
                 {
                     "absent_over_time", "avg_over_time", "changes", "count_over_time", "delta", "deriv", "idelta", "increase", "irate",
                     "last_over_time", "max_over_time", "min_over_time", "present_over_time", "rate", "resets", "stddev_over_time",
                     "stdvar_over_time", "sum_over_time",
                 })
        {
            Add(name, V, 0, M);
        }
        foreach (string name in new[] { "first_over_time", "mad_over_time", "ts_of_first_over_time", "ts_of_last_over_time", "ts_of_max_over_time", "ts_of_min_over_time" })
        {
            AddExperimental(name, V, 0, M);
        }
        foreach (string name in new[] { "day_of_month", "day_of_week", "day_of_year", "days_in_month", "hour", "minute", "month", "year" })
        {
            Add(name, V, 1, V);
        }
        Add("clamp", V, 0, V, S, S);
        Add("clamp_max", V, 0, V, S);
        Add("clamp_min", V, 0, V, S);
        Add("round", V, 1, V, S);
        Add("histogram_fraction", V, 0, S, S, V);
        Add("histogram_quantile", V, 0, S, V);
        AddExperimental("histogram_quantiles", V, -1, V, T, S);
        AddExperimental("info", V, 1, V, V);
        Add("label_join", V, -1, V, T, T, T);
        Add("label_replace", V, 0, V, T, T, T, T);
        Add("pi", S, 0);
        Add("predict_linear", V, 0, M, S);
        Add("quantile_over_time", V, 0, S, M);
        Add("scalar", S, 0, V);
        Add("time", S, 0);
        Add("vector", V, 0, S);
        AddExperimental("double_exponential_smoothing", V, 0, M, S, S);
        AddExperimental("sort_by_label", V, -1, V, T);
        AddExperimental("sort_by_label_desc", V, -1, V, T);
        AddExperimental("start_timestamp", V, 0, V);
        AddExperimental("max_of", S, 0, S, S);
        AddExperimental("min_of", S, 0, S, S);
        AddExperimental("start", S, 0);
        AddExperimental("end", S, 0);
        AddExperimental("step", S, 0);
        AddExperimental("range", S, 0);
        return all;

        void Add(string name, ExprType returns, int variadic, params ExprType[] arguments) =>
            all.Add(name, new FunctionSignature(name, arguments, variadic, returns));

        void AddExperimental(string name, ExprType returns, int variadic, params ExprType[] arguments) =>
            all.Add(name, new FunctionSignature(name, arguments, variadic, returns, Experimental: true));
    }
}

/// <summary>The aggregation operators by name.</summary>
public static class Aggregates
{
    public static IReadOnlyDictionary<string, AggregateOp> Names { get; } = new Dictionary<string, AggregateOp>(StringComparer.OrdinalIgnoreCase)
    {
        ["sum"] = AggregateOp.Sum,
        ["avg"] = AggregateOp.Avg,
        ["min"] = AggregateOp.Min,
        ["max"] = AggregateOp.Max,
        ["count"] = AggregateOp.Count,
        ["group"] = AggregateOp.Group,
        ["stddev"] = AggregateOp.StdDev,
        ["stdvar"] = AggregateOp.StdVar,
        ["topk"] = AggregateOp.TopK,
        ["bottomk"] = AggregateOp.BottomK,
        ["quantile"] = AggregateOp.Quantile,
        ["count_values"] = AggregateOp.CountValues,
        ["limitk"] = AggregateOp.LimitK,
        ["limit_ratio"] = AggregateOp.LimitRatio,
    };

    public static string NameOf(AggregateOp op) => op switch
    {
        AggregateOp.Sum => "sum",
        AggregateOp.Avg => "avg",
        AggregateOp.Min => "min",
        AggregateOp.Max => "max",
        AggregateOp.Count => "count",
        AggregateOp.Group => "group",
        AggregateOp.StdDev => "stddev",
        AggregateOp.StdVar => "stdvar",
        AggregateOp.TopK => "topk",
        AggregateOp.BottomK => "bottomk",
        AggregateOp.Quantile => "quantile",
        AggregateOp.CountValues => "count_values",
        AggregateOp.LimitK => "limitk",
        _ => "limit_ratio",
    };

    public static bool TakesParameter(AggregateOp op) =>
        op is AggregateOp.TopK or AggregateOp.BottomK or AggregateOp.Quantile or AggregateOp.CountValues or AggregateOp.LimitK or AggregateOp.LimitRatio;
}
