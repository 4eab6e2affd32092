namespace Pharos.Logs.Tools;

/// <summary>A file of log blocks of one tenant and one UTC day.</summary>
/// <param name="Day">The day, <c>2026-08-17</c>.</param>
/// <param name="MinNs">Time of its first entry, Unix nanoseconds.</param>
/// <param name="MaxNs">Time of its last entry.</param>
/// <param name="RawBytes">Bytes of lines and metadata before they were packed.</param>
/// <param name="Bytes">Length of the file.</param>
public sealed record LogPartInfo(string Path, string Tenant, string Day, long MinNs, long MaxNs, int Streams, long Blocks, long Entries, long RawBytes, long Bytes);
