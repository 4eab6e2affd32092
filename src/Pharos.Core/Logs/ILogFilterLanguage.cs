namespace Pharos.Core;

/// <summary>Makes filters of lines from text, so that a store can delete by query without knowing the language.</summary>
public interface ILogFilterLanguage
{
    /// <summary>Reads a stream selector that may be followed by line and label filters.</summary>
    /// <exception cref="QueryException">The text is no such query.</exception>
    LogFilter Parse(string query);
}

/// <summary>Which entries a query means.</summary>
/// <param name="Matchers">Which streams.</param>
/// <param name="CreateLineFilter">Makes a filter for one thread; null: all entries of the streams.</param>
public sealed record LogFilter(IReadOnlyList<Matcher> Matchers, Func<ILogLineFilter>? CreateLineFilter);

/// <summary>Says which entries of a stream are meant. Not safe for several threads.</summary>
public interface ILogLineFilter
{
    /// <param name="metadata">In the canonical form of <see cref="LabelCodec"/>.</param>
    bool Holds(Labels stream, long timestampNs, ReadOnlySpan<byte> line, ReadOnlySpan<byte> metadata);
}
