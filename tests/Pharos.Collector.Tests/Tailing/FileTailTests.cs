using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Collector.Tailing;
using Pharos.Core;

namespace Pharos.Collector.Tests.Tailing;

public sealed class FileTailTests : IDisposable
{
    private readonly TemporaryFolder folder = Places.NewFolder();
    private readonly RecordingLogs receiver = new();
    private readonly Instruments instruments = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Lines_come_as_they_are_written_and_half_ones_wait()
    {
        string path = In("app.log");
        Write(path, "one\ntwo\r\nthr");
        await using var run = Start(path);
        await HasAsync("one", "two");
        Write(path, "ee\nfour");
        await HasAsync("one", "two", "three");
        var entry = receiver.Entries[0];
        Assert.Equal(Labels.Of(("app", "shop"), ("filename", path)), entry.Labels);
        Assert.True(receiver.Entries.Zip(receiver.Entries.Skip(1)).All(p => p.First.TimestampNs < p.Second.TimestampNs));
    }

    [Fact]
    public async Task A_file_that_comes_later_is_read_from_its_start()
    {
        string path = In("late.log");
        await using var run = Start(path);
        Write(path, "first\n");
        await HasAsync("first");
    }

    [Fact]
    public async Task Rotation_by_rename_loses_nothing()
    {
        string path = In("app.log");
        Write(path, "one\n");
        await using var run = Start(path);
        await HasAsync("one");
        File.Move(path, path + ".1");
        Write(path + ".1", "two\nlast without newline");
        Write(path, "three\n");
        await HasAsync("one", "two", "last without newline", "three");
        Write(path, "four\n");
        await HasAsync("one", "two", "last without newline", "three", "four");
    }

    [Fact]
    public async Task Truncation_in_place_starts_over()
    {
        string path = In("app.log");
        Write(path, "one\ntwo\n");
        await using var run = Start(path);
        await HasAsync("one", "two");
        File.WriteAllText(path, "");
        Write(path, "three\n");
        await HasAsync("one", "two", "three");
    }

    [Fact]
    public async Task A_copied_and_truncated_file_that_grew_past_its_old_end_is_noticed()
    {
        string path = In("app.log");
        Write(path, "one\n");
        await using (var run = Start(path)) await HasAsync("one");
        File.WriteAllText(path, "other content\nmore\n");
        await using (var run = Start(path)) await HasAsync("one", "other content", "more");
    }

    [Fact]
    public async Task A_clean_restart_repeats_nothing_and_misses_nothing()
    {
        string path = In("app.log");
        for (int round = 0; round < 5; round++)
        {
            Write(path, $"{round}a\n{round}b\n");
            await using var run = Start(path);
            await receiver.UntilAsync(() => receiver.Lines.Count == (round + 1) * 2, "the round");
        }
        Assert.Equal(Enumerable.Range(0, 5).SelectMany(r => new[] { $"{r}a", $"{r}b" }), receiver.Lines);
    }

    [Fact]
    public async Task Rotation_while_nobody_looked_loses_nothing()
    {
        string path = In("app.log");
        Write(path, "one\n");
        await using (var run = Start(path)) await HasAsync("one");
        Write(path, "two\n");
        File.Move(path, path + ".1");
        Write(path, "three\n");
        await using (var run = Start(path)) await HasAsync("one", "two", "three");
    }

    [Fact]
    public async Task What_the_receiver_did_not_take_comes_again_also_after_a_restart()
    {
        string path = In("app.log");
        Write(path, "one\ntwo\n");
        receiver.Fails = true;
        await using (var run = Start(path)) await receiver.UntilAsync(() => receiver.Refusals > 0, "a refusal");
        receiver.Fails = false;
        await using (var run = Start(path)) await HasAsync("one", "two");
    }

    [Fact]
    public async Task Tailing_from_the_end_skips_what_was_there()
    {
        string path = In("app.log");
        Write(path, "old\n");
        await using var run = Start(path, new FileTailOptions { TailFromEnd = true, PollInterval = TimeSpan.FromMilliseconds(5) });
        await receiver.UntilAsync(() => run.Source.Files.Count == 1, "the file");
        Write(path, "new\n");
        await HasAsync("new");
    }

