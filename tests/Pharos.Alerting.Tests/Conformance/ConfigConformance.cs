using System.Text.Json;
using Pharos.Core;

namespace Pharos.Alerting.Tests.Conformance;

[Trait("Category", "Conformance")]
public sealed class ConfigConformance
{
    private static string Folder => Places.Conformance("alertmanager-config");

    private static JsonElement Expectations => JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, "expect.json"))).RootElement;

    private static IReadOnlyDictionary<string, string> Listed =>
        ConformanceRun.ReadList(Path.Combine(Places.Repository, "tests/Pharos.Alerting.Tests/Conformance/listed.txt"));

    [Fact]
    public void Every_configuration_is_accepted_or_rejected_as_expected()
    {
        var run = new ConformanceRun("alertmanager-config");
        foreach (var one in Expectations.GetProperty("cases").EnumerateArray())
            run.Case(one.GetProperty("file").GetString()!, () => Verdict(one, one.GetProperty("expect").GetString()!));
        int files = Directory.EnumerateFiles(Folder, "*.yml", SearchOption.AllDirectories).Count();
        run.Verify(files, Only(f => f.EndsWith(".yml", StringComparison.Ordinal)));
    }

    [Fact]
    public void Every_routing_reaches_the_expected_receivers_in_order()
    {
        var run = new ConformanceRun("alertmanager-config routing");
        int i = 0;
        foreach (var one in Expectations.GetProperty("routing").EnumerateArray())
            run.Case($"routing-{i++}", () => Routing(one, one.GetProperty("receivers").EnumerateArray().Select(r => r.GetString()!)));
        run.Verify(Expectations.GetProperty("routing").GetArrayLength());
    }

    [Fact]
    public void Every_matcher_text_parses_as_expected()
    {
        string file = Path.Combine(Folder, "matcher-cases.json");
        var cases = JsonDocument.Parse(File.ReadAllText(file)).RootElement.GetProperty("cases");
        var run = new ConformanceRun("matchers");
        foreach (var one in cases.EnumerateArray()) run.Case(one.GetProperty("id").GetString()!, () => Matchers(one, one.GetProperty("expect").GetString()!));
        run.Verify(cases.GetArrayLength(), Only(id => id.StartsWith("ma-", StringComparison.Ordinal)));
    }

    [Fact]
    public void The_runners_see_wrong_expectations()
    {
        var config = Expectations.GetProperty("cases").EnumerateArray().First();
        Assert.NotNull(Verdict(config, "reject"));
        var routing = Expectations.GetProperty("routing").EnumerateArray().First();
        Assert.NotNull(Routing(routing, ["nobody"]));
        var matcher = JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, "matcher-cases.json"))).RootElement.GetProperty("cases")[3];
        Assert.NotNull(Matchers(matcher, "reject"));
    }

    private static string? Verdict(JsonElement one, string expected)
    {
        string file = one.GetProperty("file").GetString()!, text = File.ReadAllText(Path.Combine(Folder, file));
        string found, error = "";
        try
        {
            if (one.TryGetProperty("kind", out _)) HttpClientOptions.Load(text, file);
            else AlertmanagerConfig.Load(text, file);
            found = "accept";
        }
        catch (ConfigurationException e)
        {
            found = "reject";
            error = e.Message;
            Assert.All(e.Diagnostics, d => Assert.Equal(file, d.Position.File));
        }
        if (found != expected) return $"expected {expected}, got {found} {error}";
        if (found == "reject" && one.TryGetProperty("reference_error", out var gist) && !error.Contains(KeyWord(gist.GetString()!), StringComparison.OrdinalIgnoreCase))
            return $"rejected for another cause: {error}; expected {gist}";
        return null;
    }

    /// <summary>The word of the reference's message that names the cause.</summary>
    private static string KeyWord(string gist) =>
        gist.StartsWith("field ", StringComparison.Ordinal) ? gist.Split(' ')[1]
        : gist.StartsWith("at most one of ", StringComparison.Ordinal) ? gist["at most one of ".Length..].Split([' ', '/'])[0].Replace("telegram_", "", StringComparison.Ordinal).Replace("mattermost_", "", StringComparison.Ordinal)
        : gist.Split(' ').OrderByDescending(w => w.Length).First();

    private static string? Routing(JsonElement one, IEnumerable<string> expected)
    {
        string file = one.GetProperty("file").GetString()!;
        var config = AlertmanagerConfig.Load(File.ReadAllText(Path.Combine(Folder, file)), file);
        var labels = Labels.Of(one.GetProperty("labels").EnumerateObject().Select(p => KeyValuePair.Create(p.Name, p.Value.GetString()!)));
        var found = config.Routes.Match(labels).Select(r => r.Receiver).ToList();
        return found.SequenceEqual(expected) ? null : $"reached {string.Join(", ", found)}";
    }

    private static string? Matchers(JsonElement one, string expected)
    {
        string input = one.GetProperty("input").GetString()!;
        foreach (var mode in one.GetProperty("modes").EnumerateArray().Select(m => m.GetString() == "classic" ? MatcherMode.Classic : MatcherMode.Utf8))
        {
            IReadOnlyList<Matcher> found;
            try
            {
                found = one.GetProperty("kind").GetString() == "matcher" ? [MatcherText.ParseOne(input, mode)] : MatcherText.ParseAll(input, mode);
            }
            catch (FormatException e)
            {
                if (expected == "reject") continue;
                return $"{mode}: {e.Message}";
            }
            if (expected == "reject") return $"{mode}: parsed as {MatcherText.Join(found)}";
            var wanted = one.GetProperty("matchers").EnumerateArray().Select(m => $"{m[0]}{m[1]}{m[2]}");
            var got = found.Select(m => $"{m.Name}{Matcher.Symbol(m.Op)}{m.Value}");
            if (!got.SequenceEqual(wanted)) return $"{mode}: parsed as {MatcherText.Join(found)}";
        }
        return null;
    }

    private static Dictionary<string, string> Only(Func<string, bool> which) => Listed.Where(l => which(l.Key)).ToDictionary();
}
