using System.Text.Json;

namespace Pharos.Collector.Scraping;

/// <summary>
/// A file that gets one line of JSON after the other; several writers may share one. Where it cannot be written that is said once, until a
/// line goes out again. Safe for several threads.
/// </summary>
/// <param name="broken">Told why the file cannot be written.</param>
public sealed class JsonLineFile(string path, Action<string> broken) : IDisposable
{
    private readonly Lock gate = new();
    private FileStream? file;
    private bool isBroken;

    public string Path => path;

    /// <param name="members">Writes the members of the line's object.</param>
    public void Write(Action<Utf8JsonWriter> members)
    {
        using var line = new MemoryStream();
        using (var json = new Utf8JsonWriter(line))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }
        line.WriteByte((byte)'\n');
        lock (gate)
        {
            try
            {
                // In append mode each write goes to the end whole, also beside another writer's.
                file ??= new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
                file.Write(line.GetBuffer().AsSpan(0, (int)line.Length));
                isBroken = false;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                if (!isBroken) broken(e.Message);
                isBroken = true;
            }
        }
    }

    public void Dispose()
    {
        lock (gate) file?.Dispose();
    }
}
