using Pharos.Core;
using Pharos.PromQL.Execution;

namespace Pharos.PromQL.Tests.Conformance;

/// <summary>Every script of the public test data, each evaluation a case of its own.</summary>
[Trait("Category", "Conformance")]
public sealed class ScriptTests
{
    private const string ListedFile = "tests/Pharos.PromQL.Tests/Conformance/listed.txt";

    [Fact]
    public void Every_evaluation_passes_or_is_listed()
    {
        string folder = Places.Conformance("promql");
        var listed = ReadListed();
        var wrong = new List<string>();
        int passed = 0, failedAsListed = 0, found = 0;
        foreach (string file in Directory.GetFiles(folder, "*.test").Order(StringComparer.Ordinal))
        {
            found += File.ReadLines(file).Count(l => l.TrimStart().StartsWith("eval", StringComparison.OrdinalIgnoreCase));
            RunFile(file, (command, failure) =>
            {
                bool isListed = listed.Remove(command.Name);
                if (failure is null && !isListed) passed++;
                else if (failure is null) wrong.Add($"{command.Name}: is listed, but passes");
                else if (isListed) failedAsListed++;
                else wrong.Add($"{command.Name}: {command.Query}\n    {failure}");
            });
        }
        wrong.AddRange(listed.Keys.Select(name => $"{name}: is listed, but there is no such case"));
        string report = $"{passed} passed, {failedAsListed} listed, {wrong.Count} wrong, of {found}";
        TestContext.Current.TestOutputHelper?.WriteLine(report);
        ConformanceRun.Report("promql", passed, failedAsListed, found);
        if (Environment.GetEnvironmentVariable("PROMQL_REPORT") is { } path) File.WriteAllText(path, report + "\n" + string.Join('\n', wrong));
        Assert.True(wrong.Count == 0, report + "\n" + string.Join('\n', wrong.Take(40)));
        Assert.Equal(found, passed + failedAsListed);
        Assert.True(found > 2000);
    }

    [Fact]
    public void A_wrong_expectation_is_noticed()
    {
        using var folder = Places.NewFolder();
        string file = Path.Combine(folder, "wrong.test");
        File.WriteAllText(
            file,
            """
            load 1m
              x{a="1"} 1 2 3

            eval instant at 2m x
              x{a="1"} 4

            eval instant at 2m x
              x{a="2"} 3

            eval instant at 2m x
              expect fail

            eval instant at 2m rate(x[5m])
              expect no_info
              {a="1"} 0.0125

            eval range from 0 to 2m step 1m x
              x{a="1"} 1 2

            eval instant at 2m x

            """);
        var failures = new List<string?>();
        RunFile(file, (_, failure) => failures.Add(failure));
        Assert.Equal(6, failures.Count);
        Assert.All(failures, Assert.NotNull);
    }

    internal static void RunFile(string file, Action<EvalCommand, string?> report)
    {
        var store = new MemoryMetrics(Hinted);
        using var engine = new PromQlEngine(
            store,
            new PromQlOptions { DelayedNameRemoval = true, StartTimestamps = true },
            TimeProvider.System,
            new Instruments(),
            new FixedTenantLimits(new TenantLimits { QuerySamplesMax = 10_000, QueryTimeout = TimeSpan.FromSeconds(100) }));
        var judge = new Judge(engine);
        new Script(file, store, command => report(command, judge.Run(command))).Run();
    }

    // A store says "no reset" for every histogram of a chunk but its first, and begins a chunk where the layout or the counts jump.
    private static Histogram Hinted(Histogram histogram, Histogram? before)
    {
        if (histogram.ResetHint != CounterResetHint.Unknown || histogram.IsStale) return histogram;
        bool continues = before is { IsStale: false } && before.ResetHint != CounterResetHint.Gauge && !HistogramMath.WentDown(histogram, before)
            && histogram.Schema == before.Schema && histogram.CustomValues.AsSpan().SequenceEqual(before.CustomValues) && histogram.ZeroThreshold == before.ZeroThreshold;
        return continues ? HistogramMath.WithHint(histogram, CounterResetHint.NotReset) : histogram;
    }

    private static Dictionary<string, string> ReadListed()
    {
        var listed = new Dictionary<string, string>(StringComparer.Ordinal);
        string path = Path.Combine(Places.Repository, ListedFile);
        foreach (string line in File.ReadLines(path))
        {
            if (line.Length == 0 || line[0] == '#') continue;
            string[] parts = line.Split('\t', 2);
            Assert.True(parts.Length == 2 && parts[1].Trim().Length > 0, $"no reason: {line}");
            listed.Add(parts[0], parts[1]);
        }
        return listed;
    }
}
