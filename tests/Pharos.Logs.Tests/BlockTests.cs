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
}
