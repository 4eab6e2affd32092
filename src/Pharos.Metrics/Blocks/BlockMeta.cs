using System.Buffers;
using System.Text.Json;

namespace Pharos.Metrics.Blocks;

/// <summary>The content of a block's <c>meta.json</c>, version 1, as Prometheus, Thanos and Mimir read it.</summary>
internal sealed record BlockMeta
{
    /// <summary>Hint of a block with series that left the head before the others: it says nothing about its range.</summary>
    public const string FromStaleSeries = "from-stale-series";

    /// <summary>Hint of a block with late samples alone.</summary>
    public const string FromOutOfOrder = "from-out-of-order";

    public required string Id { get; init; }

    /// <summary>First timestamp that may be in the block, and the first that may not.</summary>
    public required long MinMs { get; init; }
    public required long EndMs { get; init; }

    /// <summary>Last timestamp that may be in the block.</summary>
    public long MaxMs => EndMs - 1;

    public long FloatSamples { get; init; }
    public long HistogramSamples { get; init; }
    public long Series { get; init; }
    public long Chunks { get; init; }
    public long Tombstones { get; init; }

    public int Level { get; init; } = 1;

    /// <summary>Blocks from the head that this one was made of.</summary>
    public IReadOnlyList<string> Sources { get; init; } = [];

    /// <summary>Blocks that this one replaced.</summary>
    public IReadOnlyList<BlockParent> Parents { get; init; } = [];

    public IReadOnlyList<string> Hints { get; init; } = [];

    /// <summary>Whether the head may still hold samples of the block's range.</summary>
    public bool IsPartial => Hints.Contains(FromStaleSeries) || Hints.Contains(FromOutOfOrder);

    public bool Deletable { get; init; }
    public bool Failed { get; init; }

    public byte[] ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, IndentCharacter = '\t', IndentSize = 1 }))
        {
            json.WriteStartObject();
            json.WriteString("ulid", Id);
            json.WriteNumber("minTime", MinMs);
            json.WriteNumber("maxTime", EndMs);
            json.WriteStartObject("stats");
            json.WriteNumber("numSamples", FloatSamples + HistogramSamples);
            json.WriteNumber("numFloatSamples", FloatSamples);
            json.WriteNumber("numHistogramSamples", HistogramSamples);
            json.WriteNumber("numSeries", Series);
            json.WriteNumber("numChunks", Chunks);
            if (Tombstones > 0) json.WriteNumber("numTombstones", Tombstones);
            json.WriteEndObject();
            json.WriteStartObject("compaction");
            json.WriteNumber("level", Level);
            Texts(json, "sources", Sources);
            if (Deletable) json.WriteBoolean("deletable", true);
            if (Failed) json.WriteBoolean("failed", true);
            if (Parents.Count > 0)
            {
                json.WriteStartArray("parents");
                foreach (var parent in Parents)
                {
                    json.WriteStartObject();
                    json.WriteString("ulid", parent.Id);
                    json.WriteNumber("minTime", parent.MinMs);
                    json.WriteNumber("maxTime", parent.EndMs);
                    json.WriteEndObject();
                }
                json.WriteEndArray();
            }
            if (Hints.Count > 0) Texts(json, "hints", Hints);
            json.WriteEndObject();
            json.WriteNumber("version", 1);
            json.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }

    /// <exception cref="CorruptBlockException">The text is no meta.json of version 1.</exception>
    public static BlockMeta Parse(byte[] text, string path)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            var root = document.RootElement;
            int version = root.GetProperty("version").GetInt32();
            if (version != 1) throw new CorruptBlockException($"{path} has version {version}; version 1 is known");
            var stats = Optional(root, "stats");
            var compaction = Optional(root, "compaction");
            long samples = Number(stats, "numSamples"), histograms = Number(stats, "numHistogramSamples");
            return new BlockMeta
            {
                Id = root.GetProperty("ulid").GetString()!,
                MinMs = root.GetProperty("minTime").GetInt64(),
                EndMs = root.GetProperty("maxTime").GetInt64(),
                FloatSamples = samples - histograms,
                HistogramSamples = histograms,
                Series = Number(stats, "numSeries"),
                Chunks = Number(stats, "numChunks"),
                Tombstones = Number(stats, "numTombstones"),
                Level = (int)Number(compaction, "level"),
                Sources = Texts(compaction, "sources"),
                Hints = Texts(compaction, "hints"),
                Parents = [.. Items(compaction, "parents").Select(p => new BlockParent(
                    p.GetProperty("ulid").GetString()!, p.GetProperty("minTime").GetInt64(), p.GetProperty("maxTime").GetInt64()))],
                Deletable = Flag(compaction, "deletable"),
                Failed = Flag(compaction, "failed"),
            };
        }
        catch (Exception wrong) when (wrong is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new CorruptBlockException($"{path} is not as expected: {wrong.Message}", wrong);
        }
    }

    private static void Texts(Utf8JsonWriter json, string name, IReadOnlyList<string> texts)
    {
        json.WriteStartArray(name);
        foreach (string text in texts) json.WriteStringValue(text);
        json.WriteEndArray();
    }

    private static JsonElement? Optional(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var found) && found.ValueKind == JsonValueKind.Object ? found : null;

    private static long Number(JsonElement? parent, string name) =>
        parent is { } from && from.TryGetProperty(name, out var found) ? found.GetInt64() : 0;

    private static bool Flag(JsonElement? parent, string name) =>
        parent is { } from && from.TryGetProperty(name, out var found) && found.ValueKind == JsonValueKind.True;

    private static IEnumerable<JsonElement> Items(JsonElement? parent, string name) =>
        parent is { } from && from.TryGetProperty(name, out var found) && found.ValueKind == JsonValueKind.Array ? found.EnumerateArray().ToList() : [];

    private static List<string> Texts(JsonElement? parent, string name) => [.. Items(parent, name).Select(t => t.GetString()!)];
}

/// <summary>A block that was replaced by another.</summary>
internal sealed record BlockParent(string Id, long MinMs, long EndMs);

/// <summary>A file of a block is damaged or not of a known version; the message names the file, and the place where it can.</summary>
internal sealed class CorruptBlockException(string message, Exception? inner = null) : Exception(message, inner);
