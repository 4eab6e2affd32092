using System.Text.RegularExpressions;
using Pharos.Core;

namespace Pharos.Alerting.Tests.Timelines;

/// <summary>
/// Runs a timeline. Lines: <c>at TIME push {labels} [for TIME]</c>, <c>resolve {labels}</c>, <c>silence {matchers} for TIME [as NAME]</c>,
/// <c>expire NAME</c>, <c>restart</c>, <c>break HOST</c>, <c>mend HOST</c>, <c>expect nothing</c>,
/// <c>expect HOST firing=N resolved=N [group=KEY] [because REASON]</c> (one line for each request, any order among hosts),
/// <c>journal {labels} STEP text</c> (the newest event of that step contains the text).
/// </summary>
internal static partial class TimelineScript
{
    public static async Task RunAsync(string config, string script, AlertRouterOptions? options = null, DateTimeOffset? start = null)
    {
        await using var router = new RouterHarness(config, options, start);
        var broken = new HashSet<string>();
        var silences = new Dictionary<string, string>();
        router.Answer = (request, _) => new HttpResponseMessage(broken.Contains(request.RequestUri!.Host)
            ? System.Net.HttpStatusCode.BadGateway : System.Net.HttpStatusCode.OK) { Content = new StringContent("") };
        var lines = script.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Where(l => l[0] != '#').ToList();
        for (int i = 0; i < lines.Count; i++)
        {
            var line = Line().Match(lines[i]);
            Assert.True(line.Success, $"not a line of a timeline: {lines[i]}");
            double at = Seconds(line.Groups["time"].Value);
            string rest = line.Groups["rest"].Value;
            await router.AdvanceToAsync(at);
            switch (line.Groups["verb"].Value)
            {
                case "push":
                    var (labels, life) = Split(rest, " for ");
                    router.Push(labels, life is null ? null : at + Seconds(life), starts: at);
                    break;
                case "resolve":
                    router.Push(rest, ends: at);
                    break;
                case "silence":
                    var (what, name) = Split(rest, " as ");
                    var (matchers, length) = Split(what, " for ");
                    var now = router.Time.GetUtcNow();
                    silences[name ?? ""] = router.Router.SetSilence(TenantId.Anonymous, new Silence
                    {
                        Matchers = MatcherText.ParseAll(matchers), StartsAt = now, EndsAt = now.AddSeconds(Seconds(length!)), CreatedBy = "ann", Comment = "work",
                    }).Id;
                    break;
                case "expire":
                    router.Router.ExpireSilence(TenantId.Anonymous, silences[rest]);
                    break;
                case "restart":
                    await router.RestartAsync();
                    break;
                case "break":
                    broken.Add(rest);
                    break;
                case "mend":
                    broken.Remove(rest);
                    break;
                case "forget":
                    router.TakeWebhooks();
                    break;
                case "journal":
                    Journal(router, rest);
                    break;
                case "expect":
                    var expected = new List<string> { rest };
                    while (i + 1 < lines.Count && lines[i + 1].StartsWith("and ", StringComparison.Ordinal)) expected.Add(lines[++i][4..]);
                    Expect(lines[i], expected.Where(e => e != "nothing").ToList(), router.TakeWebhooks());
                    break;
            }
        }
    }

    private static void Expect(string line, List<string> expected, List<string> found)
    {
        var left = found.ToList();
        foreach (string one in expected)
        {
            var parts = one.Split(" because ");
            var words = parts[0].Split(' ', 4);
            int at = left.FindIndex(f => words.All(w => f.Contains(w, StringComparison.Ordinal)) && (parts.Length == 1 || f.EndsWith($"because {parts[1]}", StringComparison.Ordinal)));
            Assert.True(at >= 0, $"{line}\n  was not sent; sent: {string.Join("; ", found)}");
            left.RemoveAt(at);
        }
        Assert.True(left.Count == 0, $"{line}\n  also sent: {string.Join("; ", left)}");
    }

    private static void Journal(RouterHarness router, string rest)
    {
        int close = rest.IndexOf('}') + 1;
        var (step, text) = Split(rest[close..].Trim(), " ");
        var alert = RouterHarness.LabelsOf(rest[..close]);
        var events = router.Journal.Read(TenantId.Anonymous, alert, 0);
        var last = events.LastOrDefault(e => e.Step.ToString() == step);
        Assert.True(last is not null && last.Because.Contains(text!, StringComparison.Ordinal),
            $"{rest}\n  the journal says: {string.Join("\n  ", events.Select(e => $"{(e.At - router.Start).TotalSeconds}s {e.Step}: {e.Because}"))}");
    }

    private static (string, string?) Split(string text, string by)
    {
        int at = text.IndexOf(by, StringComparison.Ordinal);
        return at < 0 ? (text, null) : (text[..at], text[(at + by.Length)..]);
    }

    private static double Seconds(string text) =>
        PromDuration.TryParse(text, out var duration, out string? error) ? duration.TotalSeconds : throw new FormatException(error);

    [GeneratedRegex(@"\Aat (?<time>\S+)\s+(?<verb>push|resolve|silence|expire|restart|break|mend|forget|journal|expect)\s*(?<rest>.*)\z")]
    private static partial Regex Line();
}
