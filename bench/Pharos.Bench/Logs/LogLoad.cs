using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Pharos.Core;
using Pharos.Wire.Loki;

namespace Pharos.Bench.Logs;

/// <summary>
/// Pushes made before any clock starts: bodies in files for both forms of push, and the same lines as a file for each stream.
/// </summary>
internal sealed class LogLoad : IDisposable
{
    private const int BodyBytes = 1 << 20;

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("pharos-bench-logs-");

    private LogLoad()
    {
    }

    public long Lines { get; private set; }

    /// <summary>Bytes of all lines, without line breaks.</summary>
    public long RawBytes { get; private set; }

    public Dictionary<string, long> RawBytesOf { get; } = [];

    public long StartMs { get; private set; }

    public long EndMs { get; private set; }

    /// <summary>Is in exactly one line.</summary>
    public string Needle { get; private set; } = "";

    public long Canaries { get; private set; }

    /// <summary>Folder of a file for each stream.</summary>
    public string LinesFolder => Path.Combine(folder.FullName, "lines");

    /// <summary>So many substrings are picked, where there are so many lines.</summary>
    public const int SubstringsMax = 10_000;

    /// <summary>Substrings of lines and the stream they are in, picked at random from all of the time.</summary>
    public List<(int Stream, long AtMs, string Text)> Substrings { get; } = [];

    /// <param name="rawBytes">How many bytes of lines to make.</param>
    public static LogLoad Make(long rawBytes, int seed, long endMs)
    {
        var load = new LogLoad { EndMs = endMs };
        Directory.CreateDirectory(load.LinesFolder);
        var files = new FileStream?[LineModel.Streams];
        using var protobuf = File.Create(load.PathOf("protobuf"));
        using var json = File.Create(load.PathOf("json"));
        using var batch = new LogBatch();
        var model = new LineModel(seed);
        var pick = new Random(seed);
        var numbers = new int[LineModel.Streams];
        long total = 0, inBatch = 0;
        // Lines are some 206 bytes long: the last one comes a little before the end of four hours.
        double perLineMs = 4 * 3600e3 / (rawBytes / 190.0);
        // Of those picked some have a line break or a backquote, and are left out.
        int onePickIn = (int)Math.Max(1, rawBytes / 206 / (1.1 * SubstringsMax));
        load.StartMs = endMs - (4 * 3600 * 1000) - 60_000;
        double at = load.StartMs;
        bool needleDone = false;
        while (total < rawBytes || inBatch > 0)
        {
            if (batch.IsEmpty) Array.Fill(numbers, -1);
            int stream = model.NextStream();
            long ms = (long)at;
            at += perLineMs;
            var line = model.Next(stream, ms);
            if (!needleDone && total > rawBytes / 2 && stream % 5 == 2)
            {
                load.Needle = Encoding.UTF8.GetString(line[^32..]);
                needleDone = true;
            }
            if (line.IndexOf(Encoding.UTF8.GetBytes(LineModel.OneInHundred)) >= 0) load.Canaries++;
            if (load.Substrings.Count < SubstringsMax && pick.Next(onePickIn) == 0 && line.Length > 40)
            {
                int length = pick.Next(4, 30), from = pick.Next(0, line.Length - length);
                string text = Encoding.UTF8.GetString(line.Slice(from, length));
                if (!text.AsSpan().ContainsAny('\n', '`')) load.Substrings.Add((stream, ms, text));
            }
            if (numbers[stream] < 0) numbers[stream] = batch.AddStream(LineModel.LabelsOf(stream));
            batch.AddEntry(numbers[stream], ms * 1_000_000, line);
            var file = files[stream] ??= new FileStream(Path.Combine(load.LinesFolder, $"{stream:d3}.log"), FileMode.Create, FileAccess.Write, FileShare.Read, 1 << 16);
            file.Write(line);
            file.WriteByte((byte)'\n');
            load.Lines++;
            total += line.Length;
            inBatch += line.Length;
            load.RawBytesOf[LineModel.AppOf(stream)] = load.RawBytesOf.GetValueOrDefault(LineModel.AppOf(stream)) + line.Length;
            if (inBatch < BodyBytes && total < rawBytes) continue;
            WriteBody(protobuf, output => LokiPushEncoder.Encode(batch, output));
            WriteBody(json, output => WriteJson(batch, output));
            batch.Clear();
            inBatch = 0;
        }
        foreach (var file in files) file?.Dispose();
        load.RawBytes = total;
        return load;
    }

    /// <summary>Pushes bodies of a form, two senders side by side; returns the share of all bytes after which it stopped.</summary>
    /// <param name="from">Where to begin: what an earlier call returned, or 0.</param>
    /// <param name="upTo">Share of all bytes after which no further body is sent.</param>
    public async Task<double> SendAsync(Uri target, bool asJson, double from, double upTo)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromMinutes(5) };
        await using var file = new FileStream(PathOf(asJson ? "json" : "protobuf"), FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 20);
        file.Position = (long)Math.Round(from * file.Length);
        using var one = new SemaphoreSlim(1);
        await Task.WhenAll(SendSomeAsync(), SendSomeAsync());
        return file.Position / (double)file.Length;

        async Task SendSomeAsync()
        {
            byte[] length = new byte[4];
            while (true)
            {
                byte[] body;
                await one.WaitAsync();
                try
                {
                    if (file.Position >= file.Length * upTo) return;
                    await file.ReadExactlyAsync(length);
                    body = new byte[BinaryPrimitives.ReadInt32LittleEndian(length)];
                    await file.ReadExactlyAsync(body);
                }
                finally
                {
                    one.Release();
                }
                using var content = new ByteArrayContent(body);
                content.Headers.Add("Content-Type", asJson ? "application/json" : LokiPushEncoder.ContentType);
                if (!asJson) content.Headers.Add("Content-Encoding", LokiPushEncoder.ContentEncoding);
                using var response = await http.PostAsync(target, content);
                if (!response.IsSuccessStatusCode)
                    throw new InvalidOperationException($"{target} answered {(int)response.StatusCode}: {await response.Content.ReadAsStringAsync()}");
            }
        }
    }

    public void Dispose() => folder.Delete(recursive: true);

    private string PathOf(string form) => Path.Combine(folder.FullName, form + ".bodies");

    private static void WriteBody(FileStream file, Action<IBufferWriter<byte>> write)
    {
        var body = new ArrayBufferWriter<byte>(BodyBytes);
        write(body);
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, body.WrittenCount);
        file.Write(length);
        file.Write(body.WrittenSpan);
    }

    private static void WriteJson(LogBatch batch, IBufferWriter<byte> output)
    {
        using var json = new Utf8JsonWriter(output);
        json.WriteStartObject();
        json.WriteStartArray("streams"u8);
        var entries = batch.Entries.ToArray();
        foreach (var stream in entries.GroupBy(e => e.Stream))
        {
            json.WriteStartObject();
            json.WriteStartObject("stream"u8);
            foreach (var (name, value) in Labels.FromEncoded(batch.LabelsOf(stream.Key))) json.WriteString(name, value);
            json.WriteEndObject();
            json.WriteStartArray("values"u8);
            foreach (var entry in stream)
            {
                json.WriteStartArray();
                json.WriteStringValue(entry.TimestampNs.ToString(System.Globalization.CultureInfo.InvariantCulture));
                json.WriteStringValue(batch.LineOf(entry));
                json.WriteEndArray();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
