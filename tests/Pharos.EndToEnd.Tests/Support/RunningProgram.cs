using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Pharos.EndToEnd.Tests.Support;

/// <summary>A real process under test; killed, with its children, at the end of the test.</summary>
internal sealed class RunningProgram : IAsyncDisposable
{
    private readonly Process process;
    private readonly ConcurrentQueue<string> output = new();

    private RunningProgram(Process process) => this.process = process;

    public int Id => process.Id;

    /// <summary>Everything it printed so far, both streams.</summary>
    public string Output => string.Join('\n', output);

    public bool HasExited => process.HasExited;

    public static RunningProgram Start(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        var process = new Process { StartInfo = start };
        var running = new RunningProgram(process);
        process.OutputDataReceived += (_, line) => running.Keep(line.Data);
        process.ErrorDataReceived += (_, line) => running.Keep(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        process.StandardInput.Close();
        return running;
    }

    /// <summary>Runs a program to its end; fails the test where that takes longer than a minute.</summary>
    public static async Task<(int ExitCode, string Output)> RunAsync(string program, params string[] arguments)
    {
        await using var running = Start(program, arguments);
        return (await running.ExitAsync(TimeSpan.FromMinutes(1)), running.Output);
    }

    public async Task<int> ExitAsync(TimeSpan within)
    {
        using var timeout = new CancellationTokenSource(within);
        try
        {
            await process.WaitForExitAsync(timeout.Token);
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"{process.StartInfo.FileName} did not end within {within}:\n{Output}");
        }
        return process.ExitCode;
    }

    /// <summary>Waits for a line that holds a text; returns the line.</summary>
    public async Task<string> WaitForLineAsync(string part, int seconds = 60)
    {
        string? found = null;
        await Wait.UntilAsync(() => (found = output.FirstOrDefault(l => l.Contains(part, StringComparison.Ordinal))) is not null || process.HasExited,
            () => $"a line with \"{part}\" from {Path.GetFileName(process.StartInfo.FileName)}; it printed:\n{Output}", seconds);
        return found ?? throw new InvalidOperationException($"{process.StartInfo.FileName} ended with {process.ExitCode}:\n{Output}");
    }

    /// <summary>Ends it at once, as a crash would: SIGKILL.</summary>
    public async Task KillAsync()
    {
        process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync();
    }

    /// <summary>Asks it to stop, as a service manager would: SIGTERM.</summary>
    public async Task<int> TerminateAsync()
    {
        using var kill = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
        return await ExitAsync(TimeSpan.FromSeconds(30));
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited) await KillAsync();
        process.Dispose();
    }

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private void Keep(string? line)
    {
        if (line is not null) output.Enqueue(line);
    }
}

/// <summary>Waits for something that other processes do. Bounded; fails the test with what was awaited.</summary>
internal static class Wait
{
    public static Task UntilAsync(Func<bool> condition, Func<string> awaited, int seconds = 60) =>
        UntilAsync(() => Task.FromResult(condition()), awaited, seconds);

    public static async Task UntilAsync(Func<Task<bool>> condition, Func<string> awaited, int seconds = 60)
    {
        long started = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            if (TimeProvider.System.GetElapsedTime(started).TotalSeconds > seconds) Assert.Fail($"waited {seconds} s in vain for {awaited()}");
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
        }
    }
}
