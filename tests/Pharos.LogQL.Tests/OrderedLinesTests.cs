using System.Text;
using Pharos.Core;
using Pharos.Logs.Tests;

namespace Pharos.LogQL.Tests;

/// <summary>Lines that sections give side by side are those, in the same order, that one cursor gives one after another.</summary>
public sealed class OrderedLinesTests
{
    private const long StepNs = 1_000_000;

    private static readonly string[] Stages =
    [
        "", "|= `info`", "!= `info`", "!= `info` != `2026`", "!= `status` or `level`", "!~ `status=20[0-4]|\"status\":20[0-4]`", "!~ `[0-9]{3}`", "|= `2` !~ `(?i)INFO|api`", "| json | status >= 205",
        "| logfmt | status=\"203\"", "| json | level!=\"info\" | line_format `{{.level}}`", "|~ `(?i)pool`", "!= `\"` | logfmt | duration > 300", "| line_format `x` != `info`", "!= ``", "| json != `id`",
        "| json | ip=ip(\"10.0.7.1\")", "| json | ip!=ip(\"10.0.0.0/16\")", "| json | duration > 1 | ip=ip(\"10.0.100.0-10.0.120.9\")", "| json | status=\"203\" or ip=ip(\"10.0.9.1\")", "| logfmt | status=~\"200|207|x\"",
    ];

    [Fact]
    public async Task Sections_give_what_one_cursor_gives()
    {
        int lines = 0;
        for (int seed = 1; seed <= 12; seed++)
        {
            var random = new Random(seed);
            await using var world = new LogWorld(with: o => o with { BlockBytes = 3000 + (seed % 3 * 20_000), StreamsAtOnceMax = seed % 2 == 0 ? 7 : 20_000, FilterLanguage = new LogQlFilterLanguage(TimeProvider.System) });
            var source = new RandomLines(seed);
            int streams = 1 + random.Next(25);
            for (int step = 0; step < 8; step++)
            {
                for (int i = 0; i < 200; i++)
                {
                    // Many lines of one time, lines that come late, and lines that come twice.
                    long at = ((step * 30) + random.Next(random.Next(5) == 0 ? 240 : 30)) * StepNs;
                    byte[] line = source.Next();
                    int stream = random.Next(streams);
                    for (int n = random.Next(8) == 0 ? 2 : 1; n > 0; n--)
                        world.AddBytes($"{{app=\"a{stream % 4}\", pod=\"p{stream}\"}}", at, line, random.Next(4) == 0 ? [KeyValuePair.Create("trace", $"t{random.Next(3)}")] : null);
                }
                await world.SendAsync();
                if (random.Next(3) > 0) await world.Store.FlushAsync(CancellationToken.None);
                if (random.Next(5) == 0) await world.Store.CompactAsync(CancellationToken.None);
            }
            if (seed % 4 == 0) world.Store.Delete(LogWorld.Tenant, "{app=\"a1\"} |= `info`", 0, 200 * StepNs);
            using var oneByOne = new LogQlEngine(new OneCursor(world.Store), new FixedTenantLimits(null), world.Time);
            for (int i = 0; i < 60; i++)
            {
                var query = new LogQlRangeQuery
                {
                    Text = $"{{app=~\"{(random.Next(3) == 0 ? "a[12]" : ".+")}\"}} {Stages[random.Next(Stages.Length)]}",
                    StartNs = random.Next(3) == 0 ? random.Next(200) * StepNs : 0,
                    EndNs = (random.Next(3) == 0 ? 200 + random.Next(60) : 1000) * StepNs,
                    Backward = random.Next(2) == 0,
                    Limit = random.Next(3) switch { 0 => 1 + random.Next(5), 1 => 100, _ => 5000 },
                    IntervalNs = random.Next(4) == 0 ? random.Next(10) * StepNs : 0,
                };
                var expected = await AnswerAsync(oneByOne, query);
                var given = await AnswerAsync(world.Engine, query);
                Assert.True(expected.SequenceEqual(given), $"seed {seed}: {query}\nnot given {string.Join('\n', expected.Except(given))}\nnot expected {string.Join('\n', given.Except(expected))}");
                lines += expected.Count;
            }
        }
        Assert.True(lines > 50_000, $"{lines} lines");
    }

    [Theory, InlineData("!= `lightly`"), InlineData("!~ `l[i]ghtly`"), InlineData("!= `lightly` !~ `x{3}`")]
    public async Task Lines_without_what_is_excluded_are_counted_without_being_put_together(string filter)
    {
        await using var world = new LogWorld();
        for (int i = 0; i < 1000; i++) world.Add("{app=\"a\"}", i * StepNs, $"level=info msg=\"{(i % 50 == 0 ? "taken lightly" : "done")}\" took={i}ms id={i * 7919L:x16}");
        await world.SendAsync();
        await world.Store.FlushAsync(CancellationToken.None);
        var result = await world.Engine.InstantAsync(LogWorld.Tenant, $"sum(count_over_time({{app=\"a\"}} {filter} [1h]))", 2_000_000_000, CancellationToken.None);
        Assert.Equal(980, Assert.Single(result.Series).Points[0].Value);
        // Neither the identifiers nor the numbers were unpacked.
        var whole = await world.Engine.InstantAsync(LogWorld.Tenant, "sum(count_over_time({app=\"a\"} | label_format x=`{{__line__}}` [1h]))", 2_000_000_000, CancellationToken.None);
        Assert.True(result.Statistics.Read.PackedBytes * 2 < whole.Statistics.Read.PackedBytes, $"{result.Statistics.Read.PackedBytes} of {whole.Statistics.Read.PackedBytes} bytes");
    }

    private static async Task<List<string>> AnswerAsync(LogQlEngine engine, LogQlRangeQuery query)
    {
        var result = await engine.QueryRangeAsync(LogWorld.Tenant, query, CancellationToken.None);
        return [.. result.Entries.Select(e => $"{e.TimestampNs} {Encoding.Latin1.GetString(e.Line)} {e.Stream} {e.Metadata} {e.Parsed}")];
    }

    /// <summary>Logs without sections, of whose lines nothing is known.</summary>
    private sealed class OneCursor(ILogQueryable inner) : ILogQueryable
    {
        public ILogCursor Open(TenantId tenant, LogSelection selection, CancellationToken cancel) => new Plain(inner.Open(
            tenant, new LogSelection { Matchers = selection.Matchers, StartNs = selection.StartNs, EndNs = selection.EndNs, Backward = selection.Backward }, cancel));

        public IReadOnlyList<Labels> Streams(TenantId tenant, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, long startNs, long endNs, CancellationToken cancel) =>
            inner.Streams(tenant, matcherSets, startNs, endNs, cancel);

        public IReadOnlyList<(Labels Stream, LogVolume Volume)> Volumes(TenantId tenant, IReadOnlyList<Matcher> matchers, long startNs, long endNs, CancellationToken cancel) =>
            inner.Volumes(tenant, matchers, startNs, endNs, cancel);

        private sealed class Plain(ILogCursor cursor) : ILogCursor
        {
            public Labels Stream => cursor.Stream;

            public long TimestampNs => cursor.TimestampNs;

            public ReadOnlySpan<byte> Line => cursor.Line;

            public ReadOnlySpan<byte> Metadata => cursor.Metadata;

            public LogReadStatistics Statistics => cursor.Statistics;

            public bool MoveNext() => cursor.MoveNext();

            public void Dispose() => cursor.Dispose();
        }
    }
}
