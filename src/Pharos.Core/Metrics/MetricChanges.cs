namespace Pharos.Core;

/// <summary>A store that can tell whether what it holds of a stretch of time is still what it was.</summary>
public interface IMetricChanges
{
    /// <summary>Says that nothing is known; what it was said of must be read again.</summary>
    public const long Unknown = -1;

    /// <summary>
    /// A number that is larger than before once a sample between two times (Unix milliseconds, both inclusive) came in or went away.
    /// It may also grow for changes up to a minute around them. <see cref="Unknown"/> where samples may change unseen.
    /// </summary>
    long VersionOf(TenantId tenant, long fromMs, long toMs);
}
