using Microsoft.Extensions.Logging;

namespace Pharos.Collector.Tailing;

internal static partial class TailLog
{
    [LoggerMessage(5301, LogLevel.Warning, "{Path} cannot be read: {Error}")]
    public static partial void Unreadable(ILogger logger, string path, string error);

    [LoggerMessage(5302, LogLevel.Warning, "Lines of {Path} were not taken and are offered again: {Error}")]
    public static partial void NotTaken(ILogger logger, string path, string error);

    [LoggerMessage(5303, LogLevel.Error, "The positions in {Path} cannot be read: {Error}")]
    public static partial void PositionsUnreadable(ILogger logger, string path, string error);

    [LoggerMessage(5304, LogLevel.Error, "Positions could not be saved: {Error}; after a crash, lines since the last save come again")]
    public static partial void PositionsNotSaved(ILogger logger, string error);
}
