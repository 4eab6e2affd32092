namespace Pharos.Cli.Commands;

/// <summary>Shows on the error stream how far long work is: one line that changes on a terminal, a line every few seconds elsewhere.</summary>
internal sealed class Progress(string what, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan OnTerminal = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Elsewhere = TimeSpan.FromSeconds(5);

    private readonly bool terminal = !Console.IsErrorRedirected;
    private long shown = time.GetTimestamp();
    private bool open;

    public void Report(long done, long total)
    {
        if (time.GetElapsedTime(shown) < (terminal ? OnTerminal : Elsewhere)) return;
        shown = time.GetTimestamp();
        string line = total > 0 ? $"{what}: {done} of {total} ({100 * done / total} %)" : $"{what}: {done}";
        if (terminal) Console.Error.Write($"\r{line}\u001b[K");
        else Console.Error.WriteLine(line);
        open = terminal;
    }

    /// <summary>Takes the line away.</summary>
    public void Dispose()
    {
        if (open) Console.Error.Write("\r\u001b[K");
    }
}
