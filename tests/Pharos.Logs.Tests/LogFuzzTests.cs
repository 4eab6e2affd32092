using System.Text;
using Pharos.Core;
using Pharos.Logs.Blocks;
using Pharos.Logs.Fields;
using Pharos.Logs.Parts;
using Pharos.Logs.Reading;
using Pharos.Logs.Streams;

namespace Pharos.Logs.Tests;

/// <summary>
/// Readers of blocks and parts on hostile bytes that have the right checksums, so that the damage reaches what is behind them: entries or a clear
/// error, in bounded memory. The seed in a failure replays it.
/// </summary>
public sealed class LogFuzzTests
{
    /// <summary>Most that reading one damaged block or part may allocate; the whole ones here have a few hundred kilobytes.</summary>
    private const long AllocatedMax = 64 << 20;

    [Theory, InlineData(1), InlineData(2), InlineData(3)]
    public void A_block_of_any_content_ends_in_entries_or_in_a_clear_error(int seed)
    {
        var random = new Random(seed);
        List<Frames> whole = [.. Enumerable.Range(0, 12).Select(i => Frames.Of(BlockOf((seed * 100) + i)))];
        int shown = 0, refused = 0;
        for (int round = 0; round < 4000; round++)
        {
            var frames = whole[random.Next(whole.Count)];
            var block = frames.Changed(random);
            Guarded(seed, round, () =>
            {
                bool damaged = false;
                foreach (var selection in Selections(random))
                {
                    using var entries = new BlockEntries(block, Labels.Empty, new ReadContext(selection, [], (_, _, e) => damaged = PartReader.IsDamage(e) ? true : throw e, CancellationToken.None));
                    while (entries.Next())
                    {
                        shown += entries.Line.Length + entries.Metadata.Length + entries.WholeMetadata.Length > 0 ? 1 : 0;
                        // A query that asks for fields may fail as a whole.
                        if (!damaged && entries.Fields is { } fields) damaged |= !TryFields(fields, entries.Row);
                    }
                }
                if (damaged) refused++;
            });
        }
        // Most damage to a frame shows; some only changes values.
        Assert.InRange(refused, 1000, 3900);
        Assert.True(shown > 10_000);
    }

    [Theory, InlineData(4), InlineData(5), InlineData(6)]
    public void A_column_of_any_content_is_read_or_refused(int seed)
    {
        var random = new Random(seed);
        var columns = Enumerable.Range(0, 12).SelectMany(i => Frames.Of(BlockOf((seed * 100) + i)).Columns).ToList();
        Assert.True(columns.Select(c => c.Entry.Kind).Distinct().Count() == 7, string.Join(' ', columns.Select(c => c.Entry.Kind).Distinct()));
        byte[] room = new byte[4096];
        for (int round = 0; round < 15_000; round++)
        {
            var (entry, raw, rows, timestamps) = columns[random.Next(columns.Count)];
            byte[] bytes = Mutations.Of(raw, random);
            if (random.Next(4) == 0) entry = entry with { Kind = (ColumnKind)random.Next(1, 9) };
            if (random.Next(4) == 0) entry = entry with { Form = Mutations.Of(entry.Form, random) };
            if (random.Next(8) == 0) rows = random.Next(2 * rows);
            if (timestamps.Length < rows) timestamps = [.. timestamps, .. new long[rows]];
            Guarded(seed, round, () =>
            {
                var column = ColumnData.Read(entry with { Raw = bytes.Length }, bytes, rows, timestamps);
                var marks = new bool[rows];
                for (int row = 0; row < rows; row++)
                {
                    if (!column.Has(row)) continue;
                    column.TextOf(row);
                    column.Write(row, room);
                }
                var needle = new Needle("info 5"u8);
                column.Mark(needle, new NeedlePiece(0, PieceKind.Contains, 0, needle.Length), marks);
            });
        }
    }

