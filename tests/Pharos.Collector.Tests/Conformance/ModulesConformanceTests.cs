using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;
using Pharos.Collector.Evaluation;
using Pharos.Collector.Hosting;
using Pharos.Collector.Syntax;
using Pharos.Core;
using Pharos.Wire.Exposition;

namespace Pharos.Collector.Tests;

[Trait("Category", "Conformance")]
public sealed partial class ModulesConformanceTests
{
    [Fact]
    public async Task Every_archive_does_what_its_suite_says()
    {
        string folder = Places.Conformance("alloy-syntax/modules");
        var run = new ConformanceRun("modules");
        var archives = Directory.GetFiles(folder, "*.txtar", SearchOption.AllDirectories).Order(StringComparer.Ordinal).ToList();
        foreach (string archive in archives)
        {
            string id = Path.GetRelativePath(folder, archive);
            string? failure;
            try
            {
                failure = await CheckAsync(Path.GetDirectoryName(id)!, Txtar.Read(await File.ReadAllTextAsync(archive)));
            }
            catch (SyntaxException wrong)
            {
                failure = wrong.Message;
            }
            run.Case(id, () => failure);
        }
        run.Verify(archives.Count, ConformanceRun.ReadList(Path.Combine(Places.Repository, "tests/Pharos.Collector.Tests/Conformance/modules-listed.txt")));
    }

    [Fact]
    public async Task The_runner_sees_a_wrong_expectation()
    {
        const string nine = "testcomponents.count \"inc\" {\n\tfrequency = \"10ms\"\n\tmax = 9\n}\ntestcomponents.summation \"sum\" {\n\tinput = testcomponents.count.inc.count\n}\n";
        Assert.NotNull(await CheckAsync("import_file", [("main.alloy", nine)]));
        Assert.Null(await CheckAsync("import_file", [("main.alloy", nine.Replace("9", "10", StringComparison.Ordinal))]));
        Assert.NotNull(await CheckAsync("import_error", [("main.alloy", nine), ("error", "anything \"x\"")]));
    }

