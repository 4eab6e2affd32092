using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.Rules.Evaluation;
using Pharos.Rules.UnitTests;

namespace Pharos.Rules;

/// <summary>The language in which the rules of a unit test run, and what to dispose with it.</summary>
public sealed record RuleTestLanguage(IRuleLanguage Language, IDisposable? Owner = null);

/// <summary>How unit tests run.</summary>
public sealed record RuleTestOptions
{
    /// <summary>Builds a language over the test's store; the span is the step of subqueries that name none.</summary>
    public required Func<IMetricQueryable, TimeSpan, RuleTestLanguage> Language { get; init; }

    /// <summary>RE2 expressions; only tests whose name matches one run. Empty: all.</summary>
    public IReadOnlyList<string> Run { get; init; } = [];

    /// <summary>Reads a file; tests replace it.</summary>
    public Func<string, string> ReadFile { get; init; } = System.IO.File.ReadAllText;
}

/// <summary>What became of one test file.</summary>
/// <param name="Tests">How many tests ran.</param>
/// <param name="Failures">What failed, one text each; empty where the file passed.</param>
public sealed record RuleTestResult(string File, int Tests, IReadOnlyList<string> Failures)
{
    public bool Passed => Failures.Count == 0;
}

/// <summary>Runs rule unit tests in promtool's format: given series, the real rule engine on simulated time, expected alerts and samples.</summary>
public static class RuleTestRunner
{
    /// <summary>Runs one test file. A file that cannot be read fails.</summary>
    public static async Task<RuleTestResult> RunAsync(string path, RuleTestOptions options, CancellationToken cancel)
    {
        try
        {
            var file = RuleTestFile.Parse(options.ReadFile(path), path);
            string folder = Path.GetDirectoryName(Path.GetFullPath(path)) ?? ".";
            var rules = RuleFiles.Expand(file.RuleFiles, folder, out var missing);
            var failures = new List<string>(missing.Select(m => $"{path}: no rule file matches \"{m}\""));
            var groups = Groups(rules, options, failures);
            if (failures.Count > 0) return new RuleTestResult(path, 0, failures);
            var only = options.Run.Select(r => LinearRegex.Unanchored(r)).ToList();
            int ran = 0;
            foreach (var test in file.Tests.Where(t => only.Count == 0 || only.Exists(r => r.IsMatch(t.Name))))
            {
                ran++;
                string title = test.Name.Length > 0 ? $"{test.Position}: test \"{test.Name}\"" : $"{test.Position}: test";
                failures.AddRange((await TestAsync(file, test, groups, options, cancel)).Select(f => $"{title}: {f}"));
            }
            return new RuleTestResult(path, ran, failures);
        }
        catch (ConfigurationException e)
        {
            return new RuleTestResult(path, 0, [.. e.Diagnostics.Select(d => d.ToString())]);
        }
        catch (FormatException e)
        {
            return new RuleTestResult(path, 0, [e.Message]);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new RuleTestResult(path, 0, [e.Message]);
        }
    }

    private static List<RuleGroupSource> Groups(IReadOnlyList<string> files, RuleTestOptions options, List<string> failures)
    {
        var checker = options.Language(new TestStore(), TimeSpan.FromMinutes(1));
        using (checker.Owner)
        {
            var groups = new List<RuleGroupSource>();
            foreach (string file in files)
            {
                var findings = new List<Diagnostic>();
                foreach (var group in RuleFileReader.Parse(options.ReadFile(file), file, new RuleFileOptions { Language = checker.Language }, findings))
                    groups.Add(new RuleGroupSource(file, group));
                failures.AddRange(findings.Where(f => f.Severity == Severity.Error).Select(f => f.ToString()));
            }
            return groups;
        }
    }

    private static async Task<List<string>> TestAsync(
        RuleTestFile file, RuleTest test, List<RuleGroupSource> sources, RuleTestOptions options, CancellationToken cancel)
    {
        var interval = test.Interval ?? file.EvaluationInterval;
        long stepMs = (long)file.EvaluationInterval.TotalMilliseconds;
        var store = new TestStore();
        foreach (var (labels, values) in test.Series) store.Give(labels, values, test.StartMs, (long)interval.TotalMilliseconds);
        var built = options.Language(store, file.EvaluationInterval);
        using var owner = built.Owner;
        var time = new SimulatedTimeProvider(UnixTime.FromMs(test.StartMs));
        var managing = new RuleManagerOptions { DefaultInterval = interval, ExternalLabels = () => test.ExternalLabels, ExternalUrl = test.ExternalUrl };
        var context = new RuleContext(managing, built.Language, store, new NoAlerts(), new AlertJournal(1), time);
        var metrics = new RuleMetrics(new Instruments(), managing);
        var groups = sources
            .OrderBy(s => Order(file.GroupOrder, s.Group.Name))
            .Select(s => new RuleGroup(s, context, metrics, NullLogger.Instance)).ToList();
        var failures = new List<string>();
        try
        {
            long lastMs = test.Alerts.Select(a => a.EvalTime).Concat(test.Expressions.Select(e => e.EvalTime)).Append(TimeSpan.Zero).Max(t => (long)t.TotalMilliseconds);
            for (long at = 0; at <= lastMs; at += stepMs)
            {
                cancel.ThrowIfCancellationRequested();
                store.LoadUntil(test.StartMs + at);
                time.AdvanceTo(UnixTime.FromMs(test.StartMs + at));
                var errors = new List<string>();
                foreach (var group in groups)
                {
                    await group.EvaluateAsync(test.StartMs + at, send: false, absenceCounts: true, cancel);
                    errors.AddRange(group.Rules.Where(r => r.LastError.Length > 0)
                        .Select(r => $"rule {r.Definition.Name} at {PromDuration.FormatMs(at)}: {r.LastError}"));
                }
                failures.AddRange(errors);
                if (errors.Count > 0) return failures;
                foreach (var alert in test.Alerts.Where(a => at <= a.EvalTime.TotalMilliseconds && a.EvalTime.TotalMilliseconds < at + stepMs))
                {
                    if (Compare(alert, groups) is { } difference) failures.Add(difference);
                }
            }
            foreach (var expression in test.Expressions)
            {
                if (await CompareAsync(file, test, expression, built.Language, cancel) is { } difference) failures.Add(difference);
            }
            return failures;
        }
        finally
        {
            foreach (var group in groups) group.Dispose();
        }
    }