    [Theory, InlineData(7), InlineData(8)]
    public async Task A_part_whose_index_is_of_any_content_is_read_or_set_aside_and_the_others_are_served_whole(int seed)
    {
        var random = new Random(seed);
        await using var world = new StoreWorld(with: o => StoreWorld.Plain(o) with { BlockBytes = 400, FilterLanguage = new WordLanguage() });
        await world.PushAsync([.. Enumerable.Range(0, 40).Select(i => ($"whole{i % 3}", (long)i, $"number {i}"))]);
        await world.Store.FlushAsync(default);
        string[] first = world.Parts;
        var intact = world.Read();
        await world.PushAsync([.. Enumerable.Range(0, 400).Select(i => ($"hurt{i % 100}", 1000L + i, $"level=info status={i} of {new string('x', i % 60)}"))]);
        await world.Store.FlushAsync(default);
        string victim = Assert.Single(world.Parts.Except(first));
        byte[] whole = await File.ReadAllBytesAsync(victim), mark = await File.ReadAllBytesAsync(Path.Combine(world.LogsFolder, "flushed"));
        int aside = 0, changed = 0;
        for (int round = 0; round < 200; round++)
        {
            await world.RestartAsync(() =>
            {
                foreach (string path in Directory.GetFiles(world.LogsFolder, "*", SearchOption.AllDirectories).Where(p => p != victim && !first.Contains(p))) File.Delete(path);
                File.WriteAllBytes(Path.Combine(world.LogsFolder, "flushed"), mark);
                File.WriteAllBytes(victim, PartOf(whole, random));
            });
            Guarded(seed, round, () =>
            {
                var read = world.Read();
                Assert.Equal(intact, read.Where(l => l.StartsWith("whole", StringComparison.Ordinal) && l.Contains(" number ", StringComparison.Ordinal)));
                world.Read(backward: true, literals: "status");
                world.Read(new LogSelection { Matchers = [new Matcher(MatchOp.Equal, "app", "hurt7")], StartNs = 0, EndNs = long.MaxValue, Ordered = false }, out _);
                world.Store.Volumes(StoreWorld.Tenant, [], long.MinValue, long.MaxValue, default);
                world.Store.LabelNames(StoreWorld.Tenant, [], 0, long.MaxValue, default);
                world.Store.LabelValues(StoreWorld.Tenant, "app", [new Matcher(MatchOp.Regex, "app", "h.*7")], 0, long.MaxValue, default);
                Tools.LogVerifier.Verify(world.LogsFolder, null, null, default);
                changed += read.Count < intact.Count + 400 ? 1 : 0;
            });
            if (File.Exists(victim + ".damaged")) aside++;
            if (round % 4 != 0) continue;
            world.Store.Delete(StoreWorld.Tenant, $"hurt{round % 100} x", 0, long.MaxValue);
            world.Time.Advance(TimeSpan.FromDays(2));
            var wrong = await Record.ExceptionAsync(() => world.Store.CompactAsync(default));
            Assert.True(wrong is null, $"seed {seed}, round {round}: {wrong}");
        }
        Assert.InRange(aside, 20, 190);
        Assert.InRange(changed, aside, 200);
    }

    [Fact]
    public async Task Deletions_of_any_content_are_read_or_set_aside()
    {
        await using var world = new StoreWorld(with: o => StoreWorld.Plain(o) with { FilterLanguage = new WordLanguage() });
        await world.PushAsync(("a", 1, "one"), ("b", 2, "two"));
        world.Store.Delete(StoreWorld.Tenant, "a", 0, 1000);
        world.Store.Delete(StoreWorld.Tenant, "b word", 0, 1000);
        string path = Path.Combine(world.LogsFolder, "anonymous", "deletions");
        byte[] whole = await File.ReadAllBytesAsync(path);
        int from = whole.AsSpan().IndexOf((byte)'\n') + 1;
        int read = 0;
        for (int seed = 1; seed <= 400; seed++)
        {
            byte[] body = Mutations.Of(whole.AsSpan(from), new Random(seed));
            string why = $"seed {seed}: {Encoding.UTF8.GetString(body)}";
            var wrong = await Record.ExceptionAsync(() => world.RestartAsync(() => File.WriteAllBytes(path, [.. Encoding.UTF8.GetBytes(FlushMark.None.Text("v2", body)), .. body])));
            Assert.True(wrong is null, $"{why}: {wrong}");
            Assert.True(world.Read().Contains("b 2 two"), why);
            // What cannot be read is set aside and said; what can is in force.
            bool isAside = File.Exists(path + ".damaged");
            Assert.True(isAside == (world.Metric("loki_ingester_wal_corruptions_total") == 1), why);
            Assert.True(isAside == Tools.LogVerifier.Verify(world.LogsFolder, null, null, default).Problems.Any(p => p.Path.StartsWith(path, StringComparison.Ordinal)), why);
            if (isAside) File.Delete(path + ".damaged");
            else read++;
        }
        Assert.InRange(read, 20, 380);
    }

