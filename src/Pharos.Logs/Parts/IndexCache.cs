using Pharos.Core;

namespace Pharos.Logs.Parts;

/// <summary>Pages of parts' indexes that were read lately, unpacked. Safe for several threads.</summary>
/// <param name="bytesMax">About how much memory they may take together.</param>
/// <param name="pagesRead">Counts pages that were read from the disk.</param>
internal sealed class IndexCache(long bytesMax, Counter? pagesRead = null)
{
    private readonly SizedCache<(PartFile Part, long PageAt), object> pages = new(bytesMax);

    public TPage Get<TPage>(PartFile part, long pageAt, Func<(TPage Page, long Bytes)> read)
        where TPage : class
    {
        if (pages.Find((part, pageAt)) is TPage known) return known;
        var (page, bytes) = read();
        pagesRead?.Add();
        pages.Put((part, pageAt), page, bytes);
        return page;
    }
}
