namespace Pharos.Metrics;

/// <summary>An inverted index: sorted series numbers by label. The head has one, and so has each block.</summary>
internal interface IPostings
{
    /// <summary>All series, sorted.</summary>
    uint[] All();

    /// <summary>Series with that value of the label, sorted; empty for none. Never written to.</summary>
    ReadOnlyMemory<uint> Of(string name, string value);

    /// <summary>How many values a label has.</summary>
    int ValueCount(string name);

    /// <summary>Calls back for each value of a label, in no particular order.</summary>
    void VisitValues(string name, Action<string> visit);

    /// <summary>Value of a series' label as the matcher sees it: empty where absent.</summary>
    bool Matches(uint series, Core.Matcher matcher);
}
