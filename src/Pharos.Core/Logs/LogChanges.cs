namespace Pharos.Core;

/// <summary>A store that can tell whether the log entries of a range are still what they were.</summary>
public interface ILogChanges
{
    /// <summary>Changes are told apart by stretches of this length, nanoseconds, on the absolute grid: an hour.</summary>
    const long GrainNs = 3_600_000_000_000;

    /// <summary>
    /// A number that is larger than before once an entry of the range (Unix nanoseconds, start inclusive, end exclusive) that the matchers can
    /// see came in or went away. It may also grow for other changes, up to a <see cref="GrainNs"/> outside of the range.
    /// </summary>
    long VersionOf(TenantId tenant, IReadOnlyList<Matcher> matchers, long startNs, long endNs);
}
