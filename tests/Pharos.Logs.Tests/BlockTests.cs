using System.Text;
using Pharos.Core;
using Pharos.Logs.Blocks;
using Pharos.Logs.Reading;
using Pharos.Logs.Streams;

namespace Pharos.Logs.Tests;

public sealed class BlockTests
{
    [Theory, InlineData(false), InlineData(true)]
    public void Lines_come_back_byte_for_byte(bool backward)
    {
        for (int seed = 1; seed <= 60; seed++)
        {
            var random = new Random(seed);
            var source = new RandomLines(seed);
            var expected = new List<(long, byte[])>();
            var head = new HeadBlock();
            long at = 1_772_366_400_000_000_000;
            for (int i = 0; i < 400; i++)
            {
                byte[] line = source.Next();
                at += random.Next(3) == 0 ? 1 : 1_000_000;
                if (head.Append(at, line, default)) expected.Add((at, line));
            }
            var block = Assert.Single(head.Seal(3));
            var selection = new LogSelection { Matchers = [], StartNs = 0, EndNs = long.MaxValue, Backward = backward };
            using var entries = new BlockEntries(block, Labels.Empty, new ReadContext(selection, [], (_, _, e) => throw e, CancellationToken.None));
            if (backward) expected.Reverse();
            foreach (var (time, line) in expected)
            {
                Assert.True(entries.Next(), $"seed {seed}");
                Assert.Equal(time, entries.TimestampNs);
                Assert.True(line.AsSpan().SequenceEqual(entries.Line), $"seed {seed}: {Encoding.UTF8.GetString(line)} came back as {Encoding.UTF8.GetString(entries.Line)}");
            }
            Assert.False(entries.Next());
        }
    }

    [Fact]
    public void A_needle_finds_each_line_that_holds_it_wherever_it_begins()
    {
        int needles = 0;
        for (int seed = 1; needles < 10_000; seed++)
        {
            var random = new Random(seed);
            var (block, lines) = BlockOf(seed, 200);
            for (int i = 0; i < 200; i++)
            {
                byte[] line = lines[random.Next(lines.Count)];
                if (line.Length == 0) continue;
                needles++;
                int from = random.Next(line.Length), length = random.Next(1, Math.Min(line.Length - from, 40) + 1);
                byte[] needle = line[from..(from + length)];
                var read = Read(block, needle, backward: i % 2 == 0);
                Assert.True(lines.Where(l => l.AsSpan().IndexOf(needle) >= 0).SequenceEqual(read, ByteKeys.Instance), $"seed {seed}: {Convert.ToHexString(needle)}");
            }
        }
    }

    /// <summary>Combined access logs and lines of Java with stack traces: the same needles, and few lines put together for them.</summary>
    [Fact]
    public void Text_of_recurring_form_is_taken_apart_and_found_by_any_part_of_it()
    {
        for (int seed = 1; seed <= 20; seed++)
        {
            var random = new Random(seed);
            var lines = new List<byte[]>();
            var head = new HeadBlock();
            for (int i = 0; i < 300; i++)
            {
                var at = DateTimeOffset.FromUnixTimeMilliseconds(1_772_366_400_000 + (i * 400));
                string zone = random.Next(50) == 0 ? "canary7" : "main";
                string line = seed % 2 == 0
                    ? $"10.0.{random.Next(256)}.1 - - [{at:dd/MMM/yyyy:HH:mm:ss} +0000] \"{(random.Next(3) == 0 ? "POST" : "GET")} /api/{random.Next(9000)} HTTP/1.1\" {random.Next(200, 205)} {random.Next(90000)} \"https://shop/?zone={zone}\" \"{(random.Next(2) == 0 ? "curl/8" : "Mozilla/5.0 (X11; Linux) Gecko Firefox/1")}\""
                    : $"{at:yyyy-MM-dd HH:mm:ss.fff} INFO  [pool-{random.Next(8)}] c.e.Service - {(random.Next(2) == 0 ? "order placed" : "retrying upstream call")} zone={zone} invoice={random.Next(1000000)} took {random.Next(999) / 1000.0:0.000}s{(random.Next(9) == 0 ? "\njava.lang.Exception: no\n\tat a.B(C.java:1)\n" : "")}";
                lines.Add(Encoding.UTF8.GetBytes(line));
                head.Append((1_772_366_400_000 + (i * 400)) * 1_000_000, lines[^1], default);
            }
            var block = Assert.Single(head.Seal(3));
            Assert.InRange(block.Header.LinesRaw, 0, block.Header.LineBytes / 20);
            for (int i = 0; i < 500; i++)
            {
                byte[] line = lines[random.Next(lines.Count)];
                int from = random.Next(line.Length), length = random.Next(1, Math.Min(line.Length - from, 60) + 1);
                Assert.Equal(lines.Where(l => l.AsSpan().IndexOf(line.AsSpan(from, length)) >= 0), Read(block, line[from..(from + length)], backward: i % 2 == 0));
            }
        }
    }

