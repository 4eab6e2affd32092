using System.Runtime.InteropServices;
using Pharos.Core;

namespace Pharos.Cli.Commands;

/// <summary>Runs a long-lived host until Ctrl-C or SIGTERM, and stops it cleanly.</summary>
internal static class Running
{
    /// <summary>
    /// Threads of the pool that start at once. By itself the runtime has one for each processor, and each step of a request waits in turn behind whole
    /// requests of a sender that floods the server; with more the system gives all of them their share (docs/benchmarks.md).
    /// </summary>
    private const int PoolThreadsMin = 16;

    public static async Task<int> RunAsync<T>(Func<CancellationToken, Task<T>> start, Func<T, string> ready, CancellationToken cancel)
        where T : IAsyncDisposable
    {
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var cancelled = cancel.Register(() => stopped.TrySetResult());
        ThreadPool.GetMinThreads(out int workers, out int completion);
        ThreadPool.SetMinThreads(Math.Max(workers, PoolThreadsMin), completion);
        try
        {
            await using var host = await start(cancel);
            Console.WriteLine(ready(host));
            await stopped.Task;
            return ExitCode.Done;
        }
        catch (Exception e) when (e is IOException or Pharos.Core.StoreUnavailableException or UnauthorizedAccessException)
        {
            return Usage.Fail(e.Message);
        }

        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            stopped.TrySetResult();
        }
    }
}
