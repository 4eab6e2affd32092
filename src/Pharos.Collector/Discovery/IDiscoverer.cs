namespace Pharos.Collector.Discovery;

/// <summary>Looks for targets. One look at a time; what a look learns for the next (an index, a token, a watch) it keeps.</summary>
internal interface IDiscoverer : IAsyncDisposable
{
    /// <summary>All targets there are now. One that watches returns at once the first time, then when something changed.</summary>
    Task<FoundTargets> RefreshAsync(CancellationToken cancel);
}
