using System.Text;
using Pharos.Core;
using Pharos.Logs.Blocks;
using Pharos.Logs.Ingest;
using Pharos.Logs.Streams;

namespace Pharos.Logs.Tests;

public sealed class IngestTests
{
    [Fact]
    public async Task An_exact_repeat_is_stored_once_and_a_different_line_of_the_same_time_is_kept()
    {
        await using var world = new StoreWorld(with: StoreWorld.Plain);
        var result = await world.PushAsync(("a", 5, "x"), ("a", 5, "x"), ("a", 5, "y"), ("a", 3, "late"), ("a", 3, "late"), ("b", 5, "x"));
        Assert.Equal(6, result.Entries);
        await world.PushAsync(("a", 3, "late"), ("a", 5, "y"));
        Assert.Equal(["a 3 late", "a 5 x", "a 5 y", "b 5 x"], world.Read());
    }

    [Fact]
    public async Task Limits_refuse_with_loki_s_words_and_keep_the_rest()
    {
        await using var world = new StoreWorld(
            new TenantLimits { LogLineBytesMax = 10, LogLabelNamesMax = 2, LabelValueBytesMax = 20, LogMetadataBytesMax = 40, LogAgeMax = TimeSpan.FromHours(1) },
            o => o with { DiscoverLevels = false, ServiceNameLabels = [] });
        using var batch = new LogBatch();
        int good = batch.AddStream(Labels.Of(("app", "a")));
        int many = batch.AddStream(Labels.Of(("a", "1"), ("b", "2"), ("c", "3")));
        int empty = batch.AddStream(Labels.Empty);
        int wide = batch.AddStream(Labels.Of(("app", new string('w', 21))));
        long now = world.NowNs;
        batch.AddEntry(good, now, "fine"u8);
        batch.AddEntry(good, now, "eleven byte"u8);
        batch.AddEntry(good, now, "also eleven"u8);
        batch.AddEntry(good, now - (7200 * StoreWorld.SecondNs), "old"u8);
        batch.AddEntry(good, now + (1200 * StoreWorld.SecondNs), "new"u8);
        batch.AddEntry(good, now, "m"u8, Labels.Of(("k", new string('v', 50))).Encoded);
        batch.AddEntry(many, now, "x"u8);
        batch.AddEntry(empty, now, "x"u8);
        batch.AddEntry(wide, now, "x"u8);
        var result = await world.Store.AppendAsync(StoreWorld.Tenant, batch, CancellationToken.None);
        Assert.Equal(1, result.Entries);
        Assert.Equal(
            [
                "max_label_names_per_series 1 entry for stream '{a=\"1\", b=\"2\", c=\"3\"}' has 3 label names; limit 2",
                "missing_labels 1 error at least one label pair is required per stream",
                "label_value_too_long 1 stream '{app=\"wwwwwwwwwwwwwwwwwwwww\"}' has label value too long: 'wwwwwwwwwwwwwwwwwwwww'",
                "line_too_long 2 max entry size '10' bytes exceeded for stream '{app=\"a\"}' while adding an entry with length '11' bytes",
                "greater_than_max_sample_age 1 entry for stream '{app=\"a\"}' has timestamp too old: 2026-03-01T10:00:00Z, oldest acceptable timestamp is: 2026-03-01T11:00:00Z",
                "too_far_in_future 1 entry for stream '{app=\"a\"}' has timestamp too new: 2026-03-01T12:20:00Z",
                "structured_metadata_too_large 1 stream '{app=\"a\"}' has structured metadata too large: '53' bytes, limit: '40' bytes. Please see `limits_config.max_structured_metadata_size` or contact your Loki administrator to increase it.",
            ],
            result.Errors.Select(e => $"{e.Code} {e.Samples} {e.Message}"));
        Assert.All(result.Errors, e => Assert.Equal(AppendErrorKind.BadData, e.Kind));
        Assert.Equal(8, world.Metric("loki_discarded_samples_total"));
    }

