using System.Buffers.Binary;
using Pharos.Core;
using Pharos.Metrics.Blocks;
using Pharos.Metrics.Chunks;
using Pharos.Metrics.Tools;

namespace Pharos.Metrics.Tests;

/// <summary>Readers of blocks on hostile bytes: a clear error or an answer, in bounded time and memory. The seed in a failure replays it.</summary>
public sealed class BlockFuzzTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Chunk_decoders_end_with_samples_or_a_clear_error(int seed)
    {
        var random = new Random(seed);
        var chunks = Chunks();
        using var columns = new SampleColumns();
        for (int round = 0; round < 20_000; round++)
        {
            var (encoding, valid) = chunks[random.Next(chunks.Count)];
            byte[] bytes = round % 4 == 0 ? new byte[random.Next(64)] : Mutations.Of(valid, random);
            if (round % 4 == 0) random.NextBytes(bytes);
            Guarded(seed, round, () =>
            {
                columns.Clear();
                ChunkReader.Read(encoding, bytes, TimeRange.All, columns);
                Assert.True(columns.Count <= ushort.MaxValue);
            });
        }
    }

    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    public async Task An_index_is_read_whole_or_refused(int seed)
    {
        await using var at = new StoreFixture();
        string block = await BlockAsync(at);
        byte[] valid = await File.ReadAllBytesAsync(Path.Combine(block, "index"));
        string path = Path.Combine(at.Folder, "index");
        var random = new Random(seed);
        for (int round = 0; round < 700; round++)
        {
            byte[] bytes = Mutations.Of(valid, random);
            // Half of them with right checksums, so that the damage reaches the readers behind them.
            if (round % 2 == 0) RepairIndex(bytes);
            await File.WriteAllBytesAsync(path, bytes);
            Guarded(seed, round, () => Walk(new IndexReader(path)));
        }
    }

    [Theory]
    [InlineData(5)]
    public async Task Tombstones_and_meta_json_are_read_or_refused(int seed)
    {
        await using var at = new StoreFixture();
        string block = await BlockAsync(at);
        byte[] tombstones = await File.ReadAllBytesAsync(Path.Combine(block, "tombstones")), meta = await File.ReadAllBytesAsync(Path.Combine(block, "meta.json"));
        var random = new Random(seed);
        for (int round = 0; round < 1000; round++)
        {
            byte[] mutated = Mutations.Of(tombstones, random);
            if (round % 2 == 0 && mutated.Length >= 9)
                BinaryPrimitives.WriteUInt32BigEndian(mutated.AsSpan(mutated.Length - 4), Crc32C.Of(mutated.AsSpan(5, mutated.Length - 9)));
            await File.WriteAllBytesAsync(Path.Combine(at.Folder, "tombstones"), mutated);
            Guarded(seed, round, () => Tombstones.Read(at.Folder));
            Guarded(seed, round, () => BlockMeta.Parse(Mutations.Of(meta, random), "meta.json"));
        }
    }

    [Fact]
    public async Task Verify_ends_on_any_block()
    {
        const int seed = 6;
        await using var at = new StoreFixture();
        string block = await BlockAsync(at), copy = Path.Combine(at.Folder, Path.GetFileName(block));
        var random = new Random(seed);
        string[] files = ["meta.json", "index", "tombstones", Path.Combine("chunks", "000001")];
        for (int round = 0; round < 150; round++)
        {
            if (Directory.Exists(copy)) Directory.Delete(copy, recursive: true);
            Directory.CreateDirectory(Path.Combine(copy, "chunks"));
            foreach (string file in files)
            {
                byte[] bytes = await File.ReadAllBytesAsync(Path.Combine(block, file));
                await File.WriteAllBytesAsync(Path.Combine(copy, file), random.Next(2) == 0 ? Mutations.Of(bytes, random) : bytes);
            }
            Guarded(seed, round, () => BlockVerifier.Verify(copy, null, default));
        }
    }

    private static void Guarded(int seed, int round, Action read)
    {
        try
        {
            read();
        }
        catch (Exception clear) when (clear is CorruptBlockException or CorruptChunkException or InvalidDataException)
        {
            // Refused, with a reason.
        }
        catch (Exception wrong)
        {
            Assert.Fail($"seed {seed}, round {round}: {wrong}");
        }
    }

    private static void Walk(IndexReader index)
    {
        var chunks = new List<ChunkMeta>();
        var buffer = new ByteBuffer();
        foreach (uint series in index.All().ToArray())
        {
            index.LabelsOf(series, buffer);
            index.Chunks(series, TimeRange.All, chunks);
        }
        foreach (string name in index.Names)
        {
            foreach (string value in index.Values(name)) index.Of(name, value);
            PostingSearch.Find(index, [new Matcher(MatchOp.Regex, name, ".*1.*")], default);
        }
    }

    /// <summary>Right checksums for the table of contents and for the sections that it names, as far as they lie in the file.</summary>
    private static void RepairIndex(byte[] bytes)
    {
        if (bytes.Length < 60) return;
        var toc = bytes.AsSpan(bytes.Length - 52);
        foreach (int field in (int[])[0, 40])
        {
            ulong start = BinaryPrimitives.ReadUInt64BigEndian(toc[field..]);
            if (start > (ulong)bytes.Length - 8) continue;
            uint length = BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan((int)start));
            if (start + 8 + length > (ulong)bytes.Length) continue;
            BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan((int)(start + 4 + length)), Crc32C.Of(bytes.AsSpan((int)start + 4, (int)length)));
        }
        BinaryPrimitives.WriteUInt32BigEndian(toc[48..], Crc32C.Of(toc[..48]));
    }

    private static List<(ChunkEncoding Encoding, byte[] Data)> Chunks()
    {
        var chunks = new List<ChunkToWrite>();
        using var columns = new SampleColumns();
        for (int i = 0; i < 100; i++) columns.Add(1_700_000_000_000 + (i * 15_000) + (i % 3), i * 1.7);
        for (int i = 0; i < 30; i++) columns.Add(1_700_100_000_000 + (i * 15_000), Histograms.Exponential(i, i % 7 == 6));
        for (int i = 0; i < 30; i++) columns.Add(1_700_200_000_000 + (i * 15_000), Histograms.Float(i));
        for (int i = 0; i < 30; i++) columns.Add(1_700_300_000_000 + (i * 15_000), Histograms.Custom(i));
        ChunkEncoder.Encode(columns, chunks);
        Assert.Equal(3, chunks.Select(c => c.Encoding).Distinct().Count());
        return [.. chunks.Select(c => (c.Encoding, c.Data.ToArray()))];
    }

    private static async Task<string> BlockAsync(StoreFixture at)
    {
        using var batch = new MetricBatch();
        for (int s = 0; s < 60; s++)
        {
            int series = batch.AddSeries(Labels.Of(("__name__", $"m{s % 4}"), ("id", $"{s}"), ("zone", $"z{s % 7}")));
            for (int i = 0; i < 10; i++) batch.AddSample(series, at.Now - ((10 - i) * 1000), i);
        }
        Assert.Empty((await at.Store.AppendAsync(StoreFixture.Tenant, batch, default)).Errors);
        await at.Store.FlushAsync(default);
        await at.Store.DeleteSeriesAsync(StoreFixture.Tenant, [[new Matcher(MatchOp.Equal, "zone", "z1")]], new TimeRange(at.Now - 5000, at.Now), default);
        return at.Store.BlockList(StoreFixture.Tenant).Single().Folder;
    }
}
