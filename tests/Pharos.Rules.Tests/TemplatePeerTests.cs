using System.Diagnostics;
using System.Text;
using Pharos.Core;
using Pharos.Templates;

namespace Pharos.Rules.Tests;

/// <summary>The same templates in promtool, which runs Go's own engine.</summary>
public sealed class TemplatePeerTests
{
    private static readonly string[] Templates =
    [
        "{{ printf \"%5.1f|%-8.3f|%08.2f|%+.1e|%g|%G|% d|%+d\" 3.14159 2.5 -1.5 12345.678 1e-7 1e21 5 5 }}",
        "{{ printf \"%x|%X|%#x|%o|%#o|%b|%c|%U|%#U|%q\" 255 255 255 8 8 5 0x263a 0x263a 0x263a 0x263a }}",
        "{{ printf \"%s|%10s|%-10s|%.2s|%q|%#q|%x|% x|%X\" \"héllo\" \"héllo\" \"héllo\" \"héllo\" \"a\\tb\\\"\" \"raw\" \"hé\" \"hé\" \"hé\" }}",
        "{{ printf \"%v|%+v|%d|%s|%t|%v\" 1 2 3 4 true false }}",
        "{{ printf \"%d|%s|%f|%t|%z|%!|%\" \"s\" 1 \"x\" 3 4 }}",
        "{{ printf \"%d %d\" 1 }}{{ printf \"%d\" 1 2 \"x\" 3.5 }}",
        "{{ printf \"%[2]d %[1]d|%[3]*.[2]*[1]f|%*d|%-*d|\" 12.0 2 6 }}",
        "{{ printf \"%6d|%-6d|%06d|%6.3d|%.0d|%x\" 42 42 -42 7 0 -255 }}",
        "{{ printf \"%v %s %q %d %x\" $labels $labels $labels $labels $labels }}",
        "{{ printf \"%T %T %T %T %T\" 1 1.5 \"s\" true $labels }}",
        "{{ print 1 2 \"a\" \"b\" 3 4 nil }}|{{ println 1 nil \"x\" true }}",
        "{{ 1e6 }} {{ 1e20 }} {{ 1e21 }} {{ 123456789.0 }} {{ 0.0001 }} {{ 0.00001 }} {{ 1.0 }} {{ 100000.5 }} {{ 1234567.5 }}",
        "{{ 0x10 }} {{ 0b101 }} {{ 0o17 }} {{ 017 }} {{ 1_000 }} {{ 'x' }} {{ '\\n' }} {{ '\\u00e9' }} {{ -5 }} {{ +5 }} {{ 0x1p4 }}",
        "{{ len \"héllo\" }} {{ len $labels }} {{ index $labels \"a\" }} {{ index $labels \"zz\" }}| {{ index \"abc\" 1 }} {{ slice \"abcdef\" 1 3 }} {{ slice \"abc\" 1 }}",
        "{{ eq 1 1 }} {{ eq \"a\" \"b\" \"a\" }} {{ ne 1 2 }} {{ lt 1.5 2.5 }} {{ le \"a\" \"a\" }} {{ gt 2 1 }} {{ ge 1 1 }} {{ eq true true }}",
        "{{ and 1 0 2 }} {{ and 1 2 }} {{ or 0 \"\" 3 }} {{ or 0 \"\" }}| {{ not 0 }} {{ not \"x\" }}",
        "{{ html \"<a href='x'>&\\\"\" }} {{ js \"it's <b> \\\"q\\\" \\n é = &\" }} {{ urlquery \"a b&c=d/é\" 1 }}",
        "{{ range $i, $c := $labels }}[{{ $i }}={{ $c }}]{{ end }}{{ range $x := $labels }}{{ $x }}{{ break }}{{ end }}",
        "{{ range $k, $v := $labels }}{{ if eq $k \"b\" }}{{ continue }}{{ end }}{{ $k }}{{ end }}",
        "{{ with $x := $labels.a }}{{ $x }}{{ else }}none{{ end }}{{ with $labels.nope }}x{{ else }}none{{ end }}",
        "{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ $y := 3 }}{{ end }}{{ $x }}{{ with $x := 5 }}{{ $x }}{{ end }}{{ $x }}",
        "a  {{- 1 -}}  b {{- /* c */ -}} c {{/* d */}} d\n {{- 2 }}",
        "{{ define \"t\" }}<{{ . }}>{{ end }}{{ template \"t\" $labels.a }}{{ template \"t\" 3 }}{{ template \"t\" }}{{ block \"u\" 4 }}({{ . }}){{ end }}",
        "{{ define \"args\" }}{{ .arg0 }}-{{ .arg1 }}{{ end }}{{ template \"args\" (args 1 \"two\") }}",
        "{{ args 1 \"b\" 2.5 true }} {{ args }}",
        "{{ $value }} {{ printf \"%.3f\" $value }} {{ $value | humanize }} {{ $value | humanize1024 }} {{ $value | humanizeDuration }} {{ $value | humanizePercentage }}",
        "{{ humanize 0.00012345 }} {{ humanize 123456789012 }} {{ humanize -1500 }} {{ humanize1024 1e12 }} {{ humanizeDuration 93784.5 }} {{ humanizeDuration 0.0000123 }}",
        "{{ humanizeTimestamp 1435065584.128 }} {{ humanizeTimestamp 0 }} {{ (1435065584.128 | toTime).Format \"Mon, 02 Jan 2006 15:04:05.000 -0700 MST PM __2 002 Z07:00\" }}",
        "{{ with toTime 1435065584.999 }}{{ .Year }} {{ .Month }} {{ .Day }} {{ .Weekday }} {{ .YearDay }} {{ .Unix }} {{ .UnixMilli }} {{ .Hour }} {{ .IsZero }} {{ .UTC }}{{ end }}",
        "{{ (toTime 0).AddDate 1 13 31 }} {{ ((toTime 100).Sub (toTime 40)).String }} {{ (toTime 100).After (toTime 40) }} {{ (toTime 3599).Truncate ((toTime 60).Sub (toTime 0)) }}",
        "{{ (toTime 3723.5).Sub (toTime 0) }} {{ ((toTime 90).Sub (toTime 0)).Minutes }} {{ ((toTime 90).Sub (toTime 0)).Seconds }} {{ ((toTime 0.0015).Sub (toTime 0)) }} {{ ((toTime -61.5).Sub (toTime 0)).String }} {{ ((toTime 3723.5).Sub (toTime 0)).Round ((toTime 60).Sub (toTime 0)) }}",
        "{{ title \"hello wORLD foo-bar_baz é\" }} {{ toUpper \"aé\" }} {{ toLower \"AÉ\" }} {{ match \"^h.*o$\" \"hello\" }} {{ reReplaceAll \"(l+)(o)\" \"<$2$1>${1}x $$ $9\" \"hello\" }}",
        "{{ stripPort \"[::1]:80\" }} {{ stripPort \"a.b:80\" }} {{ stripDomain \"a.b.c:80\" }} {{ stripDomain \"10.0.0.1:80\" }} {{ parseDuration \"1h30m\" }}",
        "{{ graphLink \"up{a=\\\"b\\\"}\" }} {{ tableLink \"rate(x[5m]) > 1\" }} {{ $externalURL }} {{ $externalLabels.env }}",
        "{{ query \"up\" | first | value }} {{ query \"up\" | first | label \"a\" }} {{ range query \"up\" | sortByLabel \"b\" }}{{ .Labels }} {{ .Value }}{{ end }} {{ query \"nope\" | len }}",
        "{{ printf \"%v\" (query \"nope\") }}",
        "{{ (printf \"%s\" \"x\") | printf \"%s-%s\" \"y\" | len }} {{ .Labels.a }} {{ .Value }} {{ .ExternalURL }}",
        "{{ safeHtml \"<b>\" }} {{ \"<b>\" }} {{ \"q\\x41\\u00e9\\101\" }} {{ `raw\\n` }} {{ true }} {{ \"{{\" }}",
        "{{ range 3 }}{{ . }}{{ end }}{{ range $i := 2 }}{{ $i }}{{ else }}x{{ end }}{{ range 0 }}x{{ else }}none{{ end }}",
        "{{ with 0 }}a{{ else with 1 }}b{{ . }}{{ else }}c{{ end }}{{ if 0 }}a{{ else if \"\" }}b{{ else }}c{{ end }}",
        "{{ first (query \"nope\") }}",
        "{{ $labels.a.b }}",
        "{{ template \"missing\" }}",
        "{{ index $labels 1 }}",
        "{{ lt 1 1.5 }}",
        "{{ slice \"abc\" 2 9 }}",
        "{{ match \"(\" \"x\" }}",
    ];