    [Fact]
    public async Task Streams_and_rates_have_limits_that_a_sender_may_outwait()
    {
        await using var world = new StoreWorld(new TenantLimits { StreamsMax = 2, LogBytesPerSecond = 100, LogBurstBytes = 200 }, StoreWorld.Plain);
        var result = await world.PushAsync(("a", 1, "x"), ("b", 1, "x"), ("c", 1, "x"));
        Assert.Equal(2, result.Entries);
        var error = Assert.Single(result.Errors);
        Assert.Equal((AppendErrorKind.Limit, "stream_limit", 1), (error.Kind, error.Code, error.Samples));
        Assert.StartsWith("maximum active stream limit exceeded when trying to create stream {app=\"c\"}, reduce the number of active streams", error.Message);
        await world.PushAsync(("a", 2, new string('y', 190)));
        result = await world.PushAsync(("a", 3, new string('z', 50)));
        Assert.Equal(0, result.Entries);
        Assert.Equal(
            "rate_limited ingestion rate limit exceeded for user anonymous (limit: 100 bytes/sec) while attempting to ingest '1' lines totaling '50' bytes, reduce log volume or contact your Loki administrator to see if the limit can be increased",
            result.Errors.Select(e => $"{e.Code} {e.Message}").Single());
        world.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Empty((await world.PushAsync(("a", 3, new string('z', 50)))).Errors);
    }

    /// <summary>A flood of new streams costs little: the first hundred are named, the first of them stands for the rest.</summary>
    [Fact]
    public async Task Of_many_streams_that_are_refused_some_are_named_and_all_are_counted()
    {
        await using var world = new StoreWorld(new TenantLimits { StreamsMax = 1, LogLineBytesMax = 10 }, StoreWorld.Plain);
        await world.PushAsync(("there", 1, "x"));
        using var batch = new LogBatch();
        for (int i = 0; i < 3000; i++)
        {
            int stream = batch.AddStream(Labels.Of(("app", $"new{i}")));
            batch.AddEntry(stream, 1, "one"u8);
            batch.AddEntry(stream, 2, "two"u8);
        }
        batch.AddEntry(batch.AddStream(Labels.Of(("app", "there"))), 3, "much too long"u8);
        batch.AddEntry(batch.AddStream(Labels.Of(("app", "there"))), 3, "good"u8);
        var result = await world.Store.AppendAsync(StoreWorld.Tenant, batch, CancellationToken.None);
        Assert.Equal((1, 101), (result.Entries, result.Errors.Count));
        Assert.Equal(6000, result.Errors.Where(e => e.Code == "stream_limit").Sum(e => e.Samples));
        Assert.Equal((2 * 2901, 2), (result.Errors[0].Samples, result.Errors[99].Samples));
        Assert.Contains("{app=\"new99\"}", result.Errors[99].Message);
        Assert.Equal(("line_too_long", 1), (result.Errors[100].Code, result.Errors[100].Samples));
        Assert.Equal(6001, world.Metric("loki_discarded_samples_total"));
        Assert.Equal((6000 * 3) + 13, world.Metric("loki_discarded_bytes_total"));
    }

    [Theory]
    [InlineData("""{"level":"WARN","msg":"x"}""", "warn")]
    [InlineData("""{"a":{"severity":"err"}}""", "error")]
    [InlineData("""{"a":{"b":{"severity":"trc"}}}""", "unknown")]
    [InlineData("""{"level":"strange","msg":"it was fatal today"}""", "fatal")]
    [InlineData("""{"level":30}""", "unknown")]
    [InlineData("ts=1 lvl=dbg msg=\"an error\"", "debug")]
    [InlineData("LEVEL=Information x=y", "info")]
    [InlineData("[error] disk full", "error")]
    [InlineData("terror informational", "unknown")]
    [InlineData("first a warning, then an error", "warn")]
    [InlineData("status:critical!", "unknown")]
    [InlineData("(CRITICAL) x", "critical")]
    [InlineData("", "unknown")]
    public void Levels_are_found_in_lines(string line, string level) =>
        Assert.Equal(level, Encoding.UTF8.GetString(LevelDetector.Detect([], [], Encoding.UTF8.GetBytes(line))));

