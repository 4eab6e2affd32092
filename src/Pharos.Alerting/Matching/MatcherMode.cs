namespace Pharos.Alerting;

/// <summary>Which grammar reads matcher texts.</summary>
public enum MatcherMode
{
    /// <summary>Try UTF-8 first; where only the classic grammar takes the text, or both disagree, the classic result counts, with a warning.</summary>
    Fallback,
    Utf8,
    Classic,
}
