using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;
using Pharos.Core;
using Pharos.Metrics.Append;
using Pharos.Storage.Files;
using Pharos.Storage.WriteLog;

namespace Pharos.Metrics.Head;

/// <summary>
/// A tenant's head in a file, so that a restart reads the write log only from there on. The log keeps all that is in it:
/// a snapshot that is missing or damaged costs time, never a sample. Layout: docs/formats/head-snapshot.md.
/// </summary>
internal static class HeadSnapshot
{
    private const string FileName = "head-snapshot";
    private const int HeaderBytes = 8;
    private const int SectionHeaderBytes = 8;
    private const int SectionBytesMax = 1 << 30;
    private const long FreeBytesMin = 64 << 20;
    private const int PagesAtOnceMax = 8;
    private const ushort Version = 2;
    private const byte Start = 1;
    private const byte Page = 2;
    private const byte End = 3;

    private static ReadOnlySpan<byte> Magic => "PHHS"u8;

    public static string PathIn(string folder) => Path.Combine(folder, FileName);

    /// <summary>Writes a snapshot beside running appends; the old one stays until the new one is whole and durable.</summary>
    /// <param name="chunkFiles">The files of finished chunks that the snapshot speaks of, and how far they are durable.</param>
    /// <returns>Records of the tenant before this place need not be read again.</returns>
    /// <exception cref="IOException">The file could not be written.</exception>
    public static WriteLogPosition Write(TenantHead head, CutMark mark, List<(int Number, long Length)> chunkFiles, string folder, IWriteLog log, IDisk disk)
    {
        RequireRoom(head, folder, disk);
        string temporary = PathIn(folder) + ".tmp";
        try
        {
            var first = WriteFile(head, mark, chunkFiles, temporary, log, disk);
            disk.Move(temporary, PathIn(folder));
            disk.SyncFolder(folder);
            return first;
        }
        catch
        {
            // On a full disk its room is wanted for the write log.
            File.Delete(temporary);
            throw;
        }
    }

    private static WriteLogPosition WriteFile(TenantHead head, CutMark mark, List<(int Number, long Length)> chunkFiles, string path, IWriteLog log, IDisk disk)
    {
        WriteLogPosition first;
        using (var file = disk.Open(path, FileMode.Create))
        {
            var writer = new Writer(file, disk);
            writer.Begin(Start);
            writer.Section.Varint(mark.BelowMs);
            TenantHead.SavePosition(writer.Section, mark.Applied);
            writer.Section.Uvarint((ulong)chunkFiles.Count);
            foreach (var (number, length) in chunkFiles)
            {
                writer.Section.Uvarint((ulong)number);
                writer.Section.Uvarint((ulong)length);
            }
            writer.Flush();
            using (head.Locks.HoldAll()) first = head.KnownTo(log.End);
            long series = 0;
            for (int page = 0; ; page++)
            {
                writer.Begin(Page);
                using (head.Locks.HoldAll())
                {
                    if (page >= head.Table.PageCount) break;
                    series += writer.AddPage(head, page, head.KnownTo(log.End));
                }
                writer.Flush();
            }
            writer.Begin(End);
            using (head.Locks.HoldAll())
            {
                writer.Section.Uvarint((ulong)series);
                TenantHead.SavePosition(writer.Section, head.KnownTo(log.End));
                head.SaveState(writer.Section);
            }
            writer.Flush();
            disk.Sync(file);
        }
        return first;
    }

    /// <summary>A snapshot only saves time, so it takes no room that ingestion may need.</summary>
    private static void RequireRoom(TenantHead head, string folder, IDisk disk)
    {
        long wanted = FreeBytesMin + (head.Table.Count * 400L);
        long free = disk.FreeBytes(folder);
        if (free < wanted) throw new IOException($"{free} bytes are free and about {wanted} are wanted for the snapshot of tenant {head.Tenant.Name}");
    }

    /// <summary>Fills a fresh head. Null where there is no snapshot, or where it was taken before the newest cut.</summary>
    /// <exception cref="InvalidDataException">The file is damaged or of another release; the head must be thrown away.</exception>
    public static SnapshotPlaces? Load(TenantHead head, CutMark mark, string folder, long nowMs)
    {
        if (!File.Exists(PathIn(folder))) return null;
        using var file = File.OpenHandle(PathIn(folder), FileMode.Open, FileAccess.Read, FileShare.Read, FileOptions.SequentialScan);
        try
        {
            return Load(head, mark, new SectionSource(file), nowMs);
        }
        catch (Exception wrong) when (wrong is ArgumentException or IndexOutOfRangeException or OverflowException or NullReferenceException)
        {
            throw new InvalidDataException($"its content is not as it was written: {wrong.Message}", wrong);
        }
    }

