using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.Storage.WriteLog;

namespace Pharos.Storage.Tests;

/// <summary>Segments that are missing, cut off or have flipped bits: each named with its place, and nothing is changed by looking.</summary>
public sealed class WriteLogVerifierTests : IDisposable
{
    private readonly TemporaryFolder folder = Places.NewFolder();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_whole_log_has_no_problem_also_while_it_is_written()
    {
        await using (var log = Open())
        {
            await FillAsync(log);
            // As a write in progress looks from outside.
            await using (var tail = new FileStream(Segments()[^1], FileMode.Append, FileAccess.Write, FileShare.ReadWrite)) tail.Write("half"u8);
            var beside = Verify();
            Assert.Empty(beside.Problems);
            Assert.Equal((4, 8L), (beside.Segments, beside.Records));
            await using (var tail = new FileStream(Segments()[^1], FileMode.Open, FileAccess.Write, FileShare.ReadWrite)) tail.SetLength(tail.Length - 4);
        }
        Assert.Empty(Verify().Problems);
        Assert.Equal(new FileInfo(Segments()[^1]).Length, Verify().End.Offset);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public async Task A_cut_off_segment_is_named_with_the_place(int number)
    {
        await using (var log = Open()) await FillAsync(log);
        string path = Segments()[number];
        byte[] bytes = await File.ReadAllBytesAsync(path);
        int firstRecord = 40, record = (bytes.Length - firstRecord) / 2;
        for (int length = 0; length < bytes.Length; length++)
        {
            await File.WriteAllBytesAsync(path, bytes[..length]);
            var found = Verify();
            // The log's own end is the one place that nothing else speaks of.
            if (number == 3 && length is >= 40 && (length - firstRecord) % record == 0)
            {
                Assert.Empty(found.Problems);
                Assert.Equal(length, found.End.Offset);
                continue;
            }
            Assert.Contains(found.Problems, p => p.Path == path && p.Offset <= length);
        }
        await File.WriteAllBytesAsync(path, bytes);
        Assert.Empty(Verify().Problems);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Any_flipped_bit_is_named_with_the_place(int number)
    {
        await using (var log = Open()) await FillAsync(log);
        string path = Segments()[number];
        byte[] bytes = await File.ReadAllBytesAsync(path);
        for (int position = 0; position < bytes.Length; position++)
        {
            var flipped = bytes.ToArray();
            flipped[position] ^= (byte)(1 << (position % 8));
            await File.WriteAllBytesAsync(path, flipped);
            Assert.Contains(Verify().Problems, p => p.Path == path && p.Offset <= position && p.Offset >= position - 60);
            Assert.Equal(flipped, await File.ReadAllBytesAsync(path));
        }
    }

    [Fact]
    public async Task Missing_segments_and_records_that_their_owner_cannot_read_are_named()
    {
        await using (var log = Open()) await FillAsync(log);
        string middle = Segments()[1];
        File.Move(middle, middle + ".away");
        var missing = Assert.Single(Verify().Problems);
        Assert.Contains("segments 2 to 2 are missing", missing.Problem);
        File.Move(middle + ".away", middle);
        var unreadable = WriteLogVerifier.Verify(folder, (kind, payload) => kind == RecordKind.Logs && payload[0] == (byte)'5' ? "made up" : null, null, default).Problems;
        Assert.Equal("the record of tenant shop cannot be read: made up", Assert.Single(unreadable).Problem);
        Assert.Equal((Segments()[2], 91L), (unreadable[0].Path, unreadable[0].Offset));
    }

    [Fact]
    public async Task A_log_that_went_on_behind_a_lost_end_is_whole()
    {
        await using (var log = Open())
        {
            log.StartBehind(new WriteLogPosition(7, 100));
            await FillAsync(log);
        }
        Assert.Empty(Verify().Problems);
        Assert.Equal(11, Verify().End.Segment);
    }

    /// <summary>Two records of each kind in turn, two to a segment.</summary>
    private static async Task FillAsync(FileWriteLog log)
    {
        for (int i = 0; i < 8; i++)
            await log.AppendAsync(i % 2 == 0 ? RecordKind.Metrics : RecordKind.Logs, TenantId.Parse("shop"), Encoding.UTF8.GetBytes($"{i}{new string('x', 32)}"), default);
    }

    private FileWriteLog Open() => new(new WriteLogOptions { Folder = folder, SegmentBytesMax = 160, Sync = SyncPolicy.Os }, new ManualTimeProvider(), new Instruments(), NullLogger.Instance);

    private WriteLogFindings Verify() => WriteLogVerifier.Verify(folder, (_, _) => null, null, default);

    private List<string> Segments() => [.. Directory.GetFiles(folder, "*.log").Order()];
}
