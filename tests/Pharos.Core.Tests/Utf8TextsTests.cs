using System.Text;
using Pharos.Core;

namespace Pharos.Core.Tests;

public sealed class Utf8TextsTests
{
    private static readonly string[] Letters = ["a", "b", "c", "é", "\uFFFD", "\U0001F600"];

    [Fact]
    public void Texts_are_sorted_as_one_by_one_and_merged_as_sets()
    {
        int seed = Environment.TickCount;
        var random = new Random(seed);
        for (int round = 0; round < 300; round++)
        {
            string start = new('p', random.Next(10));
            var left = Texts(start);
            var right = Texts(round % 2 == 0 ? start : "");
            if (round % 5 == 0) left.Add("\0");
            var merged = Utf8Texts.Merge(Sorted(left), Sorted(right));
            Assert.True(Expected(left).SequenceEqual(Sorted(left)), $"seed {seed}, round {round}");
            Assert.True(Expected([.. left, .. right]).SequenceEqual(merged), $"seed {seed}, round {round}");
            int limit = random.Next(10);
            Assert.Equal(merged.Take(limit), merged.First(limit));
            Assert.Equal(string.Concat(merged.Take(limit)), Encoding.UTF8.GetString(merged.First(limit).Utf8));
        }

        List<string> Texts(string start) =>
            [.. Enumerable.Range(0, random.Next(60)).Select(_ => start + string.Concat(Enumerable.Range(0, random.Next(12)).Select(_ => Letters[random.Next(Letters.Length)])))];

        // In the order of their bytes, which is not that of UTF-16.
        static IEnumerable<string> Expected(IEnumerable<string> texts) =>
            texts.Distinct().Select(Encoding.UTF8.GetBytes).OrderBy(b => Convert.ToHexString(b), StringComparer.Ordinal).Select(Encoding.UTF8.GetString);

        static Utf8Texts Sorted(IEnumerable<string> texts) => Utf8Texts.Sorted([.. texts.Select(t => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(t))]);
    }
}
