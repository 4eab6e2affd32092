using System.Text;
using Pharos.Collector.Processing;
using Pharos.Collector.Tests.Tailing;
using Pharos.Core;

namespace Pharos.Collector.Tests.Processing;

public sealed class LogPipelineTests
{
    private static readonly Labels Stream = Labels.Of(("app", "shop"));

    private readonly RecordingLogs receiver = new();
    private readonly Instruments instruments = new();
    private readonly ManualTimeProvider time = new();

    [Fact]
    public async Task Json_labels_timestamp_output_and_metadata_work_together()
    {
        await RunAsync(
            [
                new JsonStage(Map(("level", ""), ("user", "ctx.user.id"), ("first", "tags[0]"), ("at", "time"), ("text", "msg"))),
                new LabelsStage(Map(("level", ""))),
                new StructuredMetadataStage(Map(("user_id", "user"), ("first", ""))),
                new TimestampStage("at", "RFC3339Nano"),
                new OutputStage("text"),
            ],
            """{"level":"error","ctx":{"user":{"id":42}},"tags":["x","y"],"time":"2026-03-01T10:00:00.5Z","msg":"it broke"}""");
        var entry = Assert.Single(receiver.Entries);
        Assert.Equal(Labels.Of(("app", "shop"), ("level", "error")), entry.Labels);
        Assert.Equal("it broke", entry.Line);
        Assert.Equal("{first=\"x\", user_id=\"42\"}", entry.Metadata);
        Assert.Equal(new DateTimeOffset(2026, 3, 1, 10, 0, 0, 500, TimeSpan.Zero).ToUnixTimeMilliseconds() * 1_000_000, entry.TimestampNs);
    }

    [Theory]
    [InlineData("level=warn msg=\"slow \\\"query\\\"\" took=3s", "warn", "slow \"query\"")]
    [InlineData("msg=plain level=info", "info", "plain")]
    public async Task Logfmt_values_are_taken(string line, string level, string text)
    {
        await RunAsync([new LogfmtStage(Map(("level", ""), ("text", "msg"))), new LabelsStage(Map(("level", ""))), new OutputStage("text")], line);
        Assert.Equal((Stream.With("level", level), text), (receiver.Entries[0].Labels, receiver.Entries[0].Line));
    }

    [Fact]
    public async Task Regex_and_pattern_take_groups()
    {
        await RunAsync(
            [
                new RegexStage("status=(?P<status>\\d+)"),
                new PatternStage("<ip> - <_> \"<method> <_>\"<_>", LabelsFromGroups: true),
                new LabelsStage(Map(("status", ""))),
                new LabelDropStage(["app"]),
            ],
            "10.0.0.1 - bob \"GET /x\" status=503");
        Assert.Equal(Labels.Of(("ip", "10.0.0.1"), ("method", "GET"), ("status", "503")), receiver.Entries[0].Labels);
    }

    [Fact]
    public async Task Replace_and_template_rewrite()
    {
        await RunAsync(
            [
                new ReplaceStage("password=(\\S+) token=(\\S+)", "***{{ .Value | ToUpper | printf \"%.1s\" }}"),
                new RegexStage("user=(?P<user>\\w+)"),
                new TemplateStage("user", "{{ .Value | ToUpper }}-{{ .app_id | default \"none\" }}"),
                new LabelsStage(Map(("user", ""))),
            ],
            "user=ann password=secret token=abc done");
        Assert.Equal("user=ann password=***S token=***A done", receiver.Entries[0].Line);
        Assert.Equal("ANN-none", receiver.Entries[0].Labels["user"]);
    }

    [Fact]
    public async Task Match_runs_stages_for_fitting_lines_only_and_drop_counts()
    {
        await RunAsync(
            [
                new MatchStage("{app=\"shop\"} |= \"error\"", [new StaticLabelsStage(Map(("alert", "yes")))]),
                new MatchStage("{app=~\"sh.*\"} |~ \"debug|trace\"", [], Action: "drop", DropCounterReason: "noise"),
                new DropStage { LongerThan = 12 },
            ],
            "an error", "fine", "debug it", "this line is far too long");
        Assert.Equal([(Stream.With("alert", "yes"), "an error"), (Stream, "fine")], receiver.Entries.Select(e => (e.Labels, e.Line)));
        Assert.Equal(1, Dropped("noise"));
        Assert.Equal(1, Dropped("drop_stage"));
    }

    [Fact]
    public async Task Multiline_joins_blocks_and_lets_go_after_a_while()
    {
        using var pipeline = LogPipeline.Create([new MultilineStage("^\\d{4}-", TimeSpan.FromSeconds(3))], receiver, time, instruments);
        using var stop = new CancellationTokenSource();
        var clock = new Changes();
        time.TimerSet += clock.Signal;
        var running = pipeline.RunAsync(stop.Token);
        await AppendAsync(pipeline, "2026-01-01 boom", "  at a()", "  at b()", "2026-01-02 next", "  at c()");
        Assert.Equal(["2026-01-01 boom\n  at a()\n  at b()"], receiver.Lines);
        for (int i = 0; i < 16; i++)
        {
            time.Advance(TimeSpan.FromMilliseconds(250));
            await clock.UntilAsync(() => time.WaitingTimers > 0, () => "the next round");
        }
        await receiver.UntilAsync(() => receiver.Lines.Count == 2, "the second block");
        Assert.Equal("2026-01-02 next\n  at c()", receiver.Lines[1]);
        await AppendAsync(pipeline, "2026-01-03 last");
        await stop.CancelAsync();
        await running;
        Assert.Equal("2026-01-03 last", receiver.Lines[2]);
    }