    [Fact]
    public async Task Records_of_any_content_are_replayed_or_left_out_and_the_others_are_whole()
    {
        using var source = new PooledBuffer();
        int left = 0;
        for (int seed = 1; seed <= 400; seed++)
        {
            var random = new Random(seed);
            await using var world = new StoreWorld(with: StoreWorld.Plain);
            await world.PushAsync(("before", 1, "whole"), ("both", 1, "whole"));
            byte[] bad = Mutations.Of(RecordOf(source, random), random);
            await world.AppendRecordAsync(bad);
            await world.PushAsync(("after", 2, "whole"), ("both", 2, "whole"));
            var wrong = await Record.ExceptionAsync(() => world.RestartAsync());
            Assert.True(wrong is null, $"seed {seed}: {wrong}");
            Guarded(seed, 0, () =>
            {
                var read = world.Read();
                Assert.Equal(["before 1 whole", "both 1 whole", "after 2 whole", "both 2 whole"], read.Where(l => l.EndsWith(" whole", StringComparison.Ordinal)));
                world.Store.Volumes(StoreWorld.Tenant, [], long.MinValue, long.MaxValue, default);
                world.Store.LabelNames(StoreWorld.Tenant, [], long.MinValue, long.MaxValue, default);
            });
            bool isLeftOut = world.Metric("loki_ingester_wal_corruptions_total") == 1;
            Assert.True(!isLeftOut || Tools.LogVerifier.ProblemOf(bad) is not null, $"seed {seed}: left out, and the verifier finds nothing");
            if (isLeftOut) left++;
            Assert.True(await world.Store.FlushAsync(default), $"seed {seed}: {string.Join('|', world.Said)}");
            Assert.Equal(4, world.Read().Count(l => l.EndsWith(" whole", StringComparison.Ordinal)));
        }
        Assert.InRange(left, 100, 390);
    }