    [Fact]
    public void Levels_of_labels_and_metadata_come_before_the_line()
    {
        var line = "level=error"u8;
        Assert.Equal("info"u8.ToArray(), LevelDetector.Detect(LevelDetector.OfLabels(Labels.Of(("level", "INF")).Encoded), [], line).ToArray());
        Assert.Equal("weird"u8.ToArray(), LevelDetector.Detect([], Labels.Of(("severity", "weird")).Encoded, line).ToArray());
        Assert.Equal("warn"u8.ToArray(), LevelDetector.Detect([], Labels.Of(("severity_number", "13")).Encoded, line).ToArray());
        Assert.Equal("debug"u8.ToArray(), LevelDetector.Detect("info"u8, Labels.Of(("detected_level", "DBG"), ("level", "fatal")).Encoded, line).ToArray());
    }

    [Fact]
    public async Task Level_and_service_name_are_added_at_their_place()
    {
        await using var world = new StoreWorld();
        using var batch = new LogBatch();
        batch.AddEntry(batch.AddStream(Labels.Of(("container", "c"), ("job", "j"))), world.NowNs, "an error"u8, Labels.Of(("a", "1"), ("z", "2")).Encoded);
        batch.AddEntry(batch.AddStream(Labels.Of(("x", "y"))), world.NowNs, "plain"u8);
        batch.AddEntry(batch.AddStream(Labels.Of(("service_name", "s"))), world.NowNs, "plain"u8, Labels.Of(("detected_level", "wrn")).Encoded);
        Assert.Empty((await world.Store.AppendAsync(StoreWorld.Tenant, batch, CancellationToken.None)).Errors);
        var seen = new List<string>();
        using var cursor = world.Store.Open(StoreWorld.Tenant, new LogSelection { Matchers = [], StartNs = 0, EndNs = long.MaxValue, Ordered = false }, CancellationToken.None);
        while (cursor.MoveNext()) seen.Add($"{cursor.Stream} {Labels.FromEncoded(cursor.Metadata)}");
        Assert.Equal(
            [
                """{container="c", job="j", service_name="c"} {a="1", detected_level="error", z="2"}""",
                """{service_name="s"} {detected_level="warn"}""",
                """{service_name="unknown_service", x="y"} {detected_level="unknown"}""",
            ], seen);
    }

    [Fact]
    public async Task Tenants_do_not_see_each_other()
    {
        await using var world = new StoreWorld(with: StoreWorld.Plain);
        await world.PushAsync(("a", 1, "mine"));
        using var batch = new LogBatch();
        batch.AddEntry(batch.AddStream(Labels.Of(("app", "a"))), 1, "theirs"u8);
        await world.Store.AppendAsync(TenantId.Parse("other"), batch, CancellationToken.None);
        await world.Store.FlushAsync(CancellationToken.None);
        await world.RestartAsync();
        Assert.Equal(["a 1 mine"], world.Read());
        Assert.Equal(["anonymous", "other"], world.Store.Tenants);
    }

    [Fact]
    public void An_open_block_takes_an_entry_once_and_gives_them_by_time_however_late_they_come()
    {
        for (int seed = 1; seed <= 300; seed++)
        {
            var random = new Random(seed);
            var block = new HeadBlock();
            var taken = new HashSet<(long, string)>();
            var inOrder = new List<(long At, string Line)>();
            // A few bodies at once, as of senders beside each other; entries all over the place; all at one time.
            int step = random.Next(4), entries = random.Next(1, 3000), late = random.Next(3) switch { 0 => 0, 1 => 60, _ => 100_000 };
            for (int i = 0; i < entries; i++)
            {
                long at = (i * step) - (i / 20 % 3 == 1 ? random.Next(late + 1) : 0);
                string line = $"line {random.Next(1 + (seed % 7 * 50))}";
                byte[] bytes = Encoding.UTF8.GetBytes(line);
                bool isNew = taken.Add((at, line));
                Assert.True(isNew == block.Append(at, bytes, default), $"seed {seed}: entry {i}");
                if (isNew) inOrder.Add((at, line));
            }
            var snapshot = block.Snapshot();
            Assert.True(ByTime(snapshot).SequenceEqual(inOrder.OrderBy(e => e.At)), $"seed {seed}");
        }
    }

