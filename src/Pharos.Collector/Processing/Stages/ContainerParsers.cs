using System.Text;
using System.Text.Json;
using Pharos.Core;
using Pharos.Templates;
using Pharos.Templates.Formatting;

namespace Pharos.Collector.Processing.Stages;

/// <summary>Kubernetes container logs: <c>time stream F|P text</c>; parts are joined until the full one, per stream.</summary>
internal sealed class CriParser(CriStage options, IStage next) : IStage, IHolder
{
    private readonly Dictionary<Labels, (LogEntry First, StringBuilder Text)> partial = [];

    public void Process(LogEntry entry)
    {
        string line = entry.Line;
        int afterTime = line.IndexOf(' ', StringComparison.Ordinal);
        int afterStream = afterTime < 0 ? -1 : line.IndexOf(' ', afterTime + 1);
        int afterFlags = afterStream < 0 ? -1 : line.IndexOf(' ', afterStream + 1);
        if (afterStream < 0)
        {
            next.Process(entry);
            return;
        }
        string stream = line[(afterTime + 1)..afterStream];
        string flags = afterFlags < 0 ? line[(afterStream + 1)..] : line[(afterStream + 1)..afterFlags];
        if (stream is not ("stdout" or "stderr") || flags.Length == 0 || flags[0] is not ('F' or 'P'))
        {
            next.Process(entry);
            return;
        }
        string content = afterFlags < 0 ? "" : line[(afterFlags + 1)..];
        string stamp = line[..afterTime];
        entry.Extracted["time"] = entry.Extracted["timestamp"] = stamp;
        entry.Extracted["stream"] = stream;
        entry.Extracted["flags"] = flags;
        entry.Extracted["content"] = content;
        entry.Labels.Set("stream", stream);
        entry.Line = content;
        if (TimeOf(stamp) is { } ns) entry.TimestampNs = ns;
        var key = entry.Labels.ToLabels();
        bool known = partial.TryGetValue(key, out var waiting);
        if (flags[0] == 'P')
        {
            if (!known)
            {
                // Too many half lines at once: all are let go as they are.
                if (partial.Count >= options.MaxPartialLines) Flush(all: true);
                waiting = (entry, new StringBuilder());
                partial[key] = waiting;
            }
            Append(waiting.Text, content);
            return;
        }
        if (known)
        {
            partial.Remove(key);
            Append(waiting.Text, content);
            entry.Line = waiting.Text.ToString();
        }
        next.Process(entry);
    }

    /// <summary>A half line waits for its rest, however long; only a stop or the cap lets it go.</summary>
    public void Flush(bool all)
    {
        if (!all) return;
        foreach (var (first, text) in partial.Values.ToList())
        {
            first.Line = text.ToString();
            next.Process(first);
        }
        partial.Clear();
    }

    private void Append(StringBuilder text, string content)
    {
        if (options.MaxPartialLineSizeTruncate && options.MaxPartialLineSize > 0)
            content = content[..(int)Math.Clamp(options.MaxPartialLineSize - text.Length, 0, content.Length)];
        text.Append(content);
    }

    internal static long? TimeOf(string text)
    {
        try
        {
            return GoTimeLayout.Parse("2006-01-02T15:04:05.999999999Z07:00", text).UnixNs;
        }
        catch (TemplateFunctionException)
        {
            return null;
        }
    }
}

/// <summary>Docker's JSON log files: <c>{"log": …, "stream": …, "time": …}</c>.</summary>
internal sealed class DockerParser(IStage next) : SimpleStage(next)
{
    protected override bool Apply(LogEntry entry)
    {
        try
        {
            using var json = JsonDocument.Parse(entry.Line);
            var root = json.RootElement;
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("log", out var log) || log.GetString() is not { Length: > 0 } text) return true;
            string stream = root.TryGetProperty("stream", out var s) ? s.GetString() ?? "" : "";
            string stamp = root.TryGetProperty("time", out var t) ? t.GetString() ?? "" : "";
            entry.Extracted["output"] = text;
            entry.Extracted["stream"] = stream;
            entry.Extracted["timestamp"] = stamp;
            if (stream.Length > 0) entry.Labels.Set("stream", stream);
            if (CriParser.TimeOf(stamp) is { } ns) entry.TimestampNs = ns;
            entry.Line = text.TrimEnd('\n');
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Not written by Docker: the line goes on as it is.
        }
        return true;
    }
}

/// <summary>Puts labels into the line, as JSON with <c>_entry</c>.</summary>
internal sealed class Packer(PackStage options, IStage next, TimeProvider time) : SimpleStage(next)
{
    protected override bool Apply(LogEntry entry)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            foreach (string name in options.Labels.Order(StringComparer.Ordinal))
            {
                string value = entry.Labels.Get(name);
                if (value.Length == 0 && entry.Extracted.TryGetValue(name, out object? extracted)) value = LogEntry.Text(extracted) ?? "";
                if (value.Length == 0) continue;
                json.WriteString(name, value);
                entry.Labels.Remove(name);
            }
            json.WriteString("_entry", entry.Line);
            json.WriteEndObject();
        }
        entry.Line = Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
        if (options.IngestTimestamp) entry.TimestampNs = time.UnixNs();
        return true;
    }
}
