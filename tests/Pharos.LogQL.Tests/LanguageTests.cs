using System.Text;
using Pharos.Core;

namespace Pharos.LogQL.Tests;

/// <summary>What the reference says of the language where the conformance data is silent.</summary>
public sealed class LanguageTests
{
    private const long SecondNs = 1_000_000_000;

    [Theory]
    [InlineData("{{.x | lower}} {{upper .x}} {{ToLower .x}} {{ToUpper .x}}", "hello world HELLO WORLD hello world HELLO WORLD")]
    [InlineData("{{title .x}}|{{trim `  a `}}|{{trimAll `Hd` .x}}|{{trimPrefix `Hello ` .x}}|{{.x | trimSuffix `rld`}}", "Hello WOrld|a|ello wOrl|wOrld|Hello wO")]
    [InlineData("{{Trim .x `Hd`}}|{{TrimLeft .x `H`}}|{{TrimRight .x `d`}}|{{TrimPrefix .x `He`}}|{{TrimSuffix .x `ld`}}|{{TrimSpace ` a `}}|{{Replace .x `l` `L` 2}}", "ello wOrl|ello wOrld|Hello wOrl|llo wOrld|Hello wOr|a|HeLLo wOrld")]
    [InlineData("{{.x | replace `l` `_`}}|{{repeat 2 `ab`}}|{{trunc 3 .x}}|{{trunc -3 .x}}|{{substr 1 3 .x}}|{{substr -1 3 .x}}|{{substr 6 -1 .x}}", "He__o wOr_d|abab|Hel|rld|el|Hel|wOrld")]
    [InlineData("{{indent 2 `a`}}|{{alignLeft 3 .x}}|{{alignLeft 4 `ab`}}|{{alignRight 3 .x}}|{{alignRight 4 `ab`}}|{{.none | default `d`}}|{{default `d` .x}}", "  a|Hel|ab  |rld|  ab|d|Hello wOrld")]
    [InlineData("{{contains `wO` .x}} {{hasPrefix `He` .x}} {{hasSuffix `He` .x}}", "true true false")]
    [InlineData("{{regexReplaceAll `(l+)` .x `<$1>`}}|{{regexReplaceAllLiteral `(l+)` .x `$1`}}|{{.x | count `l`}}", "He<ll>o wOr<l>d|He$1o wOr$1d|3")]
    [InlineData("{{urlencode `a b&c`}}|{{urldecode `a+b%26c`}}|{{b64enc `hi`}}|{{b64dec `aGk=`}}", "a+b%26c|a b&c|aGk=|hi")]
    [InlineData("{{range (fromJson .j).a}}{{.}};{{end}}", "1;map[b:c];")]
    [InlineData("{{add 1 2 3}} {{sub 5 7}} {{mul 2 3 4}} {{div 7 2}} {{mod 7 2}} {{max 1 5 3}} {{min 4 2}} {{int .n}} {{add (int .n) 1}}", "6 -2 24 3 1 5 2 12 13")]
    [InlineData("{{addf 1.5 2}} {{subf 5 1.5}} {{mulf 1.5 2}} {{divf 5 2}} {{maxf 1.5 2.5}} {{minf 1.5 2.5}} {{ceil 1.2}} {{floor 1.8}} {{round 3.14159 2}} {{round 2.55 1 .6}} {{float64 .f}}", "3.5 3.5 3 2.5 2.5 1.5 2 1 3.14 2.5 1.5")]
    [InlineData("{{bytes `1.5KiB`}} {{bytes `1kB`}} {{duration .d}} {{duration_seconds `1m`}}", "1536 1000 90 60")]
    [InlineData("{{date `2006-01-02T15:04:05Z07:00` (unixToTime .t)}} {{unixToTime `19675` | unixEpoch}} {{unixToTime `1700000000123` | unixEpochMillis}} {{unixToTime `1700000000123456` | unixEpochNanos}}", "2023-11-14T22:13:20Z 1699920000 1700000000123 1700000000123456000")]
    [InlineData("{{toDate `2006-01-02` `2023-11-14` | unixEpoch}} {{toDateInZone `2006-01-02` `Europe/Berlin` `2023-11-14` | unixEpoch}} {{__timestamp__ | unixEpochNanos}} {{now | unixEpoch}}", "1699920000 1699916400 5000000000 1767225600")]
    [InlineData("{{__line__ | len}} {{printf `%05d|%q` 7 .n}} {{print 1 2}} {{index .j 0}} {{slice .x 1 3}} {{html `<a>`}} {{urlquery `a b`}} {{js `'`}}", "2 00007|\"12\" 1 2 123 el &lt;a&gt; a+b \\'")]
    [InlineData("{{if and (eq .n `12`) (not (lt 3 2))}}yes{{else}}no{{end}}{{with $y := .none}}{{$y}}{{else}}-{{end}}{{len .x | le 5}}", "yes-true")]
    public async Task Templates_have_the_functions_of_the_reference(string template, string expected)
    {
        await using var world = new LogWorld();
        await world.PushAsync("{app=\"a\"}", 5 * SecondNs, "{}", [new("x", "Hello wOrld"), new("n", "12"), new("f", "1.5"), new("d", "90s"), new("t", "1700000000"), new("j", """{"a":[1,{"b":"c"}]}""")]);
        Assert.Equal([expected], await LinesAsync(world, $"{{app=\"a\"}} | line_format \"{template}\""));
    }

