namespace Pharos.Core;

/// <summary>What was pushed and not taken, by Mimir's names. Counted wherever something is refused, into the same families.</summary>
public static class Discards
{
    /// <param name="instruments">The process's registry.</param>
    public static Counter Samples(Instruments instruments) =>
        instruments.Counter("cortex_discarded_samples_total", "The total number of samples that were discarded.", "user", "reason");

    /// <inheritdoc cref="Samples"/>
    public static Counter Metadata(Instruments instruments) =>
        instruments.Counter("cortex_discarded_metadata_total", "The total number of metadata that were discarded.", "user", "reason");
}
