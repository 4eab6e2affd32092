using Pharos.Core;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL.Execution;

/// <summary>Range functions by name.</summary>
internal static class WindowFunctions
{
    private static readonly HashSet<string> Names = new(StringComparer.Ordinal)
    {
        "rate", "increase", "delta", "irate", "idelta", "sum_over_time", "avg_over_time", "min_over_time", "max_over_time", "ts_of_min_over_time",
        "ts_of_max_over_time", "count_over_time", "present_over_time", "last_over_time", "first_over_time", "ts_of_last_over_time",
        "ts_of_first_over_time", "stddev_over_time", "stdvar_over_time", "mad_over_time", "quantile_over_time", "changes", "resets", "deriv",
        "predict_linear", "double_exponential_smoothing",
    };

    /// <summary>Whether <see cref="Create"/> knows the name.</summary>
    public static bool Has(string name) => Names.Contains(name);

    public static WindowFunction Create(string name, Evaluator evaluator, CallExpr call, Grid grid, Evaluation run, Expr matrix) => name switch
    {
        "rate" => new RateWindow(counter: true, rate: true) { Run = run, Argument = matrix, Grid = grid },
        "increase" => new RateWindow(counter: true, rate: false) { Run = run, Argument = matrix, Grid = grid },
        "delta" => new RateWindow(counter: false, rate: false) { Run = run, Argument = matrix, Grid = grid },
        "irate" => new InstantRateWindow(rate: true) { Run = run, Argument = matrix, Grid = grid },
        "idelta" => new InstantRateWindow(rate: false) { Run = run, Argument = matrix, Grid = grid },
        "sum_over_time" => new SumWindow(average: false) { Run = run, Argument = matrix, Grid = grid },
        "avg_over_time" => new SumWindow(average: true) { Run = run, Argument = matrix, Grid = grid },
        "min_over_time" => new ExtremeWindow(name, max: false, times: false) { Run = run, Argument = matrix, Grid = grid },
        "max_over_time" => new ExtremeWindow(name, max: true, times: false) { Run = run, Argument = matrix, Grid = grid },
        "ts_of_min_over_time" => new ExtremeWindow(name, max: false, times: true) { Run = run, Argument = matrix, Grid = grid },
        "ts_of_max_over_time" => new ExtremeWindow(name, max: true, times: true) { Run = run, Argument = matrix, Grid = grid },
        "count_over_time" => new CountWindow { Run = run, Argument = matrix, Grid = grid },
        "present_over_time" => new PresentWindow { Run = run, Argument = matrix, Grid = grid },
        "last_over_time" => new EdgeWindow(last: true, times: false) { Run = run, Argument = matrix, Grid = grid },
        "first_over_time" => new EdgeWindow(last: false, times: false) { Run = run, Argument = matrix, Grid = grid },
        "ts_of_last_over_time" => new EdgeWindow(last: true, times: true) { Run = run, Argument = matrix, Grid = grid },
        "ts_of_first_over_time" => new EdgeWindow(last: false, times: true) { Run = run, Argument = matrix, Grid = grid },
        "stddev_over_time" => new DeviationWindow(name, root: true) { Run = run, Argument = matrix, Grid = grid },
        "stdvar_over_time" => new DeviationWindow(name, root: false) { Run = run, Argument = matrix, Grid = grid },
        "mad_over_time" => new MedianDeviationWindow { Run = run, Argument = matrix, Grid = grid },
        "quantile_over_time" => new QuantileWindow(evaluator.Scalar(call.Arguments[0], grid), call.Arguments[0]) { Run = run, Argument = matrix, Grid = grid },
        "changes" => new TransitionWindow(resets: false) { Run = run, Argument = matrix, Grid = grid },
        "resets" => new TransitionWindow(resets: true) { Run = run, Argument = matrix, Grid = grid },
        "deriv" => new RegressionWindow(name, ahead: null) { Run = run, Argument = matrix, Grid = grid },
        "predict_linear" => new RegressionWindow(name, evaluator.Scalar(call.Arguments[1], grid)) { Run = run, Argument = matrix, Grid = grid },
        "double_exponential_smoothing" =>
            new SmoothingWindow(evaluator.Scalar(call.Arguments[1], grid), evaluator.Scalar(call.Arguments[2], grid)) { Run = run, Argument = matrix, Grid = grid },
        _ => throw new QueryException(QueryErrorKind.Internal, $"function \"{name}\" has no evaluation"),
    };
}

