using System.Globalization;

namespace Pharos.Server.Tests.Prometheus.Differential;

/// <summary>Queries that both engines answer: a fixed list, and random ones from a seed.</summary>
internal static class DifferentialQueries
{
    public static IEnumerable<string> Fixed()
    {
        string[] whole =
        [
            "1", "time()", "1 + 2 * 3 ^ 2 % 5", "-2 ^ 2", "1 / 0", "scalar(memory_bytes{instance=\"a:1\"})", "scalar(cpu)", "vector(time())", "pi()",
            "http_requests_total", "http_requests_total{code=~\"4..|5..\"}", "{__name__=~\"cpu|odd\"}", "cpu offset 7m", "cpu offset -3m",
            "cpu @ 1767228000", "cpu @ end()", "sum(cpu @ start()) - sum(cpu)", "odd", "odd{kind=\"sparse\"}", "nothing_here",
            "http_requests_total{job!~\"a.*\"}", "cpu == 5", "cpu > 0", "cpu > bool 0", "0 < cpu", "5 - cpu", "cpu % 7", "cpu ^ 2", "cpu atan2 memory_bytes",
            "cpu * on(instance) group_left(job) memory_bytes", "memory_bytes * on(instance) group_right cpu", "cpu + on(instance) memory_bytes",
            "cpu{mode=\"idle\"} / ignoring(mode) cpu{mode=\"user\"}", "cpu and on(instance) memory_bytes{instance!=\"a:1\"}",
            "cpu unless on(instance) memory_bytes{instance!=\"a:1\"}", "cpu{mode=\"idle\"} or cpu", "cpu > 0 or cpu", "cpu and ignoring(mode) cpu > 50",
            "sum(cpu)", "sum by(mode)(cpu)", "sum without(mode)(cpu)", "avg by(instance)(cpu)", "min(cpu)", "max(odd)", "min(odd)", "count(cpu)",
            "group(cpu)", "stddev(cpu)", "stdvar by(mode)(cpu)", "topk(3, cpu)", "bottomk by(mode)(1, cpu)", "topk(2, odd)", "quantile(0.3, cpu)",
            "quantile by(mode)(0.9, cpu)", "quantile(1.5, cpu)", "count_values(\"value\", odd{kind=~\"constant|sparse\"})", "limitk(2, cpu)",
            "sum(sum by(job, code)(http_requests_total))", "avg(odd)", "sum(odd)", "stddev(odd)",
            "histogram_quantile(0.9, rate(latency_seconds_bucket[5m]))", "histogram_quantile(0.5, sum by(le)(rate(latency_seconds_bucket[10m])))",
            "histogram_quantile(0, latency_seconds_bucket)", "histogram_quantile(1, latency_seconds_bucket)", "histogram_quantile(-1, latency_seconds_bucket)",
            "histogram_fraction(0.1, 0.7, rate(latency_seconds_bucket[5m]))", "histogram_quantile(0.9, cpu)",
            "rate(latency_seconds_sum[5m]) / rate(latency_seconds_count[5m])",
            "label_replace(cpu, \"host\", \"$1\", \"instance\", \"(.*):.*\")", "label_replace(cpu, \"instance\", \"\", \"\", \"\")",
            "label_join(cpu, \"all\", \"-\", \"instance\", \"mode\")", "sort(cpu)", "sort_desc(cpu)", "sort_by_label(cpu, \"instance\")",
            "absent(cpu)", "absent(nothing{a=\"b\"})", "absent_over_time(odd{kind=\"sparse\"}[2m])", "absent_over_time(nothing{x=\"y\"}[5m])",
            "timestamp(cpu)", "timestamp(cpu + 0)", "day_of_week(vector(time()))", "day_of_month()", "days_in_month()", "hour()", "minute()", "month()",
            "year(memory_bytes)", "day_of_year()", "round(cpu)", "round(cpu, 0.5)", "round(cpu, 7)", "clamp(cpu, -10, 10)", "clamp(cpu, 10, -10)", "clamp_min(cpu, 0)",
            "clamp_max(cpu, time() % 100)", "abs(cpu)", "ceil(cpu)", "floor(cpu)", "sgn(cpu)", "sqrt(cpu)", "exp(cpu / 100)", "ln(abs(cpu))", "log2(abs(cpu))",
            "log10(abs(cpu))", "sin(cpu)", "cos(cpu)", "tan(cpu)", "asin(cpu / 100)", "acos(cpu / 100)", "atan(cpu)", "sinh(cpu / 50)", "cosh(cpu / 50)",
            "tanh(cpu / 50)", "asinh(cpu)", "acosh(abs(cpu) + 1)", "atanh(cpu / 101)", "deg(cpu)", "rad(cpu)",
            "rate(http_requests_total[5m]) > 0.3", "sum by(job)(rate(http_requests_total{code!=\"200\"}[5m])) / sum by(job)(rate(http_requests_total[5m]))",
            "predict_linear(memory_bytes[30m], 3600)", "deriv(cpu[10m])", "quantile_over_time(0.75, cpu[10m])", "quantile_over_time(2, cpu[10m])",
            "double_exponential_smoothing(cpu[10m], 0.3, 0.4)", "mad_over_time(cpu[10m])",
            "max_over_time(rate(http_requests_total[2m])[20m:1m])", "avg_over_time((cpu > 0)[15m:30s])", "sum_over_time(cpu[10m:45s] offset 5m)",
            "rate(sum(http_requests_total)[10m:])", "max_over_time(cpu[10m:1m] @ 1767229000)", "count_over_time(vector(1)[10m:1m])",
            "rate({__name__=~\"http_requests_total|latency_seconds_count\"}[5m])", "sum by(__name__)({__name__=~\"cpu|odd\"})", "-{__name__=~\"cpu|memory_bytes\"}",
            "info(cpu)", "http_requests_total / on(job) group_left latency_seconds_count", "http_requests_total + on(job) latency_seconds_count",
            "native_seconds", "native_gauge", "native_custom", "native_mixed", "rate(native_seconds[5m])", "increase(native_seconds[17m])", "delta(native_gauge[5m])",
            "irate(native_seconds[5m])", "idelta(native_gauge[5m])", "rate(native_custom[5m])", "sum(rate(native_seconds[5m]))", "avg(native_seconds)", "sum(native_custom)",
            "sum by(job)(native_seconds)", "count(native_seconds)", "group(native_seconds)", "min(native_seconds)", "native_seconds * 2", "native_seconds / 4", "-native_seconds",
            "native_seconds + native_seconds", "native_seconds - native_seconds", "native_seconds == native_seconds", "native_seconds != native_seconds", "native_seconds > 1",
            "2 / native_seconds", "native_seconds + 1", "histogram_quantile(0.9, rate(native_seconds[5m]))", "histogram_quantile(0.2, sum(rate(native_seconds[5m])))",
            "histogram_quantile(0.5, native_custom)", "histogram_fraction(-1, 1, native_seconds)", "histogram_fraction(0.2, 0.7, native_custom)", "histogram_count(native_seconds)",
            "histogram_sum(rate(native_seconds[5m]))", "histogram_avg(native_seconds)", "histogram_stddev(native_seconds)", "histogram_stdvar(native_gauge)",
            "sum_over_time(native_seconds[5m])", "avg_over_time(native_seconds[5m])", "sum_over_time(native_mixed[10m])", "count_over_time(native_mixed[10m])", "last_over_time(native_mixed[10m])",
            "changes(native_seconds[10m])", "resets(native_seconds[20m])", "resets(native_mixed[20m])", "rate(native_mixed[10m])", "max_over_time(native_mixed[10m])",
            "present_over_time(native_seconds[5m])", "absent(native_seconds)", "topk(2, native_seconds)", "quantile(0.5, native_mixed)", "abs(native_seconds)", "timestamp(native_seconds)",
            "label_replace(native_seconds, \"x\", \"$1\", \"job\", \"(.*)\")", "native_seconds and on(job) native_custom", "native_seconds or native_custom", "avg by(job)(native_custom)",
            "count_values(\"v\", histogram_count(native_seconds) > 5)", "sum({__name__=~\"native_.*\"})",
            "cpu > on(instance) memory_bytes", "rate(cpu[5m:30s])", "cpu * 2 > bool 10", "(cpu > 10) * 2", "sum(cpu) > 0", "bool", "sum(rate(cpu))",
        ];
        string[] overTime =
        [
            "rate", "increase", "delta", "irate", "idelta", "resets", "changes", "avg_over_time", "sum_over_time", "min_over_time", "max_over_time",
            "count_over_time", "last_over_time", "present_over_time", "stddev_over_time", "stdvar_over_time", "deriv",
        ];
        string[] ranges = ["http_requests_total[1m]", "http_requests_total[17m]", "cpu[5m]", "odd[3m]"];
        return whole.Concat(overTime.SelectMany(f => ranges.Select(r => $"{f}({r})")));
    }

