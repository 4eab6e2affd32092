using System.Text;
using Pharos.Core;
using Pharos.Logs.Blocks;
using Pharos.Logs.Metadata;
using Pharos.Logs.Reading;
using Pharos.Logs.Streams;

namespace Pharos.Logs.Tests;

/// <summary>Structured metadata in columns comes back as the sets that came in.</summary>
public sealed class MetadataTests
{
    [Theory, InlineData(false), InlineData(true)]
    public void Sets_come_back_byte_for_byte(bool backward)
    {
        for (int seed = 1; seed <= 150; seed++)
        {
            var random = new Random(seed);
            var head = new HeadBlock();
            var expected = new List<byte[]>();
            byte[] before = [];
            for (int i = 0; i < random.Next(1, 400); i++)
            {
                byte[] set = random.Next(3) == 0 ? before : RandomSet(random, seed);
                before = set;
                if (head.Append(i * 1_000_000L, Encoding.UTF8.GetBytes($"line {i % 50}"), set)) expected.Add(set);
            }
            if (backward) expected.Reverse();
            using var entries = Open(Assert.Single(head.Seal(3)), null, backward);
            foreach (byte[] set in expected)
            {
                Assert.True(entries.Next(), $"seed {seed}");
                for (int again = 0; again < 2; again++)
                    Assert.True(entries.Metadata.SequenceEqual(set), $"seed {seed}: {Convert.ToHexString(set)} came back as {Convert.ToHexString(entries.Metadata)}");
            }
            Assert.False(entries.Next());
        }
    }

    /// <summary>What no sender's set is like, but a record might be: it is kept as it is.</summary>
    [Fact]
    public void Sets_that_are_not_canonical_come_back_byte_for_byte()
    {
        byte[][] sets =
        [
            Pairs(("b", "1"), ("a", "2")), Pairs(("a", "1"), ("a", "2")), Pairs(("", "nameless")), Pairs(("a", "1"), ("a", "1")),
            [0x81, 0x00, (byte)'a', 1, (byte)'x'], [1, 0xff, 1, (byte)'x'], Pairs(("a", "")), [],
        ];
        foreach (byte[] odd in sets)
        {
            var head = new HeadBlock();
            for (int i = 0; i < 100; i++) head.Append(i, "line"u8, i % 3 == 0 ? odd : Pairs(("a", $"{i}"), ("trace", "x")));
            using var entries = Open(Assert.Single(head.Seal(3)), null, false);
            for (int i = 0; i < 100; i++)
            {
                Assert.True(entries.Next());
                Assert.Equal(i % 3 == 0 ? odd : Pairs(("a", $"{i}"), ("trace", "x")), entries.Metadata.ToArray());
            }
        }
    }

    [Fact]
    public void Of_some_names_only_their_columns_are_read_and_the_rest_is_left_out()
    {
        var head = new HeadBlock();
        for (int i = 0; i < 2000; i++) head.Append(i, "line"u8, Pairs(("big", $"{i} {new string('x', i % 90)}"), ("level", i % 2 == 0 ? "info" : "warn"), ("user", $"u{i % 700}")));
        var block = Assert.Single(head.Seal(3));
        using var entries = Open(block, new HashSet<string> { "level", "absent" }, false);
        for (int i = 0; i < 2000; i++)
        {
            Assert.True(entries.Next());
            Assert.Equal(Pairs(("level", i % 2 == 0 ? "info" : "warn")), entries.Metadata.ToArray());
        }
        long few = entries.Counts.PackedBytes;
        Assert.Equal(4, Labels.FromEncoded(entries.WholeMetadata).Count + 1);
        Assert.True(entries.Counts.PackedBytes > few + 500, $"{few} bytes, then {entries.Counts.PackedBytes}");
    }

