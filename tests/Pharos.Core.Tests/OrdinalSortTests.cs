using Pharos.Core;

namespace Pharos.Core.Tests;

public sealed class OrdinalSortTests
{
    [Fact]
    public void Texts_are_sorted_as_one_by_one()
    {
        var random = new Random(4);
        for (int round = 0; round < 200; round++)
        {
            string start = new('p', random.Next(4));
            var texts = Enumerable.Range(0, random.Next(60))
                .Select(_ => start + string.Concat(Enumerable.Range(0, random.Next(8)).Select(_ => (char)random.Next('a', 'd')))).ToList();
            if (round % 5 == 0) texts.Add("\0");
            var expected = texts.Order(StringComparer.Ordinal).ToList();
            OrdinalSort.Sort(texts);
            Assert.Equal(expected, texts);
        }
    }
}
