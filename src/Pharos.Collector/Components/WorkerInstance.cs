using Pharos.Collector.Runtime;

namespace Pharos.Collector.Components;

/// <summary>
/// A component around a working class that is made whole from options: it is opened when the component runs, and opened anew
/// when options change. Whoever uses it waits meanwhile.
/// </summary>
internal abstract class WorkerInstance<TOptions, TWorker>(ComponentContext context, TOptions options) : ComponentInstance<TOptions>(context)
    where TOptions : class
    where TWorker : class
{
    /// <summary>After a failed opening; the disk may be full for a while.</summary>
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim gate = new(1, 1);
    private TaskCompletionSource changed = New();
    private TaskCompletionSource<TWorker> open = NewOpen();
    private CancellationTokenSource closing = new();

    protected TOptions Options { get; private set; } = options;

    /// <exception cref="IOException">It cannot be opened now.</exception>
    protected abstract TWorker Open(TOptions options);

    protected abstract Task RunAsync(TWorker worker, CancellationToken cancel);

    protected abstract ValueTask CloseAsync(TWorker worker);

    /// <summary>True where the options ask for another worker.</summary>
    protected virtual bool NeedsAnother(TOptions before, TOptions now) => true;

    protected override void Apply(TOptions options)
    {
        var before = Options;
        Options = options;
        if (NeedsAnother(before, options)) changed.TrySetResult();
    }

    public sealed override async Task RunAsync(CancellationToken cancel)
    {
        while (!cancel.IsCancellationRequested)
        {
            changed = New();
            TWorker worker;
            try
            {
                worker = Open(Options);
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException)
            {
                Report(failure.Message);
                await AnyAsync(Task.Delay(Retry, Context.Time, cancel), changed.Task).ConfigureAwait(false);
                continue;
            }
            Report(null);
            using var end = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            var run = RunAsync(worker, end.Token);
            open.TrySetResult(worker);
            using (cancel.Register(() => changed.TrySetResult()))
            {
                await AnyAsync(run, changed.Task).ConfigureAwait(false);
            }
            // Nobody new gets this worker, those who wait inside it are let go and try again with the next one.
            open = NewOpen();
            var left = closing;
            closing = new CancellationTokenSource();
            await left.CancelAsync().ConfigureAwait(false);
            await gate.WaitAsync(CancellationToken.None).ConfigureAwait(false);
            try
            {
                await end.CancelAsync().ConfigureAwait(false);
                await run.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                await CloseAsync(worker).ConfigureAwait(false);
            }
            finally
            {
                gate.Release();
            }
            if (run.IsFaulted)
            {
                open.TrySetException(new IOException($"{Context.Id} has stopped"));
                await run.ConfigureAwait(false);
            }
        }
        open.TrySetException(new IOException($"{Context.Id} has stopped"));
    }

    /// <summary>Does something with the worker, once there is one.</summary>
    protected async ValueTask UseAsync(Func<TWorker, CancellationToken, ValueTask> work, CancellationToken cancel)
    {
        while (true)
        {
            var worker = await open.Task.WaitAsync(cancel).ConfigureAwait(false);
            var end = closing.Token;
            await gate.WaitAsync(cancel).ConfigureAwait(false);
            try
            {
                if (!open.Task.IsCompletedSuccessfully || open.Task.Result != worker) continue;
                using var both = CancellationTokenSource.CreateLinkedTokenSource(cancel, end);
                await work(worker, both.Token).ConfigureAwait(false);
                return;
            }
            catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
            {
                // The worker went away meanwhile: the next one takes it.
            }
            finally
            {
                gate.Release();
            }
        }
    }

    private static async Task AnyAsync(Task a, Task b) => await Task.WhenAny(a, b).ConfigureAwait(false);

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static TaskCompletionSource<TWorker> NewOpen() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