    private static SnapshotPlaces? Load(TenantHead head, CutMark mark, SectionSource source, long nowMs)
    {
        var places = new SnapshotPlaces();
        int[] numbers = [];
        // Oldest first: pages are put together side by side, and join the head one after the other.
        var pages = new Queue<Task<LoadedPage>>();
        int pagesAtOnce = Math.Clamp(Environment.ProcessorCount, 1, PagesAtOnceMax);
        try
        {
            while (true)
            {
                byte[] section = source.Next();
                var bytes = new ByteReader(section);
                byte type = bytes.Byte();
                switch (type)
                {
                    case Start:
                        if (new CutMark(bytes.Varint(), TenantHead.LoadPosition(ref bytes)) != mark) return null;
                        OpenChunkFiles(head, ref bytes);
                        break;
                    case Page:
                        pages.Enqueue(BeginPage(head, section, ref bytes, places, ref numbers));
                        JoinAllBut(pagesAtOnce);
                        break;
                    case End:
                        JoinAllBut(0);
                        long expected = (long)bytes.Uvarint();
                        if (expected != head.Table.Count) throw new InvalidDataException($"it holds {head.Table.Count} series and says {expected}");
                        var place = TenantHead.LoadPosition(ref bytes);
                        places.End(place);
                        head.LoadState(ref bytes, place, nowMs);
                        head.Chunks.WaitForCheck();
                        return places;
                    default:
                        throw new InvalidDataException($"a section of type {type} is not known to this release");
                }
            }
        }
        finally
        {
            // After a failure others may still be at work.
            Task.WhenAll(pages).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default).GetAwaiter().GetResult();
        }

