using Microsoft.Extensions.Logging;

namespace Pharos.Cli.Commands;

/// <summary>Loggers of the long-lived commands: one line a message, UTC, on the console.</summary>
internal static class LogLevels
{
    public static ILoggerFactory Logging(LogLevel level) => LoggerFactory.Create(logging => logging
        .SetMinimumLevel(level)
        .AddFilter("Microsoft.AspNetCore", LogLevel.Error)
        .AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
            console.UseUtcTimestamp = true;
        }));
}
