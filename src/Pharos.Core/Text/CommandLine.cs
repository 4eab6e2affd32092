namespace Pharos.Core;

/// <summary>Exit codes of every command.</summary>
public static class ExitCode
{
    public const int Done = 0;

    /// <summary>A check found something, or the command could not do its work.</summary>
    public const int Failed = 1;

    /// <summary>The command line itself is wrong.</summary>
    public const int Usage = 2;
}

/// <summary>An address to listen on, as command lines name it.</summary>
public static class ListenAddress
{
    /// <summary>Splits <c>HOST:PORT</c>; the host may be an IPv6 address in brackets, or empty for all addresses.</summary>
    public static bool TryParse(string text, out string host, out int port)
    {
        int colon = text.LastIndexOf(':');
        host = colon < 0 ? "" : text[..colon].Trim('[', ']');
        port = 0;
        return colon >= 0 && int.TryParse(text.AsSpan(colon + 1), out port) && port is >= 0 and <= 65535;
    }
}

/// <summary>Texts of the help pages.</summary>
public static class HelpText
{
    /// <summary>Adds examples to the end of a command's description, as its help shows it.</summary>
    public static string WithExamples(string description, params string[] examples) =>
        $"{description}\n\nExamples:\n{string.Join('\n', examples.Select(e => "  " + e))}";
}
