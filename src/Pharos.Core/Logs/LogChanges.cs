namespace Pharos.Core;

/// <summary>A store that can tell whether the log entries of a range are still what they were.</summary>
public interface ILogChanges
{
    /// <summary>
    /// A number that is larger than before once an entry of the range (Unix nanoseconds, start inclusive, end exclusive) came in or
    /// went away. It may also grow for changes up to an hour outside of the range.
    /// </summary>
    long VersionOf(TenantId tenant, long startNs, long endNs);
}
