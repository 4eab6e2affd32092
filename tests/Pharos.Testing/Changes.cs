namespace Pharos.Testing;

/// <summary>
/// Lets a test wait for what another thread brings about: that side calls <see cref="Signal"/> after each change, and the test looks again
/// then, and only then. Safe for several threads.
/// </summary>
public sealed class Changes
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private TaskCompletionSource next = New();

    public void Signal() => Interlocked.Exchange(ref next, New()).TrySetResult();

    /// <summary>Completes once something holds; fails the test where that never comes.</summary>
    public async Task UntilAsync(Func<bool> holds, Func<string> what)
    {
        using var enough = new CancellationTokenSource(Patience, TimeProvider.System);
        while (true)
        {
            // Taken before the look, so that no change falls between the two.
            var change = Volatile.Read(ref next).Task;
            if (holds()) return;
            try
            {
                await change.WaitAsync(enough.Token);
            }
            catch (OperationCanceledException)
            {
                Assert.Fail($"it never came to: {what()}");
            }
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
