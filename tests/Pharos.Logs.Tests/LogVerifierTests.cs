using Pharos.Logs.Tools;

namespace Pharos.Logs.Tests;

/// <summary>Parts and the mark, missing, cut off and with flipped bits: each named with its place.</summary>
public sealed class LogVerifierTests
{
    [Fact]
    public async Task Whole_files_have_no_problem()
    {
        await using var world = new StoreWorld();
        await FillAsync(world);
        var found = LogVerifier.Verify(world.LogsFolder, null, null, default);
        Assert.Empty(found.Problems);
        Assert.Equal(world.Parts.Length, found.Parts);
        Assert.True(found.LogReaches.Offset > 0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Whatever_is_cut_off_or_changed_is_named(bool mark)
    {
        await using var world = new StoreWorld();
        await FillAsync(world);
        await world.StopAsync();
        string path = mark ? Path.Combine(world.LogsFolder, "flushed") : world.Parts[0];
        byte[] bytes = await File.ReadAllBytesAsync(path);
        // Header and footer end in four bytes of zeros that say nothing.
        bool Says(int at) => mark || (at is not (>= 12 and < 16) && (at < bytes.Length - 12 || at >= bytes.Length - 8));
        for (int position = 0; position < bytes.Length; position++)
        {
            await File.WriteAllBytesAsync(path, bytes[..position]);
            // The mark says all before its line's end.
            if (!mark || position < bytes.Length - 1) Assert.Contains(Problems(world), p => p.Path == path);
            var flipped = bytes.ToArray();
            flipped[position] ^= (byte)(1 << (position % 8));
            await File.WriteAllBytesAsync(path, flipped);
            var problems = Problems(world);
            if (Says(position)) Assert.Contains(problems, p => p.Path == path && (p.Offset is null || p.Offset <= position));
            else Assert.Empty(problems);
        }
        File.Delete(path);
        // Nothing lists the parts: one that is missing cannot be known.
        if (mark) Assert.Equal(path, Assert.Single(Problems(world)).Path);
        await File.WriteAllBytesAsync(path, bytes);
        Assert.Empty(Problems(world));
        await world.RestartAsync();
    }

    [Fact]
    public async Task A_part_that_a_start_set_aside_is_still_named()
    {
        await using var world = new StoreWorld();
        await FillAsync(world);
        string part = world.Parts[0];
        await world.RestartAsync(() => File.WriteAllBytes(part, File.ReadAllBytes(part)[..^1]));
        Assert.Equal(part + ".damaged", Assert.Single(Problems(world)).Path);
    }

    [Fact]
    public async Task Damaged_deletions_are_named()
    {
        await using var world = new StoreWorld(with: o => o with { FilterLanguage = new WordLanguage() });
        await FillAsync(world);
        world.Store.Delete(StoreWorld.Tenant, "app0", world.NowNs, world.NowNs + 1);
        Assert.Empty(Problems(world));
        string path = Path.Combine(world.LogsFolder, "anonymous", "deletions");
        byte[] bytes = await File.ReadAllBytesAsync(path);
        await File.WriteAllBytesAsync(path, bytes[..^5]);
        Assert.Equal(path, Assert.Single(Problems(world)).Path);
    }

    private static IReadOnlyList<Storage.Files.FileProblem> Problems(StoreWorld world) => LogVerifier.Verify(world.LogsFolder, "anonymous", null, default).Problems;

    private static async Task FillAsync(StoreWorld world)
    {
        for (int i = 0; i < 12; i++) await world.PushAsync(($"app{i % 2}", world.NowNs + i, $"line {i} of something"));
        await world.Store.FlushAsync(default);
        Assert.Single(world.Parts);
    }
}
