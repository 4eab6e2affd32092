using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Pharos.Core;

namespace Pharos.Collector.Hosting;

/// <summary>
/// The collector's own log: one line for each message, logfmt or JSON, to a writer and to log components.
/// The <c>logging</c> block sets it while it runs. Safe for several threads.
/// </summary>
public sealed class CollectorLog(TextWriter output, TimeProvider time) : ILoggerProvider
{
    private static readonly SearchValues<char> NeedsQuotes = SearchValues.Create(" =\"\\\n\r\t");

    private readonly Lock gate = new();
    private volatile LogLevel minimum = LogLevel.Information;
    private volatile bool json;
    private volatile IReadOnlyList<ILogsReceiver> receivers = [];

    [ThreadStatic]
    private static bool inTee;

    public LogLevel Minimum { get => minimum; set => minimum = value; }

    public bool Json { get => json; set => json = value; }

    /// <summary>Log components that get each line too.</summary>
    internal IReadOnlyList<ILogsReceiver> Receivers { get => receivers; set => receivers = value; }

    /// <summary>Where lines go; may be switched while lines are written.</summary>
    public TextWriter Output { get; set; } = output;

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void Dispose() => Output.Flush();

    private void Write(LogLevel level, string component, string message, Exception? failure)
    {
        var now = time.GetUtcNow();
        string name = level switch { LogLevel.Trace or LogLevel.Debug => "debug", LogLevel.Information => "info", LogLevel.Warning => "warn", _ => "error" };
        string line = json ? JsonLine(now, name, component, message, failure) : Logfmt(now, name, component, message, failure);
        lock (gate)
        {
            Output.WriteLine(line);
            Output.Flush();
        }
        // A log component that logs while it takes a line of this log must not be sent that as well.
        var targets = receivers;
        if (targets.Count == 0 || inTee) return;
        inTee = true;
        try
        {
            using var batch = new LogBatch();
            batch.AddEntry(batch.AddStream(Labels.Of(("component", "alloy"), ("level", name))), time.UnixNs(), Encoding.UTF8.GetBytes(line));
            foreach (var receiver in targets)
            {
                var taken = receiver.AppendAsync(batch, CancellationToken.None);
                if (!taken.IsCompletedSuccessfully) taken.AsTask().Wait(TimeSpan.FromSeconds(1));
            }
        }
        catch (Exception lost) when (lost is IOException or AggregateException)
        {
            lock (gate) Output.WriteLine($"ts={now.UtcDateTime:O} level=warn msg={GoString.Quote("own log was not forwarded: " + lost.Message)}");
        }
        finally
        {
            inTee = false;
        }
    }

    private static string Logfmt(DateTimeOffset now, string level, string component, string message, Exception? failure)
    {
        var line = new StringBuilder();
        line.Append(CultureInfo.InvariantCulture, $"ts={now.UtcDateTime:yyyy-MM-ddTHH:mm:ss.fffffffZ} level={level} msg={Value(message)}");
        if (component.Length > 0) line.Append(CultureInfo.InvariantCulture, $" component_id={Value(component)}");
        if (failure is not null) line.Append(CultureInfo.InvariantCulture, $" err={Value(failure.Message)}");
        return line.ToString();

        static string Value(string text) =>
            text.Length > 0 && !text.AsSpan().ContainsAny(NeedsQuotes) ? text : GoString.Quote(text);
    }

    private static string JsonLine(DateTimeOffset now, string level, string component, string message, Exception? failure)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("ts", now.UtcDateTime);
            writer.WriteString("level", level);
            writer.WriteString("msg", message);
            if (component.Length > 0) writer.WriteString("component_id", component);
            if (failure is not null) writer.WriteString("err", failure.Message);
            writer.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    private sealed class Logger(CollectorLog log, string component) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= log.minimum && logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel)) log.Write(logLevel, component, formatter(state, exception), exception);
        }
    }
}
