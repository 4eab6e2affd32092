using System.CommandLine;

namespace Pharos.Cli.Commands;

/// <summary>Exit codes of every command.</summary>
internal static class ExitCode
{
    public const int Done = 0;

    /// <summary>A check found something, or the command could not do its work.</summary>
    public const int Failed = 1;

    /// <summary>The command line itself is wrong.</summary>
    public const int Usage = 2;
}

internal static class Usage
{
    /// <summary>Adds examples to the end of a command's description, as its help shows it.</summary>
    public static string WithExamples(string description, params string[] examples) =>
        $"{description}\n\nExamples:\n{string.Join('\n', examples.Select(e => "  " + e))}";

    /// <summary>Prints an error the way every command does and gives the exit code to return.</summary>
    public static int Fail(string message, int code = ExitCode.Failed)
    {
        Console.Error.WriteLine($"pharos: {message}");
        return code;
    }

    /// <summary>Splits <c>HOST:PORT</c>; the host may be an IPv6 address in brackets, or empty for all addresses.</summary>
    public static bool TryParseListen(string text, out string host, out int port)
    {
        int colon = text.LastIndexOf(':');
        host = colon < 0 ? "" : text[..colon].Trim('[', ']');
        port = 0;
        return colon >= 0 && int.TryParse(text.AsSpan(colon + 1), out port) && port is >= 0 and <= 65535;
    }
}
