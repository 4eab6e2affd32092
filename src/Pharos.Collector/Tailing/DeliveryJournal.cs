using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Pharos.Core;

namespace Pharos.Collector.Tailing;

/// <summary>A batch of lines that is being handed on: which bytes of which file, and the time of its first line.</summary>
/// <param name="From">Offset of the first byte.</param>
/// <param name="To">Offset behind the last byte.</param>
/// <param name="FirstNs">Time of the first line; each further line is one nanosecond later.</param>
internal sealed record Delivery(string Path, string Labels, ulong Device, ulong Number, long From, long To, long FirstNs);

/// <summary>
/// Remembers on disk what was handed on since the positions were last saved. A process that was killed then hands the same lines on
/// again with the same times, so that a store sees exact duplicates instead of new lines.
/// </summary>
internal sealed class DeliveryJournal : IDisposable
{
    private readonly string path;
    private readonly List<Delivery> found = [];
    private FileStream? file;

    public DeliveryJournal(string path)
    {
        this.path = path;
        if (!File.Exists(path)) return;
        foreach (string line in File.ReadLines(path))
        {
            try
            {
                if (JsonSerializer.Deserialize(line, DeliveryJson.Default.Delivery) is { } delivery) found.Add(delivery);
            }
            catch (JsonException)
            {
                // The last line may be cut off by the crash; its batch was not handed on yet.
                break;
            }
        }
    }

    /// <summary>The delivery of an earlier run that began at this place of this file; null where there is none.</summary>
    public Delivery? Find(TailedFile tailed)
    {
        if (found.Count == 0) return null;
        string labels = tailed.Labels.ToString();
        return found.Find(d => d.From == tailed.Offset && d.Path == tailed.Path && d.Device == tailed.Identity.Device && d.Number == tailed.Identity.Number && d.Labels == labels);
    }

    /// <summary>Writes down a batch before it is handed on.</summary>
    /// <exception cref="IOException">It could not be written.</exception>
    public void Write(TailedFile tailed, int length, long firstNs)
    {
        var delivery = new Delivery(
            tailed.Path, tailed.Labels.ToString(), tailed.Identity.Device, tailed.Identity.Number, tailed.Offset, tailed.Offset + length, firstNs);
        if (file is null)
        {
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
            file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read);
        }
        file.Write(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(delivery, DeliveryJson.Default.Delivery) + "\n"));
        file.Flush();
    }

    /// <summary>The positions are saved: what was written down is no longer needed, but for places that were not reached again yet.</summary>
    public void Saved(Func<Delivery, bool> stillAhead)
    {
        found.RemoveAll(d => !stillAhead(d));
        file?.SetLength(0);
        if (found.Count == 0) return;
        foreach (var delivery in found)
        {
            if (file is null) return;
            file.Write(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(delivery, DeliveryJson.Default.Delivery) + "\n"));
        }
        file?.Flush();
    }

    public void Dispose() => file?.Dispose();
}

[JsonSerializable(typeof(Delivery))]
internal sealed partial class DeliveryJson : JsonSerializerContext;