    [Fact]
    public async Task Entries_that_differ_in_metadata_alone_are_not_taken_for_one_whatever_names_are_asked_for()
    {
        await using var world = new StoreWorld(with: StoreWorld.Plain);
        for (int flush = 0; flush < 3; flush++)
        {
            using var batch = new LogBatch();
            for (int i = 0; i < 20; i++) batch.AddEntry(batch.AddStream(Labels.Of(("app", "a"))), i, "line"u8, Labels.Of(("level", "info"), ("span", $"{flush % 2} {i}")).Encoded);
            await world.Store.AppendAsync(StoreWorld.Tenant, batch, CancellationToken.None);
            await world.Store.FlushAsync(CancellationToken.None);
        }
        foreach (IReadOnlySet<string>? names in new[] { null, new HashSet<string> { "level" }, new HashSet<string>() })
        {
            var selection = new LogSelection { Matchers = [], StartNs = 0, EndNs = 1000, Ordered = false, MetadataNames = names };
            Assert.Equal(40, world.Read(selection, out _).Count);
        }
        await world.Store.CompactAsync(CancellationToken.None);
        await world.PushAsync(("a", 5, "line"));
        await world.Store.FlushAsync(CancellationToken.None);
        await world.Store.CompactAsync(CancellationToken.None);
        Assert.Equal(41, world.Read().Count);
    }

    [Fact]
    public void Columns_take_less_room_than_whole_sets()
    {
        var random = new Random(1);
        var head = new HeadBlock();
        using var sets = new PooledBuffer();
        for (int i = 0; i < 3000; i++)
        {
            byte[] trace = new byte[16], span = new byte[8];
            random.NextBytes(trace);
            random.NextBytes(span);
            byte[] set = Pairs(("detected_level", random.Next(9) == 0 ? "error" : "info"), ("span_id", Convert.ToHexStringLower(span)), ("status", $"{200 + random.Next(5)}"), ("trace_id", Convert.ToHexStringLower(trace)));
            sets.Append(set);
            head.Append(i * 1_000_000L, "a line"u8, set);
        }
        var block = Assert.Single(head.Seal(3));
        int packed = BlockCodecs.Pack(BlockCodecs.Best, sets.Span, new byte[BlockCodecs.PackedBytesMax(sets.Length)], 3);
        int taken = block.Header.IndexPacked + block.Header.ColumnsPacked;
        Assert.True(taken < packed * 0.85, $"{taken} bytes, {packed} as sets");
    }

    private static BlockEntries Open(BlockRef block, IReadOnlySet<string>? names, bool backward) => new(
        block, Labels.Empty, new ReadContext(new LogSelection { Matchers = [], StartNs = 0, EndNs = long.MaxValue, Backward = backward, MetadataNames = names }, [], (_, _, e) => throw e, CancellationToken.None));

    private static byte[] RandomSet(Random random, int seed)
    {
        // Few names or very many, values of any kind.
        int names = seed % 10 == 0 ? 400 : random.Next(1, 8);
        var pairs = new SortedDictionary<string, string>(StringComparer.Ordinal);
        for (int i = random.Next(5); i > 0; i--)
        {
            int name = random.Next(names);
            pairs[$"n{name}"] = ((name + seed) % 8) switch
            {
                0 => "info",
                1 => $"{random.Next(1000)}",
                2 => $"{random.Next(1000) / 10.0:0.0}ms",
                3 => Convert.ToHexStringLower(BitConverter.GetBytes(random.NextInt64())),
                4 => $"10.0.{random.Next(256)}.{random.Next(256)}",
                5 => new string((char)random.Next(32, 0x800), random.Next(6)),
                6 => random.Next(3) == 0 ? "" : $"value {random.Next(5)}",
                _ => $"2026-03-01T12:00:{random.Next(60):00}Z",
            };
        }
        return Pairs([.. pairs.Select(p => (p.Key, p.Value))]);
    }

    private static byte[] Pairs(params (string Name, string Value)[] pairs)
    {
        var bytes = new List<byte>();
        foreach (string text in pairs.SelectMany(p => new[] { p.Name, p.Value }))
        {
            byte[] utf8 = Encoding.UTF8.GetBytes(text), room = new byte[LabelCodec.SizeOf(utf8.Length)];
            LabelCodec.WriteString(room, utf8);
            bytes.AddRange(room);
        }
        return [.. bytes];
    }
}
