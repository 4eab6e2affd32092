namespace Pharos.Logs.Streams;

/// <summary>
/// Bytes of the entries of an open block, in pages of one size: they go from block to block, where arrays that grow would be large objects that
/// come and go. The first page grows up to that size, and what is longer has an array of its own. A place is a page's number and an offset in it.
/// Guarded as its block; what was written can be read without a lock.
/// </summary>
internal sealed class HeadPages
{
    private const int PageBits = 15;
    private const int PageBytes = PagePool.PageBytes;

    /// <summary>Pages of a block; places are positive.</summary>
    private const int PagesMax = 1 << (31 - PageBits);

    private byte[][] pages = [];
    private int count;
    private int lastUsed;

    /// <summary>Memory of the pages, bytes.</summary>
    public long MemoryBytes { get; private set; }

    public ReadOnlySpan<byte> Line(in HeadEntry entry) => Slice(entry.LineAt, entry.LineLength);

    public ReadOnlySpan<byte> Metadata(in HeadEntry entry) => Slice(entry.LineAt, entry.LineLength + entry.MetadataLength)[entry.LineLength..];

    public ReadOnlySpan<byte> Slice(int place, int length) => pages[place >> PageBits].AsSpan(place & (PageBytes - 1), length);

    /// <summary>Adds a line and its metadata, one after the other; returns the place.</summary>
    /// <param name="shared">Whether somebody may be reading the pages: then none of them is given back.</param>
    public int Add(ReadOnlySpan<byte> line, ReadOnlySpan<byte> metadata, bool shared)
    {
        int size = line.Length + metadata.Length;
        if (count == 0 || lastUsed + size > pages[count - 1].Length || lastUsed >= PageBytes)
        {
            if (count == 1 && lastUsed + size <= PageBytes && lastUsed < PageBytes) GrowFirst(lastUsed + size, shared);
            else AddPage(size);
        }
        var page = pages[count - 1];
        int place = ((count - 1) << PageBits) | lastUsed;
        line.CopyTo(page.AsSpan(lastUsed));
        metadata.CopyTo(page.AsSpan(lastUsed + line.Length));
        lastUsed += size;
        return place;
    }

    /// <summary>Gives all pages back.</summary>
    public void Release()
    {
        for (int i = 0; i < count; i++) PagePool.Return(pages[i]);
        (pages, count, lastUsed, MemoryBytes) = ([], 0, 0, 0);
    }

    private void GrowFirst(int size, bool shared)
    {
        byte[] old = pages[0], larger = PagePool.Rent(Math.Max(size, Math.Min(2 * old.Length, PageBytes)));
        old.AsSpan(0, lastUsed).CopyTo(larger);
        MemoryBytes += larger.Length - old.Length;
        pages[0] = larger;
        if (!shared) PagePool.Return(old);
    }

    private void AddPage(int size)
    {
        if (count == PagesMax) throw new InvalidOperationException("a block has no more places for entries");
        // Readers keep the list they have.
        if (count == pages.Length) Array.Resize(ref pages, Math.Max(1, 2 * count));
        pages[count] = PagePool.Rent(count == 0 ? Math.Max(1, size) : Math.Max(size, PageBytes));
        MemoryBytes += pages[count].Length;
        count++;
        lastUsed = 0;
    }
}
