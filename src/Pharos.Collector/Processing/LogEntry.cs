using Pharos.Core;

namespace Pharos.Collector.Processing;

/// <summary>One log line on its way through the stages of a pipeline.</summary>
internal sealed class LogEntry
{
    public LabelsBuilder Labels { get; init; } = new();

    /// <summary>Unix nanoseconds.</summary>
    public long TimestampNs { get; set; }

    public string Line { get; set; } = "";

    public LabelsBuilder Metadata { get; init; } = new();

    /// <summary>What stages have taken out of the line: string, double, bool or null.</summary>
    public Dictionary<string, object?> Extracted { get; init; } = new(StringComparer.Ordinal);

    /// <summary>Time that the entry must wait before it goes on (a limit that does not drop).</summary>
    public TimeSpan Delay { get; set; }

    /// <summary>The text of an extracted value, or of the line where no source is named; null where there is none.</summary>
    public string? Source(string? name) => string.IsNullOrEmpty(name) ? Line : Extracted.TryGetValue(name, out object? value) ? Text(value) : null;

    public static string? Text(object? value) => value switch
    {
        null => null,
        string text => text,
        bool flag => flag ? "true" : "false",
        double number => GoFloat.Format(number) is var shortest && Math.Abs(number) < 1e15 && number == Math.Truncate(number)
            ? ((long)number).ToString()
            : shortest,
        _ => value.ToString(),
    };

    public LogEntry Copy() => new()
    {
        Labels = new LabelsBuilder(Labels.ToLabels()),
        TimestampNs = TimestampNs,
        Line = Line,
        Metadata = new LabelsBuilder(Metadata.ToLabels()),
        Extracted = new Dictionary<string, object?>(Extracted, StringComparer.Ordinal),
    };
}
