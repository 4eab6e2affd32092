using System.Text.Json;
using System.Text.Json.Serialization;
using Pharos.Core;
using Pharos.Storage.Files;

namespace Pharos.Collector.Tailing;

/// <summary>How far a file has been read and handed over.</summary>
/// <param name="Offset">Bytes from the start; everything before it was taken by the receivers.</param>
/// <param name="SignatureLength">Bytes at the start of the file that <paramref name="Signature"/> (CRC-32C) covers.</param>
internal sealed record FilePosition(string Path, string Labels, long Offset, ulong Device, ulong Number, int SignatureLength, uint Signature)
{
    [JsonIgnore]
    public FileIdentity Identity => new(Device, Number);
}

/// <summary>The positions of all files of one source, in one file that is replaced whole.</summary>
internal sealed class FilePositions
{
    private readonly string path;
    private readonly Dictionary<(string Path, string Labels), FilePosition> positions = [];
    private bool changed;

    /// <param name="unreadable">Why an existing file could not be read; null where it could or there was none.</param>
    public FilePositions(string path, out string? unreadable)
    {
        this.path = path;
        unreadable = null;
        try
        {
            if (!File.Exists(path)) return;
            foreach (var position in JsonSerializer.Deserialize(File.ReadAllBytes(path), FilePositionsJson.Default.ListFilePosition) ?? [])
                positions[(position.Path, position.Labels)] = position;
        }
        catch (Exception e) when (e is IOException or JsonException or UnauthorizedAccessException)
        {
            unreadable = e.Message;
        }
    }

    public FilePosition? Get(string file, Labels labels) => positions.GetValueOrDefault((file, labels.ToString()));

    public void Set(FilePosition position)
    {
        if (positions.TryGetValue((position.Path, position.Labels), out var known) && known == position) return;
        positions[(position.Path, position.Labels)] = position;
        changed = true;
    }

    public void Remove(string file, Labels labels) => changed |= positions.Remove((file, labels.ToString()));

    /// <summary>Writes the file where something has changed since.</summary>
    /// <exception cref="IOException">It could not be written; the one before is still there.</exception>
    public void Save()
    {
        if (!changed) return;
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        List<FilePosition> sorted = [.. positions.Values.OrderBy(p => p.Path, StringComparer.Ordinal).ThenBy(p => p.Labels, StringComparer.Ordinal)];
        DurableFiles.Replace(path, JsonSerializer.SerializeToUtf8Bytes(sorted, FilePositionsJson.Default.ListFilePosition));
        changed = false;
    }
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(List<FilePosition>))]
internal sealed partial class FilePositionsJson : JsonSerializerContext;