    [Fact]
    public async Task Container_formats_are_unwrapped()
    {
        await RunAsync([new CriStage()],
            "2026-01-01T00:00:01.5Z stdout P first ", "2026-01-01T00:00:02Z stderr F other", "2026-01-01T00:00:03Z stdout F half", "no cri at all");
        Assert.Equal(
            [("stderr", "other"), ("stdout", "first half"), ("", "no cri at all")],
            receiver.Entries.Select(e => (e.Labels["stream"], e.Line)));
        Assert.Equal(1767225602_000_000_000, receiver.Entries[0].TimestampNs);
        await RunAsync([new DockerStage()], "{\"log\":\"hello\\n\",\"stream\":\"stdout\",\"time\":\"2026-01-01T00:00:04Z\"}");
        Assert.Equal(("hello", "stdout", 1767225604_000_000_000), (receiver.Entries[^1].Line, receiver.Entries[^1].Labels["stream"], receiver.Entries[^1].TimestampNs));
    }

    [Fact]
    public async Task Pack_and_tenant()
    {
        await RunAsync([new TenantStage(Value: "team-a"), new StaticLabelsStage(Map(("pod", "p1"))), new PackStage(["pod"])], "x \"y\"");
        Assert.Equal("{\"pod\":\"p1\",\"_entry\":\"x \\\"y\\\"\"}", receiver.Lines[0]);
        Assert.Equal(Stream.With("__tenant_id__", "team-a"), receiver.Entries[0].Labels);
    }

    [Fact]
    public async Task A_limit_drops_over_its_rate()
    {
        using var pipeline = LogPipeline.Create([new LimitStage(2, 3, Drop: true)], receiver, time, instruments);
        await AppendAsync(pipeline, "1", "2", "3", "4");
        time.Advance(TimeSpan.FromSeconds(1));
        await AppendAsync(pipeline, "5", "6", "7");
        Assert.Equal(["1", "2", "3", "5", "6"], receiver.Lines);
        Assert.Equal(2, Dropped("limit_stage"));
    }

    [Fact]
    public async Task Metrics_count_lines_by_their_labels()
    {
        await RunAsync(
            [
                new LogfmtStage(Map(("took", ""), ("level", ""))),
                new LabelsStage(Map(("level", ""))),
                new MetricsStage(
                [
                    new ProcessMetric { Kind = "counter", Name = "lines_total", Action = "inc", MatchAll = true },
                    new ProcessMetric { Kind = "histogram", Name = "took_seconds", Source = "took", Buckets = [0.1, 1] },
                    new ProcessMetric { Kind = "gauge", Name = "last_seconds", Source = "took", Action = "set" },
                ]),
            ],
            "level=info took=50ms", "level=info took=2s", "level=error took=0.5");
        var output = new System.Buffers.ArrayBufferWriter<byte>();
        Wire.Exposition.ExpositionWriter.Write(instruments.Read(), output);
        string text = Encoding.UTF8.GetString(output.WrittenSpan);
        Assert.Contains("loki_process_custom_lines_total{app=\"shop\",level=\"info\"} 2\n", text, StringComparison.Ordinal);
        Assert.Contains("loki_process_custom_took_seconds_bucket{app=\"shop\",le=\"0.1\",level=\"info\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("loki_process_custom_took_seconds_sum{app=\"shop\",level=\"info\"} 2.05\n", text, StringComparison.Ordinal);
        Assert.Contains("loki_process_custom_last_seconds{app=\"shop\",level=\"error\"} 0.5\n", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Unix", "1767225600.25", 1767225600_250_000_000)]
    [InlineData("UnixMs", "1767225600250", 1767225600_250_000_000)]
    [InlineData("02/Jan/2006:15:04:05 -0700", "01/Jan/2026:01:00:00 +0100", 1767225600_000_000_000)]
    [InlineData("Jan _2 15:04:05", "Jan  1 00:00:07", 1767225607_000_000_000)]
    public async Task Timestamps_are_read_in_many_layouts(string format, string text, long ns)
    {
        await RunAsync([new RegexStage("^(?P<t>.*)$"), new TimestampStage("t", format)], text);
        Assert.Equal(ns, receiver.Entries[0].TimestampNs);
    }

    [Fact]
    public void All_mistakes_are_reported_together()
    {
        var error = Assert.Throws<ConfigurationException>(() => LogPipeline.Create(
            [
                new RegexStage("no groups"),
                new JsonStage(Map(("a", "items[*].x"))),
                new MatchStage("{app=}", []),
                new DropStage(),
                new TenantStage("a", "b"),
                new TemplateStage("x", "{{ .Value"),
            ],
            receiver, time, instruments));
        Assert.Equal(
            ["stage.template", "stage.tenant", "stage.drop", "stage.match", "stage.json", "stage.regex"],
            error.Diagnostics.Select(d => d.Message.Split(':')[0]));
    }

    private static Dictionary<string, string> Map(params (string Name, string Value)[] pairs) => pairs.ToDictionary(p => p.Name, p => p.Value);

    private double Dropped(string reason) =>
        instruments.Read().Single(f => f.Name == "loki_process_dropped_lines_total").Cells.Where(c => c.LabelValues[0] == reason).Sum(c => c.Value);

    private async Task RunAsync(IReadOnlyList<StageOptions> stages, params string[] lines)
    {
        using var pipeline = LogPipeline.Create(stages, receiver, time, instruments);
        await AppendAsync(pipeline, lines);
    }

    private async Task AppendAsync(LogPipeline pipeline, params string[] lines)
    {
        using var batch = new LogBatch();
        int stream = batch.AddStream(Stream);
        foreach (string line in lines) batch.AddEntry(stream, time.UnixNs(), Encoding.UTF8.GetBytes(line));
        await pipeline.AppendAsync(batch, CancellationToken.None);
    }
}
