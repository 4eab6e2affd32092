using Pharos.Core;

namespace Pharos.Logs.Tests;

/// <summary>
/// One byte changed, left out, or all from it on cut off, at places all over each kind of file: only lines that it held may be missing, and then the file
/// is named and counted; none is there twice or invented, and nobody else's is touched.
/// </summary>
public sealed class AnyByteTests
{
    private static readonly TenantId Other = TenantId.Parse("other");

    public static TheoryData<string, int> Damage
    {
        get
        {
            var places = new TheoryData<string, int>();
            foreach (string kind in (string[])["part", "merged part", "write log", "mark", "deletions"])
            {
                for (int way = 0; way < 3; way++) places.Add(kind, way);
            }
            return places;
        }
    }

    [Theory]
    [MemberData(nameof(Damage))]
    public async Task One_wrong_byte_costs_no_line_but_its_own(string kind, int way)
    {
        await using var world = new StoreWorld(with: o => StoreWorld.Plain(o) with { BlockBytes = 500, FilterLanguage = new WordLanguage(), DeletionDelay = TimeSpan.FromDays(1), CheckInterval = Timeout.InfiniteTimeSpan }) { SegmentBytesMax = 1500 };
        await world.RestartAsync();
        var hurt = await FillAsync(world, kind);
        var all = world.Read();
        var ofOther = world.Read(tenant: Other);
        string victim = VictimOf(world, kind);
        await world.StopAsync();
        var files = Directory.GetFiles(world.DataFolder, "*", SearchOption.AllDirectories).ToDictionary(p => p, File.ReadAllBytes);
        byte[] whole = files[victim];
        int harmless = 0, costly = 0;
        for (int at = way; at < whole.Length; at += 1 + (whole.Length / 80))
        {
            byte[] wrong = way switch { 0 => [.. whole], 1 => [.. whole[..at], .. whole[(at + 1)..]], _ => whole[..at] };
            if (way == 0) wrong[at] ^= (byte)(1 << (at % 8));
            int saidBefore = world.Said.Count();
            await world.RestartAsync(() =>
            {
                foreach (string path in Directory.GetFiles(world.DataFolder, "*", SearchOption.AllDirectories)) File.Delete(path);
                foreach (var (path, bytes) in files) File.WriteAllBytes(path, path == victim ? wrong : bytes);
            });
            string where = $"{kind}, byte {at} of {whole.Length}";
            var read = world.Read();
            Assert.True(read.Count == read.Distinct().Count(), $"{where}: lines are there twice");
            // Deletions that cannot be read hide nothing.
            Assert.True(!read.Except(all.Concat(hurt)).Any(), $"{where}: {read.Except(all.Concat(hurt)).FirstOrDefault()} was never sent");
            Assert.True(!all.Except(read).Except(hurt).Any(), $"{where}: {all.Except(read).Except(hurt).FirstOrDefault()} is missing and stands elsewhere");
            Assert.True(ofOther.SequenceEqual(world.Read(tenant: Other)), $"{where}: another tenant is touched");
            if (read.SequenceEqual(all))
            {
                harmless++;
                continue;
            }
            costly++;
            // The end of the log is the one place where nothing tells that there was more.
            if (kind == "write log" && way == 2) continue;
            Assert.True(world.Metric("loki_ingester_wal_corruptions_total") + world.Metric("prometheus_tsdb_wal_corruptions_total") + world.Metric("pharos_write_log_torn_tails_total") > 0, $"{where}: nothing was counted");
            Assert.True(world.Said.Skip(saidBefore).Any(l => l.Contains(victim, StringComparison.Ordinal)), $"{where}: the file was not named");
        }
        if (kind == "mark") Assert.Equal(0, costly);
        else Assert.True(costly > 10, $"{costly} of {costly + harmless} places cost a line");
    }

    /// <returns>Lines that the file to be damaged holds, or hides.</returns>
    private static async Task<List<string>> FillAsync(StoreWorld world, string kind)
    {
        var hurt = new List<string>();
        for (int flush = 0; flush < 4; flush++)
        {
            for (int i = 0; i < 12; i++)
            {
                string app = i % 2 == 0 ? "kept" : "hurt", line = i % 3 == 0 ? $"plain number {i} of part {flush}" : $"{{\"number\":{i},\"part\":\"{flush}\",\"text\":\"something\"}}";
                long ns = (100 * flush) + i;
                await world.PushAsync((app, ns, line));
                // Nobody else has records in the segment that is damaged.
                if (kind != "write log" || flush < 3) await world.PushAsync(Other, (app, ns, line));
                if (kind switch { "part" => flush == 1, "merged part" => true, "write log" => flush == 3, _ => false }) hurt.Add(StoreWorld.Shown(app, ns, line));
            }
            // Of the write log and for deletions the last lines stay in memory.
            if (flush < 3 || kind is "part" or "merged part") Assert.True(await world.Store.FlushAsync(default));
        }
        if (kind == "merged part")
        {
            await world.Store.CompactAsync(default);
            world.Time.Advance(TimeSpan.FromMinutes(3));
            await world.Store.CompactAsync(default);
            Assert.Equal(2, world.Parts.Length);
        }
        if (kind != "deletions") return hurt;
        var before = world.Read();
        world.Store.Delete(StoreWorld.Tenant, "hurt", 0, long.MaxValue);
        return [.. before.Except(world.Read())];
    }

    private static string VictimOf(StoreWorld world, string kind) => kind switch
    {
        "part" => world.Parts.Order(StringComparer.Ordinal).ElementAt(1),
        "merged part" => world.Parts.Order(StringComparer.Ordinal).First(),
        "write log" => Directory.GetFiles(Path.Combine(world.DataFolder, "write-log"), "*.log").Order(StringComparer.Ordinal).Last(),
        "mark" => Path.Combine(world.LogsFolder, "flushed"),
        _ => Path.Combine(world.LogsFolder, "anonymous", "deletions"),
    };
}