    private static void Guarded(int seed, int round, Action read)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            read();
        }
        catch (Exception clear) when (PartReader.IsDamage(clear) && clear is not Xunit.Sdk.IAssertionException)
        {
            // Refused, with a reason.
        }
        catch (Exception wrong)
        {
            Assert.Fail($"seed {seed}, round {round}: {wrong}");
        }
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated < AllocatedMax, $"seed {seed}, round {round}: {allocated} bytes were allocated");
    }

    private static bool TryFields(LogFields fields, int row)
    {
        try
        {
            foreach (string name in (string[])["status", "level", "duration", "ip", "id"])
            {
                _ = fields.FormatOf(row);
                _ = fields.RangeOf(name);
                _ = fields.HasAddress(name, 0, uint.MaxValue);
                _ = fields.ValuesOf(name)?.Take(20).Count();
                if (fields.Column(name) is { } column && column.Has(row)) column.TextOf(row);
            }
            return true;
        }
        catch (Exception e) when (PartReader.IsDamage(e))
        {
            return false;
        }
    }

    private static IEnumerable<LogSelection> Selections(Random random)
    {
        yield return new LogSelection { Matchers = [], StartNs = 0, EndNs = long.MaxValue, Backward = random.Next(2) == 0 };
        yield return new LogSelection { Matchers = [], StartNs = 0, EndNs = long.MaxValue, RequiredLiterals = ["info"u8.ToArray()] };
        yield return new LogSelection { Matchers = [], StartNs = 0, EndNs = long.MaxValue, RequiredExpression = "status.{1,3}5", MetadataNames = new HashSet<string> { "n1" } };
    }

    private static BlockRef BlockOf(int seed)
    {
        var random = new Random(seed);
        var lines = new RandomLines(seed);
        var head = new HeadBlock();
        // Many values and addresses, so that there are columns of each kind.
        int users = seed % 4 == 0 ? 1200 : 0;
        for (int i = 0; i < users; i++)
        {
            head.Append(i, Encoding.UTF8.GetBytes($"level=info user=u{random.Next(280)}/x ip=10.{random.Next(200)}.{random.Next(200)}.7 status={random.Next(200, 210)}"), default);
        }
        for (int i = 0; i < (users > 0 ? 0 : 150); i++)
        {
            var metadata = Labels.Of(("n1", $"{random.Next(1000)}"), ("trace", Convert.ToHexStringLower(BitConverter.GetBytes(random.NextInt64()))), ("n2", random.Next(3) == 0 ? "" : $"value {random.Next(5)}"));
            head.Append(1_772_366_400_000_000_000 + (i * 1_000_000L), lines.Next(), random.Next(4) == 0 ? default : metadata.Encoded);
        }
        return Assert.Single(head.Seal(3));
    }

    private static ReadOnlySpan<byte> RecordOf(PooledBuffer output, Random random)
    {
        output.Clear();
        output.Append([Ingest.LogRecord.Version]);
        Varints.Write(output, 2);
        foreach (var labels in (Labels[])[Labels.Of(("app", "hurt")), Labels.Of(("app", "both"))])
        {
            Varints.Write(output, (ulong)labels.Encoded.Length);
            output.Append(labels.Encoded);
        }
        for (int i = 0; i < 6; i++) Ingest.LogRecord.WriteEntry(output, i % 2, random.Next(1000), Encoding.UTF8.GetBytes($"hurt {i}"), i % 3 == 0 ? Labels.Of(("trace", "x")).Encoded : default);
        return output.Span;
    }

    /// <summary>A part like another one, with something wrong in its pages, its directory or its footer, and the right checksums.</summary>
    private static byte[] PartOf(byte[] whole, Random random)
    {
        var footer = PartFooter.Read(whole.AsSpan(whole.Length - PartFormat.FooterBytes), whole.Length);
        long dayNs = UtcDays.StartOf(footer.MinNs), pagesEnd = footer.IndexAt + footer.IndexLength - footer.DirectoryLength;
        var directory = PartDirectory.Read(whole.AsSpan((int)pagesEnd, footer.DirectoryLength), footer.IndexAt, pagesEnd, dayNs);
        int pages = directory.StreamPages.Length + directory.PairPages.Length, victim = random.Next(pages + 2);
        using var index = new PooledBuffer();
        for (int i = 0; i < directory.StreamPages.Length; i++)
        {
            ref var page = ref directory.StreamPages[i];
            var (packed, raw) = Page(page.At, page.Packed, page.Raw, victim == i);
            page = page with { At = footer.IndexAt + index.Length, Packed = packed.Length, Raw = raw, Crc = Crc32C.Of(packed) };
            index.Append(packed);
        }
        for (int i = 0; i < directory.PairPages.Length; i++)
        {
            ref var page = ref directory.PairPages[i];
            var (packed, raw) = Page(page.At, page.Packed, page.Raw, victim == directory.StreamPages.Length + i);
            page = page with { At = footer.IndexAt + index.Length, Packed = packed.Length, Raw = raw, Crc = Crc32C.Of(packed) };
            index.Append(packed);
        }
        using var end = new PooledBuffer();
        directory.Write(end, dayNs);
        byte[] last = victim == pages ? Mutations.Of(end.Span, random) : end.Span.ToArray();
        index.Append(last);
        footer = footer with { IndexLength = index.Length, DirectoryLength = last.Length, IndexCrc = Crc32C.Of(index.Span) };
        if (victim == pages + 1)
        {
            footer = random.Next(6) switch
            {
                0 => footer with { MinNs = random.NextInt64(long.MinValue, long.MaxValue) },
                1 => footer with { MaxNs = random.NextInt64(long.MinValue, long.MaxValue) },
                2 => footer with { IndexAt = random.NextInt64(long.MinValue, long.MaxValue) },
                3 => footer with { IndexLength = random.Next(int.MinValue, int.MaxValue) },
                4 => footer with { DirectoryLength = random.Next(int.MinValue, int.MaxValue) },
                _ => footer with { Entries = random.NextInt64(long.MinValue, long.MaxValue), RawBytes = random.NextInt64(long.MinValue, long.MaxValue) },
            };
        }
        byte[] written = new byte[PartFormat.FooterBytes];
        footer.Write(written);
        return [.. whole[..(int)PartFooter.Read(whole.AsSpan(whole.Length - PartFormat.FooterBytes), whole.Length).IndexAt], .. index.Span, .. written];

        (byte[] Packed, int Raw) Page(long at, int packed, int raw, bool change)
        {
            byte[] bytes = new byte[raw];
            BlockCodecs.Unpack(directory.Codec, whole.AsSpan((int)at, packed), bytes);
            if (change) bytes = Mutations.Of(bytes, random);
            return (Pack(directory.Codec, bytes), bytes.Length);
        }
    }

    private static byte[] Pack(BlockCodec codec, ReadOnlySpan<byte> raw)
    {
        byte[] room = new byte[BlockCodecs.PackedBytesMax(raw.Length)];
        return room[..BlockCodecs.Pack(codec, raw, room, 1)];
    }

    /// <summary>A block in its parts, unpacked, to be put together with one of them damaged.</summary>
    private sealed record Frames(BlockHeader Header, byte[] Index, byte[] Shapes, byte[] PackedColumns, byte[] Lines, byte[] Filter, List<(ColumnEntry Entry, byte[] Raw, int Rows, long[] Timestamps)> Columns)
    {
        public static Frames Of(BlockRef block)
        {
            var header = block.Header;
            var columns = new List<(ColumnEntry, byte[], int, long[])>();
            using var index = BlockIndex.Read(block);
            long[] timestamps = index.Timestamps[..header.Entries];
            byte[] shapes = Unpacked(header.ShapesAt, header.ShapesPacked, header.ShapesRaw);
            var entries = index.Metadata.Entries.Concat(shapes.Length == 0 ? [] : BlockShapes.Read(shapes, header, index.Metadata.ColumnsPacked).Columns);
            foreach (var entry in entries.Where(e => e.Packed > 0)) columns.Add((entry, Unpacked(header.ColumnsAt + entry.Offset, entry.Packed, entry.Raw), header.Entries, timestamps));
            return new Frames(
                header, Unpacked(header.Offset, header.IndexPacked, header.IndexRaw), shapes, Plain(header.ColumnsAt, header.ColumnsPacked),
                Unpacked(header.LinesAt, header.LinesPacked, header.LinesRaw), Plain(header.FilterAt, header.FilterLength), columns);

            byte[] Plain(long at, int length)
            {
                byte[] bytes = new byte[length];
                block.Source.Read(at, bytes);
                return bytes;
            }

            byte[] Unpacked(long at, int packed, int raw)
            {
                byte[] bytes = new byte[raw];
                if (packed > 0) BlockCodecs.Unpack(header.Codec, Plain(at, packed), bytes);
                return bytes;
            }
        }

        public BlockRef Changed(Random random)
        {
            byte[] index = Index, shapes = Shapes, lines = Lines, filter = Filter;
            var header = Header;
            switch (random.Next(6))
            {
                case 0 or 1: index = Mutations.Of(index, random); break;
                case 2 or 3 when shapes.Length > 0: shapes = Mutations.Of(shapes, random); break;
                case 4: lines = Mutations.Of(lines, random); break;
                default:
                    header = random.Next(5) switch
                    {
                        0 => header with { Entries = random.Next(1, 400) },
                        1 => header with { LineBytes = random.Next(header.LineBytes * 2) },
                        2 => header with { MinNs = random.NextInt64(long.MinValue, long.MaxValue) },
                        3 => header with { MaxNs = random.NextInt64(long.MinValue, long.MaxValue) },
                        _ => header with { MetadataBytes = random.Next(header.MetadataBytes * 2) },
                    };
                    break;
            }
            byte[] packedIndex = Pack(header.Codec, index), packedShapes = Shapes.Length == 0 ? [] : Pack(header.Codec, shapes), packedLines = Pack(header.Codec, lines);
            header = header with
            {
                Offset = 0, IndexPacked = packedIndex.Length, IndexRaw = index.Length, IndexCrc = Crc32C.Of(packedIndex),
                ShapesPacked = packedShapes.Length, ShapesRaw = shapes.Length, ShapesCrc = Crc32C.Of(packedShapes),
                LinesPacked = packedLines.Length, LinesRaw = lines.Length, LinesCrc = Crc32C.Of(packedLines),
            };
            return new BlockRef(header, new UncheckedSource([.. packedIndex, .. packedShapes, .. PackedColumns, .. packedLines, .. filter]), 0);
        }
    }

    /// <summary>Bytes of a block of which nothing is known yet, as of one in a part.</summary>
    private sealed class UncheckedSource(byte[] data) : BlockSource
    {
        private BlockNotes notes;

        public override string Name => "test";

        public override void Read(long offset, Span<byte> into) => data.AsSpan((int)offset, into.Length).CopyTo(into);

        public override ref BlockNotes NotesOf(int block) => ref notes;
    }
}