    /// <summary>The order is kept from reader to reader: each of them has its own entries in it, those who began before others too.</summary>
    [Fact]
    public void Readers_of_a_growing_open_block_each_see_their_entries_by_time()
    {
        for (int seed = 1; seed <= 200; seed++)
        {
            var random = new Random(seed);
            var block = new HeadBlock();
            var arrived = new List<(long At, string Line)>();
            var readers = new List<(HeadSnapshot Snapshot, int Count)>();
            int late = random.Next(4) switch { 0 => 0, 1 => 20, 2 => 1000, _ => 1_000_000 }, entries = random.Next(1, 2500), between = random.Next(1, 200);
            for (int i = 0; i < entries; i++)
            {
                long at = random.Next(500) == 0 ? random.Next(2) == 0 ? long.MaxValue : long.MinValue : (i / (1 + (seed % 5))) - random.Next(late + 1);
                Assert.True(block.Append(at, Encoding.UTF8.GetBytes($"line {i}"), default));
                arrived.Add((at, $"line {i}"));
                if (random.Next(between) > 0) continue;
                readers.Add((block.Snapshot(), block.Count));
                // Some ask at once, some when there is more, and again.
                var (snapshot, count) = readers[random.Next(readers.Count)];
                Check(snapshot, count);
            }
            readers.Add((block.Snapshot(), block.Count));
            foreach (var (snapshot, count) in readers.OrderBy(_ => random.Next())) Check(snapshot, count);

            void Check(HeadSnapshot snapshot, int count) =>
                Assert.True(ByTime(snapshot).SequenceEqual(arrived.Take(count).OrderBy(e => e.At)), $"seed {seed}: the first {count} of {arrived.Count}");
        }
    }

    private static IEnumerable<(long At, string Line)> ByTime(HeadSnapshot snapshot) =>
        (snapshot.Order() ?? [.. Enumerable.Range(0, snapshot.Count)]).Select(i => (snapshot.Entries[i].TimestampNs, Encoding.UTF8.GetString(snapshot.Pages.Line(snapshot.Entries[i]))));

    [Fact]
    public void An_open_block_keeps_lines_of_any_length_and_who_reads_it_keeps_what_it_saw()
    {
        for (int seed = 1; seed <= 60; seed++)
        {
            var random = new Random(seed);
            int longest = random.Next(3) switch { 0 => 40, 1 => 40_000, _ => 120_000 };
            var block = new HeadBlock();
            var lines = new List<(string Line, string Metadata)>();
            var readers = new List<(HeadSnapshot Snapshot, int Count)>();
            for (int i = 0; i < 200; i++)
            {
                // Among them empty ones, and those that fill a page to its last byte.
                int length = random.Next(8) switch { 0 => 0, 1 => Math.Min(longest, 32 << 10), _ => random.Next(longest) };
                string line = new((char)('a' + (i % 26)), length), metadata = new((char)('A' + (i % 26)), random.Next(20));
                Assert.True(block.Append(i, Encoding.UTF8.GetBytes(line), Encoding.UTF8.GetBytes(metadata)), $"seed {seed}: entry {i}");
                lines.Add((line, metadata));
                if (random.Next(60) == 0) readers.Add((block.Snapshot(), block.Count));
            }
            readers.Add((block.Snapshot(), block.Count));
            block.Release();
            // What was given back is written over by others.
            var others = Enumerable.Range(0, 4).Select(_ => new HeadBlock()).ToList();
            foreach (var other in others)
            {
                for (int i = 0; i < 300; i++) other.Append(i, Encoding.UTF8.GetBytes(new string('#', random.Next(longest))), default);
                other.Release();
            }
            foreach (var (snapshot, count) in readers)
            {
                Assert.Equal(count, snapshot.Count);
                for (int i = 0; i < count; i++)
                {
                    var entry = snapshot.Entries[i];
                    Assert.True(lines[i] == (Encoding.UTF8.GetString(snapshot.Pages.Line(entry)), Encoding.UTF8.GetString(snapshot.Pages.Metadata(entry))), $"seed {seed}: entry {i} of {count}");
                }
            }
        }
    }

    [Fact]
    public void Lines_without_a_byte_count_for_memory_and_fill_a_block()
    {
        var stream = new LogStream(Labels.Of(("app", "a")));
        var options = StoreWorld.Plain(new LogStoreOptions { Folder = "" });
        long grown = 0, most = 0;
        for (int i = 0; i < 300_000; i++)
        {
            grown += stream.Append(i, default, default, options, out bool duplicate);
            Assert.False(duplicate);
            most = Math.Max(most, grown);
        }
        var (blocks, head) = stream.Snapshot();
        Assert.Equal(2, blocks.Length);
        Assert.Equal(300_000, blocks.Sum(b => b.Header.Entries) + head!.Value.Count);
        Assert.InRange(most, 2_000_000, 4_000_000);
    }

