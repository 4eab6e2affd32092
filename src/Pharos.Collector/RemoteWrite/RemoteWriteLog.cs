using Microsoft.Extensions.Logging;

namespace Pharos.Collector.RemoteWrite;

internal static partial class RemoteWriteLog
{
    [LoggerMessage(5201, LogLevel.Warning, "Remote write to {Endpoint} failed and is tried again: {Error}")]
    public static partial void Retrying(ILogger logger, string endpoint, string error);

    [LoggerMessage(5202, LogLevel.Error, "Remote write to {Endpoint} was refused, {Samples} samples are dropped: {Error}")]
    public static partial void Refused(ILogger logger, string endpoint, int samples, string error);

    [LoggerMessage(5203, LogLevel.Error, "Samples that waited for {Endpoint} since {Since} are given up: {Reason}")]
    public static partial void GivenUp(ILogger logger, string endpoint, DateTimeOffset since, string reason);

    [LoggerMessage(5204, LogLevel.Warning, "A damaged place of the queue on disk was passed over for {Endpoint}")]
    public static partial void Corrupt(ILogger logger, string endpoint);

    [LoggerMessage(5205, LogLevel.Information, "Remote write to {Endpoint} works again")]
    public static partial void Recovered(ILogger logger, string endpoint);
}