    [Theory]
    [InlineData("{app=\"a\"} |= \"GET\" or \"PUT\"", "GET /x from 10.0.0.7", "PUT /y from 192.168.4.5")]
    [InlineData("{app=\"a\"} != \"GET\" or \"PUT\"", "dead beef::1 [fe80::1]", "POST /z from 10.0.1.7 in 15ms")]
    [InlineData("{app=\"a\"} |~ \"^GE\" or \"Z$\" or \"z.f\"", "GET /x from 10.0.0.7", "POST /z from 10.0.1.7 in 15ms")]
    [InlineData("{app=\"a\"} |= ip(\"10.0.0.0/24\")", "GET /x from 10.0.0.7")]
    [InlineData("{app=\"a\"} |= ip(\"10.0.0.0-10.0.1.255\")", "GET /x from 10.0.0.7", "POST /z from 10.0.1.7 in 15ms")]
    [InlineData("{app=\"a\"} |= ip(\"192.168.4.5\") or ip(\"fe80::/10\")", "PUT /y from 192.168.4.5", "dead beef::1 [fe80::1]")]
    [InlineData("{app=\"a\"} != ip(\"10.0.0.0/8\")", "PUT /y from 192.168.4.5", "dead beef::1 [fe80::1]")]
    [InlineData("{app=\"a\"} |> \"<_> from <_>\"", "GET /x from 10.0.0.7", "PUT /y from 192.168.4.5", "POST /z from 10.0.1.7 in 15ms")]
    [InlineData("{app=\"a\"} |> \"<_> from <_>.7\"", "GET /x from 10.0.0.7")]
    [InlineData("{app=\"a\"} !> \"<_> from <_>\" or \"dead\"", "dead beef::1 [fe80::1]")]
    [InlineData("{app=\"a\"} | pattern `<m> <_> from <ip>` | ip = ip(\"10.0.0.0/8\") | m = \"GET\" or m = \"POST\"", "GET /x from 10.0.0.7", "POST /z from 10.0.1.7 in 15ms")]
    [InlineData("{app=\"a\"} | regexp \"in (?P<took>\\\\S+)\" | took > 10ms and took <= 0.015s", "POST /z from 10.0.1.7 in 15ms")]
    public async Task Lines_are_filtered(string query, params string[] expected)
    {
        await using var world = new LogWorld();
        string[] lines = ["GET /x from 10.0.0.7", "PUT /y from 192.168.4.5", "dead beef::1 [fe80::1]", "POST /z from 10.0.1.7 in 15ms"];
        for (int i = 0; i < lines.Length; i++) world.Add("{app=\"a\"}", i * SecondNs, lines[i]);
        await world.SendAsync();
        Assert.Equal(expected, await LinesAsync(world, query));
    }

