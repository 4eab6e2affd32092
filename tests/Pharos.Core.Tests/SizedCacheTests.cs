using Pharos.Core;

namespace Pharos.Core.Tests;

public sealed class SizedCacheTests
{
    [Fact]
    public void What_is_kept_counts_in_the_larger_account_and_makes_room()
    {
        long spare = 100;
        var cache = new SizedCache<string, string>(400, bytes => bytes <= spare && (spare -= bytes) >= 0, bytes => spare += bytes);
        cache.Put("a", "A", 40);
        cache.Put("b", "B", 50);
        Assert.Equal((90, 10), (cache.BytesUsed, spare));
        // There is no room for it, and it pushes nothing out.
        cache.Put("c", "C", 20);
        Assert.Null(cache.Find("c"));
        Assert.Equal("A", cache.Find("a"));
        cache.Shed(1);
        Assert.Null(cache.Find("b"));
        Assert.Equal((40, 60), (cache.BytesUsed, spare));
        cache.Shed(1000);
        Assert.Equal((0, 100), (cache.BytesUsed, spare));
    }

    [Fact]
    public void Changes_are_told_apart_by_stretch_until_they_are_too_many()
    {
        var counts = new ChangeCounts(grain: 10, stretchesMax: 5);
        long first = counts.VersionOf(0, 9), later = counts.VersionOf(10, 100), before = counts.VersionOf(-100, -1);
        counts.Note(25, 31);
        Assert.Equal(first, counts.VersionOf(0, 9));
        Assert.Equal(before, counts.VersionOf(-100, -1));
        Assert.True(counts.VersionOf(10, 100) > later);
        counts.Note(-5, -5);
        Assert.True(counts.VersionOf(-100, -1) > before);
        Assert.Equal(first, counts.VersionOf(0, 9));
        counts.Note(long.MinValue, long.MaxValue);
        Assert.True(counts.VersionOf(0, 9) > first);
    }
}
