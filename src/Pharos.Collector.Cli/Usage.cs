using System.CommandLine;
using Pharos.Collector.Evaluation;

namespace Pharos.Collector.Cli;

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

    public static int Fail(string message, int code = ExitCode.Failed)
    {
        Console.Error.WriteLine(message.StartsWith("Error", StringComparison.Ordinal) ? message.TrimEnd() : $"pharos-collector: {message}");
        return code;
    }

    public static Option<string> StabilityOption()
    {
        var option = new Option<string>("--stability.level")
        {
            Description = "Lowest stability of the parts of the language that may be used: experimental, public-preview, generally-available",
            DefaultValueFactory = _ => "generally-available",
            HelpName = "level",
        };
        option.AcceptOnlyFromAmong("experimental", "public-preview", "generally-available");
        return option;
    }

    public static Stability StabilityOf(string text) => text switch
    {
        "experimental" => Stability.Experimental,
        "public-preview" => Stability.PublicPreview,
        _ => Stability.GenerallyAvailable,
    };

    /// <summary>Options of Alloy that only have one possible effect here; another value is refused.</summary>
    public static Option<string> FormatOption()
    {
        var option = new Option<string>("--config.format")
        {
            Description = "Format of the configuration; only alloy is read, convert other formats first",
            DefaultValueFactory = _ => "alloy",
            HelpName = "format",
        };
        option.AcceptOnlyFromAmong("alloy");
        return option;
    }
}