    public static IEnumerable<string> Random(int seed, int count)
    {
        var random = new Random(seed);
        for (int i = 0; i < count; i++) yield return Vector(random, 3);
    }

    // No remainder of numbers that were averaged: it magnifies their last bit.
    private static string Vector(Random random, int depth, bool native = true)
    {
        if (depth == 0) return Leaf(random);
        return random.Next(12) switch
        {
            0 or 1 => $"{Pick(random, "sum", "avg", "min", "max", "count", "stddev")} {Grouping(random)}({Vector(random, depth - 1, native)})",
            // Of equal values any may be picked, so that only values which differ are ranked.
            2 => $"{Pick(random, "topk", "bottomk")} {Grouping(random)}({random.Next(1, 4)}, avg_over_time({Pick(random, "cpu", "memory_bytes")}[{random.Next(60, 900)}s]))",
            3 => $"{Pick(random, "abs", "ceil", "sqrt", "sgn", "round", "-", "+")}({Vector(random, depth - 1, native)})",
            4 => $"({Vector(random, depth - 1, native)}) {Pick(random, "+", "-", "*", "/", ">", "<=", "!=", "== bool")} {Number(random)}",
            5 => $"({Vector(random, depth - 1, native)}) {Pick(random, "+", "-", "*", "/", ">", "<", ">= bool")} {Pick(random, "", "on(instance) ", "on(job) group_left ", "ignoring(mode, code) ", "on(instance) group_right(mode) ")}({Vector(random, depth - 1, native)})",
            6 => $"({Vector(random, depth - 1, native)}) {Pick(random, "and", "or", "unless")} {Pick(random, "", "on(instance) ", "on(job) ", "ignoring(code) ")}({Vector(random, depth - 1, native)})",
            // Until 3.6 (#16879) Prometheus let native histograms in a sub-query be overwritten: none there.
            7 => $"{Pick(random, "max_over_time", "avg_over_time", "sum_over_time", "rate", "count_over_time", "last_over_time")}(({Vector(random, depth - 1, native: false)})[{random.Next(2, 15)}m:{random.Next(20, 120)}s]{Offset(random)})",
            8 when native => Histograms(random, depth - 1),
            9 => $"label_replace({Vector(random, depth - 1, native)}, \"{Pick(random, "job", "copy")}\", \"$1-x\", \"instance\", \"(.):.*\")",
            10 => $"{Pick(random, "clamp_min", "clamp_max")}({Vector(random, depth - 1, native)}, {Number(random)})",
            _ => Leaf(random),
        };
    }

