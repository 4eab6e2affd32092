using System.Text;
using System.Text.Json;
using Pharos.Core;
using Pharos.Logs.Parts;
using Pharos.Storage.Files;

namespace Pharos.Logs.Deletion;

/// <summary>The file <c>deletions</c> of a tenant: a line with version, mark and checksum, then a JSON object for each request. Replaced as a whole.</summary>
internal sealed class DeleteFile(string path, IDisk disk)
{
    public const string FileName = "deletions";

    private const string Version = "v2";

    public string Path => path;

    /// <returns>The requests, and the newest mark under which entries went off the disk.</returns>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public (List<LogDeleteRequest> Requests, FlushMark Known) Read()
    {
        if (!File.Exists(path)) return ([], FlushMark.None);
        byte[] bytes = File.ReadAllBytes(path);
        int first = bytes.AsSpan().IndexOf((byte)'\n');
        var rest = bytes.AsSpan(first + 1);
        if (first < 0 || !FlushMark.TryParse(Encoding.UTF8.GetString(bytes.AsSpan(0, first)), Version, rest, out var known)) throw new InvalidDataException("its checksum does not match");
        var requests = new List<LogDeleteRequest>();
        foreach (string line in Encoding.UTF8.GetString(rest).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            try
            {
                requests.Add(ReadRequest(line));
            }
            catch (Exception wrong) when (wrong is JsonException or KeyNotFoundException or FormatException or InvalidOperationException)
            {
                throw new InvalidDataException($"request {requests.Count + 1} is none: {wrong.Message}", wrong);
            }
        }
        return (requests, known);
    }

    public void Write(IReadOnlyList<LogDeleteRequest> requests, FlushMark known)
    {
        using var body = new PooledBuffer();
        foreach (var request in requests)
        {
            using (var json = new Utf8JsonWriter(body))
            {
                json.WriteStartObject();
                json.WriteString("id"u8, request.Id);
                json.WriteString("query"u8, request.Query);
                json.WriteNumber("start_ns"u8, request.StartNs);
                json.WriteNumber("end_ns"u8, request.EndNs);
                json.WriteString("created_at"u8, request.CreatedAt);
                json.WriteBoolean("processed"u8, request.State == LogDeleteState.Processed);
                json.WriteEndObject();
            }
            body.Append("\n"u8);
        }
        string folder = System.IO.Path.GetDirectoryName(path)!;
        if (!Directory.Exists(folder))
        {
            disk.CreateFolder(folder);
            disk.SyncFolder(System.IO.Path.GetDirectoryName(folder)!);
        }
        DurableFiles.Replace(disk, path, [.. Encoding.UTF8.GetBytes(known.Text(Version, body.Span)), .. body.Span]);
    }

    private static LogDeleteRequest ReadRequest(string line)
    {
        using var json = JsonDocument.Parse(line);
        var root = json.RootElement;
        return new LogDeleteRequest(
            Text("id"), Text("query"), root.GetProperty("start_ns").GetInt64(), root.GetProperty("end_ns").GetInt64(), root.GetProperty("created_at").GetDateTimeOffset(),
            root.GetProperty("processed").GetBoolean() ? LogDeleteState.Processed : LogDeleteState.Received);

        string Text(string name) => root.GetProperty(name).GetString() ?? throw new FormatException($"{name} is null");
    }
}
