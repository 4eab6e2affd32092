using System.Collections;
using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Pharos.Metrics.Tests;

/// <summary>What was logged, one <c>Level: text</c> for each message. Safe for several threads.</summary>
internal sealed class LogLines : ILogger, IEnumerable<string>
{
    private readonly ConcurrentQueue<string> lines = new();

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        lines.Enqueue($"{logLevel}: {formatter(state, exception)}");

    public bool IsEnabled(LogLevel logLevel) => true;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public IEnumerator<string> GetEnumerator() => lines.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
