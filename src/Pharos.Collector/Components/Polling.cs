using Pharos.Collector.Runtime;

namespace Pharos.Collector.Components;

/// <summary>
/// Something whose content is looked at again and again. A failure keeps the last content and makes the component unhealthy.
/// </summary>
internal abstract class PollingInstance<TOptions>(ComponentContext context, TOptions options) : ComponentInstance<TOptions>(context), IPrepare
    where TOptions : notnull
{
    private TaskCompletionSource changed = New();

    protected TOptions Options { get; private set; } = options;

    /// <summary>Fetches the content and exports what it gives.</summary>
    /// <exception cref="IOException">It cannot be had now.</exception>
    protected abstract ValueTask RefreshAsync(CancellationToken cancel);

    protected abstract TimeSpan Frequency { get; }

    public async ValueTask PrepareAsync(CancellationToken cancel)
    {
        await RefreshAsync(cancel).ConfigureAwait(false);
        Report(null);
    }

    protected override void Apply(TOptions options)
    {
        Options = options;
        Interlocked.Exchange(ref changed, New()).TrySetResult();
    }

    public sealed override async Task RunAsync(CancellationToken cancel)
    {
        while (!cancel.IsCancellationRequested)
        {
            using (var wait = CancellationTokenSource.CreateLinkedTokenSource(cancel))
            {
                await Task.WhenAny(Task.Delay(Frequency, Context.Time, wait.Token), changed.Task).ConfigureAwait(false);
                await wait.CancelAsync().ConfigureAwait(false);
            }
            if (cancel.IsCancellationRequested) return;
            try
            {
                await RefreshAsync(cancel).ConfigureAwait(false);
                Report(null);
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or HttpRequestException)
            {
                Report(failure.Message);
            }
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
