using System.Globalization;
using System.Text.Json;
using Pharos.Core;
using Pharos.LogQL.Syntax;

namespace Pharos.LogQL.Tests.Conformance;

/// <summary>Runs the metric scenarios through the store: push, then query.</summary>
internal static class MetricRunner
{
    public static async Task<List<CaseRunner.Outcome>> RunAsync(JsonElement scenario)
    {
        await using var world = new LogWorld();
        foreach (var load in scenario.GetProperty("load").EnumerateArray()) await LoadAsync(world, load);
        var outcomes = new List<CaseRunner.Outcome>();
        int number = 0;
        foreach (var query in scenario.GetProperty("queries").EnumerateArray())
        {
            string id = $"{CaseRunner.Text(scenario, "id")}/{++number}";
            string? failure;
            try
            {
                failure = await QueryAsync(world, query);
            }
            catch (Exception e)
            {
                failure = $"{e.GetType().Name}: {e.Message.Split('\n')[0]}";
            }
            outcomes.Add(new CaseRunner.Outcome(id, failure is null ? null : $"{CaseRunner.Text(query, "query")}: {failure}"));
        }
        return outcomes;
    }

    private static async Task LoadAsync(LogWorld world, JsonElement load)
    {
        long at = Ns(CaseRunner.Text(load, "at"));
        long every = load.TryGetProperty("every", out var e) ? Ns(e.GetString()!) : 0;
        int count = load.TryGetProperty("count", out var c) ? c.GetInt32() : 1;
        Dictionary<string, string>? metadata = load.TryGetProperty("metadata", out var m) ? m.EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetString()!) : null;
        for (int i = 0; i < count; i++)
        {
            string line = CaseRunner.Text(load, "line").Replace("{{.i}}", i.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
            world.Add(CaseRunner.Text(load, "selector"), at + (i * every), line, metadata);
        }
        await world.SendAsync();
    }

    private static async Task<string?> QueryAsync(LogWorld world, JsonElement query)
    {
        string expect = CaseRunner.Text(query, "expect");
        LogQlResult result;
        try
        {
            result = query.TryGetProperty("at", out var at)
                ? await world.Engine.InstantAsync(LogWorld.Tenant, CaseRunner.Text(query, "query"), Ns(at.GetString()!), CancellationToken.None)
                : await world.Engine.QueryRangeAsync(LogWorld.Tenant, new LogQlRangeQuery
                {
                    Text = CaseRunner.Text(query, "query"),
                    StartNs = Ns(CaseRunner.Text(query, "from")),
                    EndNs = Ns(CaseRunner.Text(query, "to")),
                    StepNs = Ns(CaseRunner.Text(query, "step")),
                }, CancellationToken.None);
        }
        catch (QueryException e) when (expect == "fail")
        {
            _ = e;
            return null;
        }
        switch (expect)
        {
            case "fail":
                return "did not fail";
            case "scalar":
                if (result.Kind != LogQlResultKind.Scalar) return $"is a {result.Kind}";
                return Same(result.Scalar, Number(CaseRunner.Text(query, "value"))) ? null : $"is {result.Scalar}";
            case "empty":
                return result.Series.Count == 0 ? null : $"has {Show(result)}";
            default:
                return Compare(query, result);
        }
    }

    private static string? Compare(JsonElement query, LogQlResult result)
    {
        long from = query.TryGetProperty("at", out var at) ? Ns(at.GetString()!) : Ns(CaseRunner.Text(query, "from"));
        long step = query.TryGetProperty("step", out var s) ? Ns(s.GetString()!) : 1;
        var expected = query.GetProperty("series").EnumerateArray().ToList();
        if (expected.Count != result.Series.Count) return $"has {result.Series.Count} series, expected {expected.Count}: {Show(result)}";
        bool ordered = query.TryGetProperty("ordered", out var o) && o.GetBoolean();
        for (int i = 0; i < expected.Count; i++)
        {
            string labels = CaseRunner.Show(Parser.ParseSelector(CaseRunner.Text(expected[i], "labels")).Select(m => (m.Name, m.Value)));
            var series = ordered ? result.Series[i] : result.Series.FirstOrDefault(r => Show(r.Labels) == labels);
            if (series is null || Show(series.Labels) != labels) return $"{labels} is missing{(ordered ? $" at place {i}" : "")}: {Show(result)}";
            var values = Values(CaseRunner.Text(expected[i], "values"));
            var points = series.Points.ToDictionary(p => p.TimestampMs, p => p.Value);
            for (int k = 0; k < values.Count; k++)
            {
                long ms = (from + (k * step)) / 1_000_000;
                bool have = points.Remove(ms, out double value);
                if (have != values[k] is not null || (have && !Same(value, values[k]!.Value)))
                    return $"{labels} at {ms} ms is {(have ? value : "absent")}, expected {values[k]?.ToString() ?? "absent"}";
            }
            if (points.Count > 0) return $"{labels} has {points.Count} points too many";
        }
        return null;
    }

    private static List<double?> Values(string text)
    {
        var values = new List<double?>();
        foreach (string word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            int x = word.LastIndexOf('x');
            if (x < 0)
            {
                values.Add(word == "_" ? null : Number(word));
                continue;
            }
            int count = int.Parse(word[(x + 1)..]);
            string series = word[..x];
            int sign = series.IndexOfAny(['+', '-'], 1);
            double start = Number(sign < 0 ? series : series[..sign]), by = sign < 0 ? 0 : Number(series[sign..]);
            for (int i = 0; i <= count; i++) values.Add(series == "_" ? null : start + (i * by));
        }
        return values;
    }

    private static double Number(string text) => text switch
    {
        "NaN" => double.NaN,
        "+Inf" or "Inf" => double.PositiveInfinity,
        "-Inf" => double.NegativeInfinity,
        _ => double.Parse(text, CultureInfo.InvariantCulture),
    };

    private static bool Same(double a, double b) =>
        (double.IsNaN(a) && double.IsNaN(b)) || a == b || Math.Abs(a - b) <= 1e-9 || Math.Abs(a - b) <= 1e-9 * Math.Max(Math.Abs(a), Math.Abs(b));

    private static long Ns(string duration) => PromDuration.TryParseMs(duration, out long ms, out string? error) ? ms * 1_000_000 : throw new FormatException(error);

    private static string Show(Labels labels)
    {
        var pairs = new List<(string, string)>();
        foreach (var (name, value) in labels) pairs.Add((name, value));
        return CaseRunner.Show(pairs);
    }

    private static string Show(LogQlResult result) => string.Join("; ", result.Series.Take(5).Select(s => $"{Show(s.Labels)} {string.Join(' ', s.Points.Take(5).Select(p => p.Value))}"));
}