    [Fact]
    public async Task A_line_without_end_goes_on_in_pieces()
    {
        string path = In("app.log");
        Write(path, new string('x', 250));
        await using var run = Start(path, new FileTailOptions { LineBytesMax = 100, BatchBytes = 100, PollInterval = TimeSpan.FromMilliseconds(5) });
        await HasAsync(new string('x', 100), new string('x', 100));
    }

    [Fact]
    public async Task Damaged_positions_start_over_or_stop_as_configured()
    {
        string path = In("app.log");
        Write(path, "one\n");
        await using (var run = Start(path)) await HasAsync("one");
        File.WriteAllText(In("positions.json"), "{ not json");
        Assert.Throws<IOException>(() => Source(new FileTailOptions { OnPositionsFileError = PositionsFileError.Skip }));
        await using (var run = Start(path)) await HasAsync("one", "one");
    }

    [Theory]
    [InlineData("/var/log/*.log", "/var/log/app.log", true)]
    [InlineData("/var/log/*.log", "/var/log/deep/app.log", false)]
    [InlineData("/var/log/**/*.log", "/var/log/app.log", true)]
    [InlineData("/var/log/**/*.log", "/var/log/a/b/app.log", true)]
    [InlineData("/var/log/**", "/var/log/a/b", true)]
    [InlineData("/var/log/{app,db}.log", "/var/log/db.log", true)]
    [InlineData("/var/log/{app,db}.log", "/var/log/web.log", false)]
    [InlineData("/var/log/app-[0-9].log", "/var/log/app-7.log", true)]
    [InlineData("/var/log/app-[!0-9].log", "/var/log/app-7.log", false)]
    [InlineData("/var/log/a?p.log", "/var/log/app.log", true)]
    [InlineData("/var/log/a.log", "/var/log/axlog", false)]
    public void Patterns_fit_paths(string pattern, string path, bool fits) => Assert.Equal(fits, FileGlob.Matches(pattern, path));

    [Fact]
    public void Files_are_found_by_pattern_and_left_out_by_another()
    {
        foreach (string name in new[] { "a.log", "b.log", "deep/c.log", "deep/er/d.log", "e.txt" })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(In(name))!);
            File.WriteAllText(In(name), "");
        }
        var found = FileMatcher.Find(
            [Labels.Of(("__path__", In("**/*.log")), ("__path_exclude__", In("deep/er/*")), ("job", "x"))], TimeSpan.Zero, TimeProvider.System);
        Assert.Equal(
            new[] { "a.log", "b.log", "deep/c.log" }.Select(n => Labels.Of(("__path__", In(n)), ("job", "x"))), found);
        Assert.Equal([In("a.log"), In("b.log")], FileGlob.Find(In("*.log")));
        Assert.Empty(FileGlob.Find(In("missing/*.log")));
    }

    private string In(string name) => Path.Combine(folder, name);

    private static void Write(string path, string text) => File.AppendAllText(path, text);

    private Task HasAsync(params string[] lines) => receiver.UntilAsync(() => receiver.Lines.SequenceEqual(lines), string.Join(" | ", lines));

    private FileTailSource Source(FileTailOptions? options = null) => new(
        options ?? new FileTailOptions { PollInterval = TimeSpan.FromMilliseconds(5), RetryWait = TimeSpan.FromMilliseconds(5) },
        receiver, In("positions.json"), TimeProvider.System, instruments, NullLogger.Instance);

    private Running Start(string path, FileTailOptions? options = null)
    {
        var source = Source(options);
        source.SetTargets([Labels.Of(("__path__", path), ("app", "shop"))]);
        return new Running(source);
    }

    private sealed class Running : IAsyncDisposable
    {
        private readonly CancellationTokenSource stop = new();
        private readonly Task task;

        public Running(FileTailSource source)
        {
            Source = source;
            task = source.RunAsync(stop.Token);
        }

        public FileTailSource Source { get; }

        public async ValueTask DisposeAsync()
        {
            await stop.CancelAsync();
            await task;
            stop.Dispose();
        }
    }
}
