using Pharos.Core;

namespace Pharos.Cli.Commands;

internal static class Usage
{
    /// <summary>Prints an error the way every command does and gives the exit code to return.</summary>
    public static int Fail(string message, int code = ExitCode.Failed)
    {
        Console.Error.WriteLine($"pharos: {message}");
        return code;
    }
}
