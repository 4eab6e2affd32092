using Pharos.Core;

namespace Pharos.Testing;

/// <summary>The simulated clock of tests; starts at 2026-01-01 00:00 UTC unless told otherwise.</summary>
public sealed class ManualTimeProvider(DateTimeOffset? start = null) : SimulatedTimeProvider(start);