    private static string Histograms(Random random, int depth)
    {
        string native = Pick(random, "native_seconds", "native_seconds{schema=\"3\"}", "native_gauge", "native_custom", "native_mixed");
        string value = random.Next(4) switch
        {
            0 => native + Offset(random),
            1 => $"sum {Pick(random, "", "by(job) ", "without(schema) ")}({native})",
            2 => $"{Pick(random, "sum_over_time", "avg_over_time")}({native}[{random.Next(1, 12)}m])",
            _ => $"{Pick(random, "rate", "increase", "delta")}({native}[{random.Next(1, 20)}m]{Offset(random)})",
        };
        return random.Next(5) switch
        {
            0 => $"{Pick(random, "histogram_count", "histogram_sum", "histogram_avg", "histogram_stddev")}({value})",
            1 => $"histogram_quantile({random.Next(0, 11) / 10.0:0.#}, {value})",
            2 => $"histogram_fraction({Number(random)}, {Number(random)}, {value})",
            3 => $"({value}) {Pick(random, "*", "/", "+", "-", "==")} {(depth > 0 && random.Next(2) == 0 ? value : Number(random))}",
            _ => value,
        };
    }

    private static string Leaf(Random random)
    {
        string selector = Pick(
            random, "http_requests_total", "http_requests_total{code=\"500\"}", "cpu", "cpu{mode=\"user\"}", "memory_bytes", "odd{kind!=\"nan\"}", "latency_seconds_count");
        if (random.Next(2) == 0) return selector + Offset(random);
        string function = Pick(random, "rate", "increase", "delta", "irate", "avg_over_time", "min_over_time", "changes", "sum_over_time", "stddev_over_time");
        return $"{function}({selector}[{random.Next(20, 1200)}s]{Offset(random)})";
    }

    private static string Offset(Random random) => random.Next(4) switch
    {
        0 => $" offset {random.Next(1, 900)}s",
        1 when random.Next(3) == 0 => $" @ {(DifferentialData.StartMs / 1000) + random.Next(7200)}",
        _ => "",
    };

    private static string Grouping(Random random) =>
        Pick(random, "", "by(instance) ", "by(job) ", "without(instance) ", "by(job, code) ", "without(mode, code) ");

    private static string Number(Random random) => Math.Round((random.NextDouble() * 20) - 10, 2).ToString(CultureInfo.InvariantCulture);

    private static string Pick(Random random, params string[] choices) => choices[random.Next(choices.Length)];
}
