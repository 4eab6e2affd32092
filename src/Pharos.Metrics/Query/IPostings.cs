namespace Pharos.Metrics;

/// <summary>An inverted index: sorted series numbers by label. The head has one, and so has each block.</summary>
internal interface IPostings
{
    /// <summary>All series, sorted. Never written to.</summary>
    ReadOnlyMemory<uint> All();

    /// <summary>Series with that value of the label, sorted; empty for none. Never written to.</summary>
    ReadOnlyMemory<uint> Of(string name, string value);

    /// <summary>How many values a label has.</summary>
    int ValueCount(string name);

    /// <summary>Values of a label.</summary>
    Core.Utf8Texts Values(string name);

    /// <summary>Adds the series of each value of the matcher's label that it matches, or (not <paramref name="matching"/>) does not; lists are sorted, never written to.</summary>
    void Collect(Core.Matcher matcher, bool matching, List<ReadOnlyMemory<uint>> into);

    /// <summary>Writes those of the series that the matcher matches, an absent label taken as empty; returns how many there are.</summary>
    /// <param name="into">At least as long; may be the same memory.</param>
    int Filter(ReadOnlySpan<uint> series, Core.Matcher matcher, Span<uint> into);
}