    private static async Task<string?> CheckAsync(string suite, IReadOnlyList<(string Name, string Text)> files)
    {
        using var folder = Places.NewFolder();
        string modules = suite == "import_file_folder" ? Path.Combine(folder, "tmpTest") : folder;
        Directory.CreateDirectory(modules);
        string Part(string name) => files.FirstOrDefault(f => f.Name == name).Text ?? "";
        bool Has(string name) => files.Any(f => f.Name == name);
        // Relative names are those of the process's folder, which tests share: they are made absolute.
        string Absolute(string text) => RelativeFile().Replace(text, m => $"filename = {GoString.Quote(Path.Combine(folder, m.Groups[1].Value))}");
        void Write(string name, string text)
        {
            string path = Path.Combine(modules, name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, Absolute(text));
        }

        foreach (var (name, text) in files)
        {
            if (name.EndsWith(".alloy", StringComparison.Ordinal) && name is not ("main.alloy" or "reload_config.alloy" or "added.alloy")
                && !name.StartsWith("update", StringComparison.Ordinal) && !name.Contains("/update_", StringComparison.Ordinal)) Write(name, text);
        }
        var components = new TestComponents();
        var time = new SimulatedTimeProvider();
        string main = Absolute(Part("main.alloy"));
        await using var collector = new CollectorHost(new CollectorOptions
        {
            Configuration = () => [new SourceText("main.alloy", main)],
            StoragePath = Path.Combine(folder, "data"),
            Time = time,
            Log = new CollectorLog(TextWriter.Null, time),
            Http = _ => throw new InvalidOperationException("no network"),
            ConfigurationFolder = folder,
            Facts = new HostFacts { Hostname = "test" },
            Registry = components.Registry(),
            MinimumStability = suite.StartsWith("foreach", StringComparison.Ordinal) ? Stability.Experimental : Stability.PublicPreview,
        });

        if (suite == "import_error")
        {
            try
            {
                await collector.LoadAsync(default);
                return "it loads";
            }
            catch (SyntaxException wrong)
            {
                // The names that the message quotes are its cause; other words may differ.
                var names = Quoted().Matches(Part("error")).Select(m => m.Groups[1].Value).ToList();
                return names.All(n => wrong.Message.Contains(n, StringComparison.Ordinal)) ? null : wrong.Message;
            }
        }

        await collector.LoadAsync(default);
        async Task<string?> ReachesAsync(Func<long> value, long wanted, string what)
        {
            for (int i = 0; i < 1500; i++)
            {
                if (value() == wanted) return null;
                time.Advance(TimeSpan.FromMilliseconds(10));
                await Task.Delay(1);
            }
            return $"{what} is {value()}, not {wanted}";
        }
        long Last() => components.LastInput.GetValueOrDefault("sum");
        long Sum() => components.Sums.GetValueOrDefault("sum");

        if (suite == "foreach_stringer")
        {
            string expected = Part("expected_debug_info.txt").Trim(), second = Part("expected_debug_info2.txt").Trim();
            return await ReachesAsync(() => Log("log") == expected && Log("log2") == second ? 1 : 0, 1, $"log [{Log("log")}] [{Log("log2")}]");
            string Log(string label)
            {
                lock (components.Logs) return string.Join('\n', components.Logs.GetValueOrDefault(label) ?? []);
            }
        }
        if (suite == "foreach_metrics")
        {
            if (await MetricsAsync(Part("expected_metrics.prom")) is { } wrong) return wrong;
            if (!Has("reload_config.alloy")) return null;
            main = Absolute(Part("reload_config.alloy"));
            await collector.LoadAsync(default);
            return await MetricsAsync(Part("expected_metrics_after_reload.prom"));
        }
        if (suite == "foreach")
        {
            if (await ReachesAsync(() => Math.Min(Sum(), 10), 10, "sum") is { } wrong) return wrong;
            if (!Has("update/module.alloy")) return null;
            Write("module.alloy", Part("update/module.alloy"));
            return await ReachesAsync(() => Math.Min(Sum(), 30), 30, "sum after the update");
        }

        if (await ReachesAsync(Last, 10, "last input") is { } early) return early;
        bool updated = false;
        foreach (var (name, text) in files)
        {
            string? target = name.StartsWith("update/", StringComparison.Ordinal) ? name["update/".Length..]
                : name.Contains("/update_", StringComparison.Ordinal) ? name.Replace("/update_", "/", StringComparison.Ordinal)
                : name == "added.alloy" ? name : null;
            if (target is null) continue;
            Write(target, text);
            updated = true;
        }
        if (Has("removed.alloy"))
        {
            File.Delete(Path.Combine(modules, "removed.alloy"));
            updated = true;
        }
        if (updated && await ReachesAsync(Last, -10, "last input after the update") is { } late) return late;
        if (!Has("reload_config.alloy")) return null;
        main = Absolute(Part("reload_config.alloy"));
        await collector.LoadAsync(default);
        return await ReachesAsync(Last, -10, "last input after the reload");

        async Task<string?> MetricsAsync(string expected)
        {
            var wanted = Lines(expected);
            string difference = "";
            for (int i = 0; i < 500; i++)
            {
                var buffer = new ArrayBufferWriter<byte>();
                collector.WriteMetrics(buffer, ExpositionFormat.Text);
                var found = Lines(Encoding.UTF8.GetString(buffer.WrittenSpan));
                var names = wanted.Select(l => l[..l.AsSpan().IndexOfAny('{', ' ')]).ToHashSet();
                var missing = wanted.Except(found).ToList();
                var more = found.Where(l => names.Contains(l[..l.AsSpan().IndexOfAny('{', ' ')])).Except(wanted).ToList();
                if (missing.Count + more.Count == 0) return null;
                difference = $"missing [{string.Join(" | ", missing)}], unexpected [{string.Join(" | ", more)}]";
                time.Advance(TimeSpan.FromMilliseconds(10));
                await Task.Delay(1);
            }
            return difference;
        }
    }

    /// <summary>Samples; an empty label is no label.</summary>
    private static HashSet<string> Lines(string page) =>
        [.. page.Split('\n').Where(l => l.Length > 0 && l[0] != '#').Select(l => EmptyLabel().Replace(l, "").Replace("{,", "{", StringComparison.Ordinal))];

    [GeneratedRegex("filename *= *\"([^/\"][^\"]*)\"")]
    private static partial Regex RelativeFile();

    [GeneratedRegex("\"([^\"]+)\"")]
    private static partial Regex Quoted();

    [GeneratedRegex(",?[a-z_]+=\"\"")]
    private static partial Regex EmptyLabel();
}