/// <summary>Functions of one float.</summary>
internal static class MathFunctions
{
    private static readonly Dictionary<string, Func<double, double>> All = new(StringComparer.Ordinal)
    {
        ["abs"] = Math.Abs,
        ["ceil"] = Math.Ceiling,
        ["floor"] = Math.Floor,
        ["exp"] = Math.Exp,
        ["ln"] = Math.Log,
        ["log2"] = Math.Log2,
        ["log10"] = Math.Log10,
        ["sqrt"] = Math.Sqrt,
        ["sgn"] = v => v < 0 ? -1 : v > 0 ? 1 : v,
        ["deg"] = v => v * 180 / Math.PI,
        ["rad"] = v => v * Math.PI / 180,
        ["sin"] = Math.Sin,
        ["cos"] = Math.Cos,
        ["tan"] = Math.Tan,
        ["asin"] = Math.Asin,
        ["acos"] = Math.Acos,
        ["atan"] = Math.Atan,
        ["sinh"] = Math.Sinh,
        ["cosh"] = Math.Cosh,
        ["tanh"] = Math.Tanh,
        ["asinh"] = Math.Asinh,
        ["acosh"] = Math.Acosh,
        ["atanh"] = Math.Atanh,
    };

    public static Func<double, double>? Find(string name) => All.GetValueOrDefault(name);
}

/// <summary>Parts of a date, UTC, for any number of seconds.</summary>
internal static class Calendar
{
    public static double Part(string part, double unixSeconds)
    {
        if (double.IsNaN(unixSeconds) || Math.Abs(unixSeconds) > 1e15) return double.NaN;
        long seconds = (long)unixSeconds;
        long days = Math.DivRem(seconds, 86_400, out long ofDay);
        if (ofDay < 0)
        {
            ofDay += 86_400;
            days--;
        }
        var (year, month, day) = Civil(days);
        return part switch
        {
            "minute" => ofDay / 60 % 60,
            "hour" => ofDay / 3600,
            "day_of_week" => (((days + 4) % 7) + 7) % 7,
            "day_of_month" => day,
            "day_of_year" => days - Days(year, 1, 1) + 1,
            "days_in_month" => (month == 12 ? Days(year + 1, 1, 1) : Days(year, month + 1, 1)) - Days(year, month, 1),
            "month" => month,
            _ => year,
        };
    }

    // Days and dates in the proleptic Gregorian calendar, counted in eras of 400 years from 1 March of year 0.
    private static (long Year, int Month, int Day) Civil(long days)
    {
        days += 719_468;
        long era = (days >= 0 ? days : days - 146_096) / 146_097;
        long ofEra = days - (era * 146_097);
        long yearOfEra = (ofEra - (ofEra / 1460) + (ofEra / 36_524) - (ofEra / 146_096)) / 365;
        long ofYear = ofEra - ((365 * yearOfEra) + (yearOfEra / 4) - (yearOfEra / 100));
        long m = ((5 * ofYear) + 2) / 153;
        int day = (int)(ofYear - (((153 * m) + 2) / 5) + 1);
        int month = (int)(m < 10 ? m + 3 : m - 9);
        return (yearOfEra + (era * 400) + (month <= 2 ? 1 : 0), month, day);
    }

    private static long Days(long year, int month, int day)
    {
        year -= month <= 2 ? 1 : 0;
        long era = (year >= 0 ? year : year - 399) / 400;
        long yearOfEra = year - (era * 400);
        long ofYear = (((153 * (month + (month > 2 ? -3 : 9))) + 2) / 5) + day - 1;
        long ofEra = (yearOfEra * 365) + (yearOfEra / 4) - (yearOfEra / 100) + ofYear;
        return (era * 146_097) + ofEra - 719_468;
    }
}