    [Fact]
    public void An_expression_finds_each_line_that_it_matches_without_putting_all_together()
    {
        string[] atoms = ["[0-9]{3}", "status", "\\d+", ".*", "\"", "=", "(info|5..)", "(?i)POOL", "^", "$", "\\n", "[^ ]+", "\ufffd", "(?i)k", "2026", "ms$", "é?", "a|b"];
        int read = 0, matched = 0, all = 0;
        for (int seed = 1; seed <= 30; seed++)
        {
            var random = new Random(seed);
            var (block, lines) = BlockOf(seed, 300);
            for (int i = 0; i < 40; i++)
            {
                string pattern = string.Concat(Enumerable.Range(0, random.Next(1, 5)).Select(_ => atoms[random.Next(atoms.Length)]));
                if (LineAutomaton.For(pattern) is not { } automaton) continue;
                var expected = lines.Where(l => automaton.IsMatch(l)).ToList();
                var selection = new LogSelection { Matchers = [], StartNs = 0, EndNs = long.MaxValue, Backward = i % 2 == 0, RequiredExpression = pattern };
                var given = Read(block, selection);
                Assert.True(expected.Select(Convert.ToHexString).SequenceEqual(given.Where(l => automaton.IsMatch(l)).Select(Convert.ToHexString)), $"seed {seed}: {pattern}");
                all += lines.Count;
                read += given.Count;
                matched += expected.Count;
            }
        }
        // Lines that were not taken apart are always given.
        Assert.InRange(matched, all / 20, all * 3 / 4);
        Assert.InRange(read - matched, 0, (all - matched) / 2);
    }

    [Fact]
    public void Lines_of_which_it_is_said_that_filters_hold_pass_them()
    {
        string[] expressions = ["[0-9]{3}x", "status=20[0-3]", "(info|5..)", "^10", "ms$", "\\n", "pool-[12]"];
        int known = 0, passed = 0;
        for (int seed = 1; seed <= 30; seed++)
        {
            var random = new Random(seed);
            var source = new RandomLines(seed);
            var lines = new List<byte[]>();
            var head = new HeadBlock();
            for (int i = 0; i < 300; i++)
            {
                byte[] line = source.Next();
                if (head.Append(i, line, default)) lines.Add(line);
            }
            var block = Assert.Single(head.Seal(3));
            for (int i = 0; i < 40; i++)
            {
                byte[][] texts = [.. Enumerable.Range(0, random.Next(3)).Select(_ => lines[random.Next(lines.Count)]).Where(l => l.Length > 0).Select(l => l[random.Next(l.Length / 2)..][..Math.Min(l.Length / 2, random.Next(1, 9))]).Where(t => t.Length > 0)];
                string? expression = random.Next(2) == 0 ? expressions[random.Next(expressions.Length)] : null;
                var automaton = expression is null ? null : LineAutomaton.For(expression);
                int excludedTexts = random.Next(texts.Length + 1);
                bool isExcluded = random.Next(3) > 0;
                var selection = new LogSelection
                {
                    Matchers = [], StartNs = 0, EndNs = long.MaxValue, Backward = i % 2 == 0,
                    ExcludedLiterals = [.. texts.Take(excludedTexts).Select(t => (ReadOnlyMemory<byte>)t)], RequiredLiterals = [.. texts.Skip(excludedTexts).Select(t => (ReadOnlyMemory<byte>)t)],
                    ExcludedExpression = isExcluded ? expression : null, RequiredExpression = isExcluded ? null : expression,
                };
                using var entries = new BlockEntries(block, Labels.Empty, new ReadContext(selection, [], (_, _, e) => throw e, CancellationToken.None));
                var read = new List<byte[]>();
                while (entries.Next())
                {
                    bool isKnown = entries.LineFiltersHold, passes = Passes(entries.Line);
                    Assert.True(passes || !isKnown, $"seed {seed}: {expression} {Encoding.Latin1.GetString(entries.Line)}");
                    if (passes) read.Add(entries.Line.ToArray());
                    if (texts.Length == 0 && expression is null) continue;
                    if (isKnown) known++;
                    if (passes) passed++;
                }
                if (selection.Backward) read.Reverse();
                Assert.Equal(lines.Where(l => Passes(l)), read);

                bool Passes(ReadOnlySpan<byte> line)
                {
                    if (automaton is not null && automaton.IsMatch(line) == isExcluded) return false;
                    for (int t = 0; t < texts.Length; t++)
                    {
                        if (line.IndexOf(texts[t]) >= 0 == t < excludedTexts) return false;
                    }
                    return true;
                }
            }
        }
        // Of lines that were not taken apart nothing is known.
        Assert.InRange(known, passed / 2, passed);
    }