    [Fact]
    public void Many_equal_lines_at_round_times_are_taken_once_each()
    {
        var block = new HeadBlock();
        const long hour = 3_600_000_000_000;
        for (int round = 0; round < 2; round++)
        {
            // The second half comes late, so that all are looked up by their hash.
            for (int i = 0; i < 4000; i++) Assert.Equal(round == 0, block.Append((i % 2 == 0 ? i : 4000 - i) * hour, "ok"u8, default));
        }
        Assert.Equal(4000, block.Count);
    }

    /// <summary>The format says which bits a filter has; its size is the least that leaves at most two fifths of them set before the last halving.</summary>
    [Fact]
    public void The_skip_filter_of_few_lines_and_of_many_is_what_the_format_says()
    {
        var sizes = new HashSet<int>();
        for (int seed = 1; seed <= 400; seed++)
        {
            var random = new Random(seed);
            string letters = "abcdefghijklmnopqrstuvwxyz0123456789 =-./\"é";
            var lines = Enumerable.Range(0, random.Next(1, 1 << random.Next(1, 9))).Select(_ =>
                Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, random.Next(120)).Select(_ => letters[random.Next(1 + (seed % letters.Length))])))).ToList();
            byte[] bytes = [.. lines.SelectMany(l => l)];
            int at = 0;
            HeadEntry[] entries = [.. lines.Select(l => new HeadEntry(1, (at += l.Length) - l.Length, l.Length, 0))];
            byte[] rented = NeedleFilter.Build(entries, bytes, [], out int length);
            sizes.Add(length);
            uint[] hashes = [.. lines.SelectMany(l => NeedleFilter.BitsOf(l)).Distinct()];
            int size = 17;
            while (size > 9 && SetBits(size) * 5L <= 2L << (size - 1)) size--;
            byte[] expected = new byte[1 << (size - 3)];
            foreach (uint bit in hashes) expected[(bit & ((1u << size) - 1)) >> 3] |= (byte)(1 << (int)(bit & 7));
            Assert.True(expected.AsSpan().SequenceEqual(rented.AsSpan(0, length)), $"seed {seed}: {lines.Count} lines, {bytes.Length} bytes, {length} and not {expected.Length} bytes of filter");

            int SetBits(int of) => hashes.Select(h => h & ((1u << of) - 1)).Distinct().Count();
        }
        // From the least to where the larger field is built.
        Assert.InRange(sizes.Count, 6, 9);
    }

    [Fact]
    public void The_skip_filter_never_denies_a_needle_that_is_there()
    {
        for (int seed = 1; seed <= 40; seed++)
        {
            var random = new Random(seed);
            var lines = new List<byte>();
            var entries = new List<HeadEntry>();
            var ends = new List<int>();
            string[] values = [.. Enumerable.Range(0, 3).Select(_ => $"{random.NextInt64():x16} between {random.NextInt64():x16}")];
            bool[] seen = new bool[values.Length];
            var repeats = new (int At, int Length)[300];
            for (int i = 0; i < 300; i++)
            {
                int from = lines.Count, value = random.Next(4 * values.Length);
                for (int k = random.Next(80); k > 0; k--) lines.Add((byte)random.Next(32, 60 + (seed * 4)));
                if (value < values.Length)
                {
                    if (seen[value]) repeats[i] = (lines.Count, values[value].Length);
                    seen[value] = true;
                    lines.AddRange(Encoding.ASCII.GetBytes(values[value]));
                    for (int k = random.Next(10); k > 0; k--) lines.Add((byte)random.Next(32, 60 + (seed * 4)));
                }
                ends.Add(lines.Count);
                entries.Add(new HeadEntry(i, from, lines.Count - from, 0));
            }
            byte[] bytes = [.. lines];
            byte[] rented = NeedleFilter.Build([.. entries], bytes, repeats, out int length);
            byte[] whole = NeedleFilter.Build([.. entries], bytes, [], out int wholeLength);
            Assert.True(whole.AsSpan(0, wholeLength).SequenceEqual(rented.AsSpan(0, length)), $"seed {seed}: what repeats makes another filter");
            int passed = 0;
            for (int i = 0; i < 300; i++)
            {
                int line = random.Next(300), from = line == 0 ? 0 : ends[line - 1];
                if (ends[line] == from) continue;
                int start = random.Next(from, ends[line]);
                Assert.True(NeedleFilter.MayHold(rented.AsSpan(0, length), NeedleFilter.BitsOf(bytes.AsSpan(start, random.Next(ends[line] - start) + 1))), $"seed {seed}");
                if (NeedleFilter.MayHold(rented.AsSpan(0, length), NeedleFilter.BitsOf(Encoding.UTF8.GetBytes($"{random.NextInt64()}-absent-{random.Next()}")))) passed++;
            }
            Assert.True(passed < 30, $"seed {seed}: {passed} absent needles passed");
        }
    }

    [Fact]
    public async Task Blocks_without_the_literal_are_skipped_unread()
    {
        await using var world = new StoreWorld(with: o => StoreWorld.Plain(o) with { BlockBytes = 4000 });
        for (int i = 0; i < 400; i++) await world.PushAsync(("a", i, i == 217 ? "here is the needle 7f3a-91" : $"just an ordinary line with number {i} in it"));
        await world.Store.FlushAsync(CancellationToken.None);
        await world.RestartAsync();
        var found = world.Read(new LogSelection
        {
            Matchers = [new Matcher(MatchOp.Equal, "app", "a")], StartNs = 0, EndNs = long.MaxValue, RequiredLiterals = ["needle 7f3a"u8.ToArray()],
        }, out var statistics);
        Assert.Equal(["a 217 here is the needle 7f3a-91"], found);
        Assert.Equal(1, statistics.Blocks);
        Assert.True(statistics.BlocksSkipped >= 4);
    }

    [Fact]
    public async Task Reading_packed_lines_allocates_nothing_per_line()
    {
        await using var world = new StoreWorld(with: StoreWorld.Plain);
        await world.PushAsync([.. Enumerable.Range(0, 200).Select(i => ("few", (long)i, $"line {i}"))]);
        await world.PushAsync([.. Enumerable.Range(0, 8000).Select(i => ("many", (long)i, $"line {i}"))]);
        await world.Store.FlushAsync(CancellationToken.None);
        long few = Allocated("few"), many = Allocated("many");
        Assert.InRange(many - few, -8192, 8192);

        long Allocated(string app)
        {
            long bytes = 0;
            for (int round = 0; round < 4; round++)
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                using var cursor = world.Store.Open(
                    StoreWorld.Tenant, new LogSelection { Matchers = [new Matcher(MatchOp.Equal, "app", app)], StartNs = 0, EndNs = long.MaxValue, Ordered = false }, CancellationToken.None);
                int length = 0;
                while (cursor.MoveNext()) length += cursor.Line.Length;
                bytes = GC.GetAllocatedBytesForCurrentThread() - before;
            }
            return bytes;
        }
    }

    [Fact]
    public async Task Volumes_and_streams_come_from_headers()
    {
        await using var world = new StoreWorld(with: StoreWorld.Plain);
        await world.PushAsync(("a", 10, "12345"), ("a", 20, "12345"), ("b", 100, "1234567"));
        await world.Store.FlushAsync(CancellationToken.None);
        await world.PushAsync(("a", 30, "123"));
        var volumes = world.Store.Volumes(StoreWorld.Tenant, [], 0, 1000, CancellationToken.None);
        Assert.Equal(
            [("a", new LogVolume(1, 2, 3, 13)), ("b", new LogVolume(1, 1, 1, 7))],
            volumes.Select(v => (v.Stream["app"], v.Volume)));
        Assert.Equal(["b"], world.Store.Streams(StoreWorld.Tenant, [], 50, 1000, CancellationToken.None).Select(s => s["app"]));
        Assert.Equal(["a"], world.Store.Streams(StoreWorld.Tenant, [[new Matcher(MatchOp.Equal, "app", "a")]], 0, 1000, CancellationToken.None).Select(s => s["app"]));
    }
}