    [Fact]
    public Task Promtool_expands_every_template_to_the_same_text() => CompareAsync(Templates);

    [Fact]
    public Task Promtool_formats_values_to_the_same_text()
    {
        var random = new Random(20260801);
        string[] values = ["0", "1", "-1", "42", "-123456789", "9223372036854775807", "0.0", "1.5", "-2.5", "0.05", "1e-9", "123456789.125", "1e21", "1e300", "\"\"", "\"abc\"", "\"a\\\"b\\n\"", "\"héß\"", "\"a\\u00a0\\u200b\\x00\"", "true", "false", "'x'", "0x263a", "$labels", "$labels.a", "nil"];
        var templates = new List<string>();
        for (int i = 0; i < 3000; i++)
        {
            var format = new StringBuilder("%");
            foreach (char flag in "+-# 0")
            {
                if (random.Next(5) == 0) format.Append(flag);
            }
            if (random.Next(3) == 0) format.Append(random.Next(1, 14));
            if (random.Next(3) == 0) format.Append('.').Append(random.Next(0, 8));
            format.Append("vvsqdxXboOcUeEfgGtT"[random.Next(19)]);
            // %#v prints Go syntax, which templates have no use for.
            if (format[^1] == 'v' && format.ToString().Contains('#')) continue;
            templates.Add($"{{{{ printf \"{format}|\" {values[random.Next(values.Length)]} }}}}");
        }
        return CompareAsync([.. templates]);
    }