    private static int Order(IReadOnlyList<string> order, string name)
    {
        for (int i = 0; i < order.Count; i++)
        {
            if (order[i] == name) return i + 1;
        }
        return 0;
    }

    private static string? Compare(AlertTest expected, List<RuleGroup> groups)
    {
        var got = groups.SelectMany(g => g.Rules).OfType<AlertingRule>()
            .Where(r => r.Definition.Alert == expected.AlertName)
            .SelectMany(r => r.Instances.Values)
            .Where(i => i.Phase == AlertPhase.Firing)
            .Select(i => $"Labels:{i.Labels} Annotations:{i.Annotations}").Order(StringComparer.Ordinal).ToList();
        var wanted = expected.Expected.Select(e => $"Labels:{e.Labels} Annotations:{e.Annotations}").Order(StringComparer.Ordinal).ToList();
        return got.SequenceEqual(wanted) ? null
            : $"{expected.Position}: alertname: {expected.AlertName}, time: {PromDuration.Format(expected.EvalTime)}\n    exp: {List(wanted)}\n    got: {List(got)}";
    }

    private static async Task<string?> CompareAsync(RuleTestFile file, RuleTest test, ExpressionTest expected, IRuleLanguage language, CancellationToken cancel)
    {
        string what = $"{expected.Position}: expr: {GoString.Quote(expected.Expr)}, time: {PromDuration.Format(expected.EvalTime)}";
        InstantResult result;
        try
        {
            result = await language.QueryInstantAsync(TenantId.Anonymous, expected.Expr, test.StartMs + (long)expected.EvalTime.TotalMilliseconds, cancel);
        }
        catch (QueryException e)
        {
            return $"{what}: {e.Message}";
        }
        Func<double, double, bool> same = file.Fuzzy ? Near : Same;
        var got = result.Vector.OrderBy(v => v.Labels).ToList();
        var wanted = expected.Expected.OrderBy(v => v.Labels).ToList();
        bool equal = got.Count == wanted.Count;
        for (int i = 0; equal && i < got.Count; i++)
        {
            var (one, other) = (got[i], wanted[i]);
            equal = one.Labels.Equals(other.Labels) && (one.Histogram is null) == (other.Histogram is null)
                && (one.Histogram is { } h ? HistogramSum.Equal(h, other.Histogram!, same) : same(one.Value, other.Value));
        }
        return equal ? null
            : $"{what}\n    exp: {List(wanted.Select(w => Shown(w.Labels, w.Value, w.Histogram)))}\n    got: {List(got.Select(g => Shown(g.Labels, g.Value, g.Histogram)))}";
    }

    private static bool Same(double a, double b) => a == b || (double.IsNaN(a) && double.IsNaN(b));

    /// <summary>Equal, or next to each other.</summary>
    private static bool Near(double a, double b) => Same(a, b) || (Math.BitDecrement(a) <= b && b <= Math.BitIncrement(a));

    private static string List(IEnumerable<string> items)
    {
        var text = string.Join("\n         ", items);
        return text.Length == 0 ? "nothing" : text;
    }

    private static string Shown(Labels labels, double value, Histogram? histogram)
    {
        var text = new StringBuilder(labels.ToString()).Append(' ');
        if (histogram is null) return text.Append(GoFloat.Format(value)).ToString();
        text.Append(CultureInfo.InvariantCulture, $"{{{{schema:{histogram.Schema} count:{histogram.Count} sum:{histogram.Sum}");
        if (histogram.ResetHint != CounterResetHint.Unknown) text.Append(CultureInfo.InvariantCulture, $" counter_reset_hint:{histogram.ResetHint}");
        if (histogram.PositiveBuckets.Length > 0) text.Append(CultureInfo.InvariantCulture, $" offset:{histogram.PositiveSpans[0].Offset} buckets:[{string.Join(' ', histogram.PositiveBuckets)}]");
        if (histogram.NegativeBuckets.Length > 0) text.Append(CultureInfo.InvariantCulture, $" n_offset:{histogram.NegativeSpans[0].Offset} n_buckets:[{string.Join(' ', histogram.NegativeBuckets)}]");
        return text.Append("}}").ToString();
    }

    private sealed class NoAlerts : IAlertSink
    {
        public ValueTask SendAsync(TenantId tenant, IReadOnlyList<Alert> alerts, CancellationToken cancel) => ValueTask.CompletedTask;
    }
}
