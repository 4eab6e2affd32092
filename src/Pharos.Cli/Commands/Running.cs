using System.Runtime.InteropServices;
using Pharos.Core;

namespace Pharos.Cli.Commands;

/// <summary>Runs a long-lived host until Ctrl-C or SIGTERM, and stops it cleanly.</summary>
internal static class Running
{
    public static async Task<int> RunAsync<T>(Func<CancellationToken, Task<T>> start, Func<T, string> ready, CancellationToken cancel)
        where T : IAsyncDisposable
    {
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var cancelled = cancel.Register(() => stopped.TrySetResult());
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
