namespace Pharos.Rules;

/// <summary>Has a store read its rule files again every so often, until it is disposed of.</summary>
public sealed class RuleFolderWatch : IAsyncDisposable
{
    private readonly CancellationTokenSource stopping = new();
    private readonly Task loop;

    public RuleFolderWatch(RuleStore store, TimeSpan period, TimeProvider time) => loop = store.Folders.Count == 0 ? Task.CompletedTask : RunAsync(store, period, time);

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await loop;
        stopping.Dispose();
    }

    private async Task RunAsync(RuleStore store, TimeSpan period, TimeProvider time)
    {
        try
        {
            while (true)
            {
                await Task.Delay(period, time, stopping.Token);
                store.RefreshFolders();
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The end.
        }
    }
}