    [Theory]
    [InlineData("approx_topk(2, sum by (n) (count_over_time({app=\"a\"} | logfmt [1m])))", "{n=\"3\"}=3 {n=\"2\"}=2")]
    [InlineData("sort_desc(sum by (n) (count_over_time({app=\"a\"} | logfmt [1m])))", "{n=\"3\"}=3 {n=\"2\"}=2 {n=\"1\"}=1")]
    [InlineData("bottomk(1, sum by (n) (count_over_time({app=\"a\"} | logfmt [1m])))", "{n=\"1\"}=1")]
    [InlineData("label_replace(sum by (app) (count_over_time({app=\"a\"}[1m])), \"b\", \"<$1>\", \"app\", \"(.*)\")", "{app=\"a\", b=\"<a>\"}=6")]
    [InlineData("sum(count_over_time({app=\"a\"}[10s] offset 50s))", "{}=6")]
    [InlineData("sum(count_over_time({app=\"a\"}[10s])) or vector(0)", "{}=0")]
    [InlineData("vector(3) > bool 2", "{}=1")]
    [InlineData("sum by (n, app) (count_over_time({app=\"a\"} | logfmt [1m])) / on (app) group_left sum by (app) (count_over_time({app=\"a\"}[1m]))", "{app=\"a\", n=\"1\"}=0.16666666666666666 {app=\"a\", n=\"2\"}=0.3333333333333333 {app=\"a\", n=\"3\"}=0.5")]
    [InlineData("sum by (app) (count_over_time({app=\"a\"}[1m])) unless on (app) sum by (app) (count_over_time({app=\"b\"}[1m]))", "{app=\"a\"}=6")]
    [InlineData("absent_over_time({app=\"zzz\", x=~\".+\"}[1m])", "{app=\"zzz\"}=1")]
    [InlineData("quantile_over_time(0.5, {app=\"a\"} | logfmt | unwrap n [1m]) by (app)", "{app=\"a\"}=2.5")]
    [InlineData("vector(1) / 0", "{}=NaN")]
    [InlineData("-1 ^ 2 + vector(0)", "{}=1")]
    public async Task Numbers_come_out(string query, string expected)
    {
        await using var world = new LogWorld();
        for (int n = 1; n <= 3; n++)
        {
            for (int i = 0; i < n; i++) world.Add("{app=\"a\"}", (5 * SecondNs) + (n * 10) + i, $"n={n}");
        }
        await world.SendAsync();
        var result = await world.Engine.InstantAsync(LogWorld.Tenant, query, 60 * SecondNs, CancellationToken.None);
        Assert.Equal(expected, string.Join(' ', result.Series.Select(s => $"{s.Labels}={s.Points[0].Value:R}")));
    }

    [Theory]
    [InlineData("ratee({app=\"a\"}[5m])", 1, "did you mean \"rate\"?")]
    [InlineData("sum(cuont_over_time({app=\"a\"}[5m]))", 5, "did you mean \"count_over_time\"?")]
    [InlineData("{app=\"a\"} | jsno", 13, "did you mean \"json\"?")]
    [InlineData("{app=\"a\"} | lineformat `x`", 13, "did you mean \"line_format\"?")]
    [InlineData("sum_over_time({app=\"a\"} | unwrap duratoin(x) [5m])", 34, "did you mean \"duration\"?")]
    [InlineData("{app=\"a\"} | line_format `{{ lowr .x }}`", 0, "did you mean \"lower\"?")]
    [InlineData("{app=\"a\"} | logfmt --strct", 20, "unknown flag --strct; logfmt knows --strict and --keep-empty")]
    [InlineData("{app=\"a\"} |> `<a> b`", 14, "invalid pattern")]
    [InlineData("{app=\"a\"} |= ip(`x`)", 0, "ip")]
    public async Task Mistakes_are_shown_with_their_place_and_the_nearest_name(string query, int column, string gist)
    {
        await using var world = new LogWorld();
        var e = await Assert.ThrowsAsync<QueryException>(async () => await world.Engine.QueryRangeAsync(LogWorld.Tenant, new LogQlRangeQuery { Text = query, StartNs = 0, EndNs = SecondNs }, CancellationToken.None));
        Assert.Equal(QueryErrorKind.BadData, e.Kind);
        Assert.Contains(gist, e.Message, StringComparison.Ordinal);
        Assert.Equal(column, e.Position.Column);
        if (column > 0) Assert.EndsWith($"\n{query}\n{new string(' ', column - 1)}^", e.Message);
    }

    private static async Task<List<string>> LinesAsync(LogWorld world, string query)
    {
        var result = await world.Engine.QueryRangeAsync(LogWorld.Tenant, new LogQlRangeQuery { Text = query, StartNs = 0, EndNs = 100 * SecondNs, Backward = false }, CancellationToken.None);
        return [.. result.Entries.Select(e => e.Parsed.Has("__error__") ? $"{e.Parsed}" : Encoding.UTF8.GetString(e.Line))];
    }
}
