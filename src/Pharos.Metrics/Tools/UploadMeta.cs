using System.Text.Json;
using System.Text.Json.Nodes;
using Pharos.Metrics.Blocks;

namespace Pharos.Metrics.Tools;

/// <summary>What the meta.json of an uploaded block says, checked.</summary>
/// <param name="Files">Sizes of the block's files by name.</param>
/// <param name="Sanitized">The meta.json that the block gets.</param>
internal sealed record UploadMeta(IReadOnlyDictionary<string, long> Files, byte[] Sanitized)
{
    /// <summary>Labels that Mimir's own blocks carry; they say nothing about the series.</summary>
    private static readonly HashSet<string> KnownLabels = ["__org_id__", "__ingester_id__", "__shard_id__", "__compactor_shard_id__", "__out_of_order__"];

    /// <exception cref="BlockUploadException">It cannot be taken.</exception>
    public static UploadMeta Parse(byte[] json, string id, long nowMs, UploadRules rules)
    {
        JsonObject root;
        BlockMeta meta;
        try
        {
            root = JsonNode.Parse(json) as JsonObject ?? throw new JsonException("an object is expected");
            root["ulid"] = id;
            meta = BlockMeta.Parse(JsonSerializer.SerializeToUtf8Bytes(root), "meta.json");
        }
        catch (Exception wrong) when (wrong is JsonException or CorruptBlockException or InvalidOperationException or ArgumentException or FormatException)
        {
            throw new BlockUploadException(400, $"malformed request body: {wrong.Message}");
        }
        if (meta.MinMs < 0 || meta.EndMs < 0 || meta.EndMs < meta.MinMs) throw new BlockUploadException(400, $"invalid minTime/maxTime in meta.json: minTime={meta.MinMs}, maxTime={meta.EndMs}");
        if (meta.EndMs > nowMs + 86_400_000) throw new BlockUploadException(400, $"block max time {meta.EndMs} is more than a day ahead of now");
        if (meta.EndMs <= rules.OldestMs) throw new BlockUploadException(422, $"block max time {meta.EndMs} older than the retention period");
        var thanos = root["thanos"] as JsonObject;
        foreach (var (name, _) in thanos?["labels"] as JsonObject ?? [])
        {
            if (!KnownLabels.Contains(name)) throw new BlockUploadException(400, $"unsupported external label: {name}");
        }
        if (thanos?["downsample"]?["resolution"] is JsonValue resolution && resolution.TryGetValue(out long ms) && ms > 0)
            throw new BlockUploadException(400, $"block contains downsampled data of {ms} ms; only blocks of raw samples are taken");
        // Blocks of these names would be deleted as merged into this one.
        (root["compaction"] as JsonObject)?.Remove("parents");
        var files = FilesOf(thanos);
        long bytes = files.Values.Sum();
        if (rules.BytesMax > 0 && bytes > rules.BytesMax) throw new BlockUploadException(413, $"block exceeds the maximum block size limit of {rules.BytesMax} bytes (compactor_block_upload_max_block_size_bytes)");
        return new UploadMeta(files, JsonSerializer.SerializeToUtf8Bytes(root));
    }

    private static Dictionary<string, long> FilesOf(JsonObject? thanos)
    {
        var files = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var entry in thanos?["files"] as JsonArray ?? [])
        {
            string? name = (entry as JsonObject)?["rel_path"]?.GetValue<string>();
            if (name is null or "meta.json") continue;
            long size = entry!["size_bytes"] is JsonValue value && value.TryGetValue(out long bytes) ? bytes : 0;
            if (size <= 0) throw new BlockUploadException(400, $"file {name} has no size_bytes in thanos.files of meta.json");
            files[name] = size;
        }
        if (!files.ContainsKey("index")) throw new BlockUploadException(400, "thanos.files of meta.json must list index and chunks with rel_path and size_bytes");
        return files;
    }
}