    [Fact]
    public void Text_in_any_case_finds_each_line_that_holds_it()
    {
        int found = 0, read = 0, all = 0;
        for (int seed = 1; seed <= 30; seed++)
        {
            var random = new Random(seed);
            var source = new RandomLines(seed);
            var lines = new List<byte[]>();
            var head = new HeadBlock();
            for (int i = 0; i < 200; i++)
            {
                byte[] line = source.Next();
                // Other cases of k and s.
                if (random.Next(20) == 0) line = [.. line, .. Encoding.UTF8.GetBytes(random.Next(2) == 0 ? " took=5\u212am" : " \u017ftatu\u017f=200")];
                if (head.Append(i, line, default)) lines.Add(line);
            }
            var block = Assert.Single(head.Seal(3));
            for (int i = 0; i < 100; i++)
            {
                byte[] line = lines[random.Next(lines.Count)];
                int from = random.Next(line.Length + 1), length = Math.Min(line.Length - from, random.Next(1, 30));
                byte[] text = line[from..(from + length)];
                if (text.Length == 0 || !Ascii.IsValid(text)) continue;
                for (int k = 0; k < text.Length; k++) text[k] = (byte)(random.Next(2) == 0 ? char.ToUpperInvariant((char)text[k]) : char.ToLowerInvariant((char)text[k]));
                var expected = lines.Where(l => Holds(l, text)).ToList();
                var given = Read(block, new LogSelection { Matchers = [], StartNs = 0, EndNs = long.MaxValue, Backward = i % 2 == 0, RequiredFolded = new FoldedNeedle(text) });
                Assert.True(expected.Select(Convert.ToHexString).SequenceEqual(given.Where(l => Holds(l, text)).Select(Convert.ToHexString)), $"seed {seed}: {Encoding.ASCII.GetString(text)}");
                found += expected.Count;
                read += given.Count;
                all += lines.Count;
            }
        }
        Assert.InRange(found, 10_000, all / 2);
        Assert.InRange(read - found, 0, (all - found) / 2);

        static bool Holds(byte[] line, byte[] text) => Encoding.Latin1.GetString(Folded(line)).Contains(Encoding.Latin1.GetString(Folded(text)), StringComparison.Ordinal);

        static byte[] Folded(byte[] bytes) => Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(bytes).Replace('\u212a', 'k').Replace('\u017f', 's').ToLowerInvariant());
    }

    [Fact]
    public void Hostile_lines_come_back_as_they_are()
    {
        byte[][] lines =
        [
            [], [0], "\u001b[31mred\u001b[0m"u8.ToArray(), [0xff, 0xfe, 0x80], "{{.Template}} ${jndi:ldap://x}"u8.ToArray(), "{\"a\":\"\0\"}"u8.ToArray(),
            Enumerable.Repeat((byte)'x', 10 << 20).ToArray(), [.. "{\"a\":\""u8, .. Enumerable.Repeat((byte)'y', 10 << 20), .. "\"}"u8], "a=\0 b=\u001b[0m"u8.ToArray(),
            [.. "word \"quoted "u8, .. Enumerable.Repeat((byte)'"', 1 << 20)], [.. "1.2.3.4 - - ["u8, 0, 0xff, .. "] \"GET \0\xff HTTP\" 7\n"u8], Enumerable.Repeat((byte)'\n', 1 << 20).ToArray(),
            [.. Enumerable.Range(0, 1 << 20).Select(i => (byte)"a1 =\"[\n"[i % 7])],
        ];
        var head = new HeadBlock();
        // Often enough that the lines with fields are taken apart.
        for (int i = 0; i < 120; i++) head.Append(i, i % 8 == 0 ? lines[i / 8 % lines.Length] : Encoding.UTF8.GetBytes($"{{\"a\":\"{i}\"}}"), default);
        var block = Assert.Single(head.Seal(3));
        using var entries = new BlockEntries(block, Labels.Empty, new ReadContext(new LogSelection { Matchers = [], StartNs = 0, EndNs = 1000 }, [], (_, _, e) => throw e, CancellationToken.None));
        for (int i = 0; i < 120; i++)
        {
            Assert.True(entries.Next());
            if (i % 8 == 0) Assert.True(entries.Line.SequenceEqual(lines[i / 8 % lines.Length]));
        }
    }

    /// <summary>Whatever a file's bytes are, reading it ends in entries or in an error that is told; nothing else escapes.</summary>
    [Fact]
    public async Task Damaged_parts_never_break_a_reader()
    {
        for (int seed = 1; seed <= 150; seed++)
        {
            var random = new Random(seed);
            var lines = new RandomLines(seed % 10);
            await using var world = new StoreWorld(with: StoreWorld.Plain);
            for (int i = 0; i < 4; i++) await world.PushAsync([.. Enumerable.Range(0, 50).Select(k => ("a", (i * 50L) + k, Encoding.Latin1.GetString(lines.Next())))]);
            await world.Store.FlushAsync(CancellationToken.None);
            string part = Assert.Single(world.Parts);
            await world.RestartAsync(() =>
            {
                byte[] bytes = File.ReadAllBytes(part);
                for (int i = random.Next(1, 4); i > 0; i--) bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                File.WriteAllBytes(part, random.Next(5) == 0 ? bytes[..random.Next(bytes.Length)] : bytes);
            });
            try
            {
                world.Read();
                world.Read(backward: true);
                world.Read(literals: "status");
                await world.Store.CompactAsync(CancellationToken.None);
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}: {e}");
            }
        }
    }

    [Fact]
    public void Lines_of_one_shape_take_less_room_than_their_text_packed()
    {
        var random = new Random(1);
        var head = new HeadBlock();
        var text = new StringBuilder();
        for (int i = 0; i < 3000; i++)
        {
            string line = $"{{\"time\":\"{DateTimeOffset.FromUnixTimeMilliseconds(1_772_366_400_000 + (i * 40)):yyyy-MM-ddTHH:mm:ss.fffZ}\",\"status\":{200 + random.Next(5)},\"path\":\"/api/{random.Next(50)}\",\"duration\":{random.Next(5000) / 1000.0:0.000}}}";
            head.Append((1_772_366_400_000 + (i * 40)) * 1_000_000, Encoding.UTF8.GetBytes(line), default);
            text.Append(line).Append('\n');
        }
        var block = Assert.Single(head.Seal(3));
        byte[] whole = Encoding.UTF8.GetBytes(text.ToString());
        int packed = BlockCodecs.Pack(BlockCodecs.Best, whole, new byte[BlockCodecs.PackedBytesMax(whole.Length)], 3);
        Assert.True(block.Header.PackedBytes < packed * 0.7, $"{block.Header.PackedBytes} bytes, {packed} as text");
    }

    /// <summary>The lines that a block gives for a literal, in order of time.</summary>
    /// <summary>A block of random lines, one a nanosecond, and the lines that it took.</summary>
    private static (BlockRef Block, List<byte[]> Lines) BlockOf(int seed, int count)
    {
        var source = new RandomLines(seed);
        var lines = new List<byte[]>();
        var head = new HeadBlock();
        for (int i = 0; i < count; i++)
        {
            byte[] line = source.Next();
            if (head.Append(i, line, default)) lines.Add(line);
        }
        return (Assert.Single(head.Seal(3)), lines);
    }

    private static List<byte[]> Read(BlockRef block, byte[] literal, bool backward) =>
        Read(block, new LogSelection { Matchers = [], StartNs = 0, EndNs = long.MaxValue, Backward = backward, RequiredLiterals = [literal] });

    private static List<byte[]> Read(BlockRef block, LogSelection selection)
    {
        using var entries = new BlockEntries(block, Labels.Empty, new ReadContext(selection, [], (_, _, e) => throw e, CancellationToken.None));
        var read = new List<byte[]>();
        while (entries.Next()) read.Add(entries.Line.ToArray());
        if (selection.Backward) read.Reverse();
        return read;
    }
}