    private static readonly System.Text.Json.JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static async Task CompareAsync(string[] templates)
    {
        string promtool = Places.Program("promtool");
        var labels = Labels.Of(("__name__", "up"), ("a", "x"), ("b", "y & <z>"));
        var functions = PrometheusTemplateFunctions.Create(
            "http://host:9090/path", 0, q => q == "up" ? [new VectorSample(labels, 0, 1234.5678)] : []);
        var data = new RuleTemplateData(labels, Labels.Of(("env", "test")), "http://host:9090/path", 1234.5678);
        var rule = new RuleDefinition { Alert = "A", Expr = "up", Annotations = new SortedDictionary<string, string>(templates.Select((t, i) => (t, i)).ToDictionary(t => $"t{t.i:000}", t => t.t), StringComparer.Ordinal) };
        var test = new StringBuilder(
            """
            rule_files: [rules.yml]
            tests:
              - external_labels: {env: test}
                external_url: http://host:9090/path
                input_series: [{series: 'up{a="x",b="y & <z>"}', values: 1234.5678}]
                alert_rule_test:
                  - eval_time: 0m
                    alertname: A
                    exp_alerts:
                      - exp_labels: {a: x, b: "y & <z>"}
                        exp_annotations:

            """);
        foreach (var (name, text) in rule.Annotations)
        {
            string expanded;
            try
            {
                expanded = RuleTemplates.Expand(text, "A", data, functions, TestContext.Current.CancellationToken);
            }
            catch (TemplateException e)
            {
                expanded = $"<error expanding template: error executing template __alert_A: {e.Message}>";
            }
            test.Append($"                {name}: {System.Text.Json.JsonSerializer.Serialize(expanded, Relaxed)}\n");
        }
        using var folder = Places.NewFolder();
        await File.WriteAllTextAsync(Path.Combine(folder, "rules.yml"), RuleFileWriter.WriteFile([new RuleGroupDefinition { Name = "g", Rules = [rule] }]), TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(folder, "test.yml"), test.ToString(), TestContext.Current.CancellationToken);
        using var process = Process.Start(new ProcessStartInfo(promtool) { ArgumentList = { "test", "rules", Path.Combine(folder, "test.yml") }, RedirectStandardError = true, RedirectStandardOutput = true })!;
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken) + await errors;
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, output.Replace("\", t", "\"\nt", StringComparison.Ordinal));
    }
}
