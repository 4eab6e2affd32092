using System.CommandLine;
using Pharos.Collector.Evaluation;
using Pharos.Core;

namespace Pharos.Collector.Cli;

internal static class Usage
{
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