        void JoinAllBut(int left)
        {
            while (pages.Count > left) head.Join(pages.Dequeue().GetAwaiter().GetResult());
        }
    }

    private static void OpenChunkFiles(TenantHead head, ref ByteReader bytes)
    {
        var saved = new List<(int Number, long Length)>();
        for (int left = bytes.Count(); left > 0; left--) saved.Add((checked((int)bytes.Uvarint()), checked((long)bytes.Uvarint())));
        head.Chunks.Open(saved);
    }

    /// <summary>Takes in a page's label pairs, which later pages may name too, and has its series put together beside all else.</summary>
    /// <param name="bytes">Reads the section.</param>
    /// <param name="numbers">The head's number of a pair, by its number in the file.</param>
    private static Task<LoadedPage> BeginPage(TenantHead head, byte[] section, ref ByteReader bytes, SnapshotPlaces places, ref int[] numbers)
    {
        int page = (int)bytes.Uvarint();
        places.Page(page, TenantHead.LoadPosition(ref bytes));
        for (int left = bytes.Count(); left > 0; left--)
        {
            int number = (int)bytes.Uvarint();
            if (number >= numbers.Length) Array.Resize(ref numbers, Math.Max(number + 1, numbers.Length * 2));
            numbers[number] = head.Pairs.InternPair(bytes.Text());
        }
        int at = section.Length - bytes.Remaining;
        int[] known = numbers;
        return Task.Run(() => LoadPage(head, section.AsSpan(at), page, known));
    }

    private static LoadedPage LoadPage(TenantHead head, ReadOnlySpan<byte> series, int page, int[] numbers)
    {
        var bytes = new ByteReader(series);
        var loaded = new LoadedPage(bytes.Count(), head.NewWriter());
        foreach (ref var entry in loaded.Series.AsSpan())
        {
            int id = (page * SeriesTable.PageSize) + (int)bytes.Uvarint();
            ulong hash = (ulong)bytes.UInt32Big() << 32;
            var pairs = new int[bytes.Count()];
            for (int i = 0; i < pairs.Length; i++) pairs[i] = numbers[(int)bytes.Uvarint()];
            entry = (MemSeries.Load(ref bytes, head.Chunks, loaded.Finished, id, pairs), hash);
            loaded.Account.Loaded(entry.Series);
        }
        return loaded;
    }

    private sealed class Writer(SafeFileHandle file, IDisk disk)
    {
        private readonly HashSet<int> known = [];
        private readonly ByteBuffer series = new(1 << 20);
        private long offset;

        public ByteBuffer Section { get; } = new(1 << 20);

        public void Begin(byte type)
        {
            Section.Clear();
            if (offset == 0)
            {
                Section.Bytes(Magic);
                Section.UInt16Big(Version);
                Section.UInt16Big(0);
            }
            Section.Take(SectionHeaderBytes).Clear();
            Section.Byte(type);
        }

        public int AddPage(TenantHead head, int page, WriteLogPosition knownTo)
        {
            series.Clear();
            int count = 0, pairCount = 0;
            var pairs = new ByteBuffer();
            foreach (var one in head.Table.Page(page) ?? [])
            {
                // A series whose first record is under way comes with that record.
                if (one is not { Logged: true, HasSamples: true }) continue;
                count++;
                series.Uvarint((ulong)(one.Id % SeriesTable.PageSize));
                series.UInt32Big((uint)(head.Pairs.Hash(one.Pairs) >> 32));
                series.Uvarint((ulong)one.Pairs.Length);
                foreach (int pair in one.Pairs)
                {
                    series.Uvarint((ulong)pair);
                    if (!known.Add(pair)) continue;
                    pairCount++;
                    pairs.Uvarint((ulong)pair);
                    pairs.Text(head.Pairs.At(pair).Bytes);
                }
                one.Save(series);
            }
            Section.Uvarint((ulong)page);
            TenantHead.SavePosition(Section, knownTo);
            Section.Uvarint((ulong)pairCount);
            Section.Bytes(pairs.Written);
            Section.Uvarint((ulong)count);
            Section.Bytes(series.Written);
            return count;
        }

        /// <summary>Writes the section with its length and checksum.</summary>
        public void Flush()
        {
            var all = Section.WrittenSpan;
            var section = offset == 0 ? all[HeaderBytes..] : all;
            var payload = section[SectionHeaderBytes..];
            BinaryPrimitives.WriteInt32LittleEndian(section, payload.Length);
            BinaryPrimitives.WriteUInt32LittleEndian(section[4..], Crc32C.Of(payload));
            disk.Write(file, all, offset);
            offset += all.Length;
        }
    }

    /// <summary>Reads and checks one section while the one before is worked on.</summary>
    private sealed class SectionSource
    {
        private readonly SafeFileHandle file;
        private readonly long length;
        private long offset;
        private Task<byte[]>? reading;

        public SectionSource(SafeFileHandle file)
        {
            this.file = file;
            length = RandomAccess.GetLength(file);
            Span<byte> header = stackalloc byte[HeaderBytes];
            Read(header);
            if (!header.StartsWith(Magic)) throw new InvalidDataException("it does not begin as a head snapshot");
            int version = BinaryPrimitives.ReadUInt16BigEndian(header[4..]);
            if (version != Version) throw new InvalidDataException($"its version is {version}, this release reads {Version}");
            reading = Task.Run(ReadSection);
        }

        /// <summary>The next section's content, in an array of its own.</summary>
        public byte[] Next()
        {
            if (reading is null) throw new InvalidDataException("it ends before its last section");
            byte[] section = reading.GetAwaiter().GetResult();
            reading = offset < length ? Task.Run(ReadSection) : null;
            return section;
        }

        private byte[] ReadSection()
        {
            Span<byte> header = stackalloc byte[SectionHeaderBytes];
            long start = offset;
            Read(header);
            int bytes = BinaryPrimitives.ReadInt32LittleEndian(header);
            if (bytes is < 1 or > SectionBytesMax || bytes > length - offset) throw new InvalidDataException($"the section at offset {start} says it has {bytes} bytes");
            byte[] section = GC.AllocateUninitializedArray<byte>(bytes);
            Read(section);
            if (Crc32C.Of(section) != BinaryPrimitives.ReadUInt32LittleEndian(header[4..]))
                throw new InvalidDataException($"the section at offset {start} does not match its checksum");
            return section;
        }

        private void Read(Span<byte> into)
        {
            while (!into.IsEmpty)
            {
                int read = RandomAccess.Read(file, into, offset);
                if (read == 0) throw new InvalidDataException($"it ends at offset {offset}, in the middle of a section");
                into = into[read..];
                offset += read;
            }
        }
    }
}
