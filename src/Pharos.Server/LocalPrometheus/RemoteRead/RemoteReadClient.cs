using System.Buffers;
using System.Net.Http.Headers;
using Pharos.Collector;
using Pharos.Core;
using Pharos.Metrics.Chunks;
using Pharos.Wire;
using Pharos.Wire.Compression;
using Pharos.Wire.Protobuf;
using Pharos.Wire.RemoteRead;

namespace Pharos.Server.LocalPrometheus;

/// <summary>Asks one remote for series. Answers come as streamed chunks or, from remotes that have none, as samples.</summary>
internal sealed class RemoteReadClient : IDisposable
{
    /// <summary>Of one frame, as Prometheus limits them (storage.remote.read-max-bytes-in-frame is far below).</summary>
    private const int FrameBytesMax = 50 << 20;

    /// <summary>Of an answer in samples, packed and unpacked.</summary>
    private const int BodyBytesMax = 512 << 20;

    /// <summary>As many as a query may hold.</summary>
    private const long SamplesMax = 50_000_000;

    private const int ErrorCharsMax = 512;

    private readonly RemoteReadTarget target;
    private readonly HttpClient client;
    private readonly TimeProvider time;
    private readonly Counter queries;
    private readonly Gauge running;
    private readonly HistogramInstrument durations;

    public RemoteReadClient(RemoteReadTarget target, HttpHandlerFactory http, TimeProvider time, Instruments instruments)
    {
        this.target = target;
        this.time = time;
        client = new HttpClient(http(target.Http)) { Timeout = Timeout.InfiniteTimeSpan };
        queries = instruments.Counter("prometheus_remote_storage_read_queries_total", "The total number of remote read queries.", "remote_name", "url", "code");
        running = instruments.Gauge("prometheus_remote_storage_remote_read_queries", "The number of in-flight remote read queries.", "remote_name", "url");
        durations = instruments.Histogram(
            "prometheus_remote_storage_read_request_duration_seconds", "Histogram of the latency for remote read requests.", HistogramInstrument.DefaultBounds, "remote_name", "url");
    }

    public RemoteReadTarget Target => target;

    public void Dispose() => client.Dispose();

    /// <summary>The series of a query with their samples, sorted by labels.</summary>
    /// <exception cref="IOException">The remote did not answer in time or not with success, or its answer cannot be read.</exception>
    public async Task<IReadOnlyList<RemoteSeries>> ReadAsync(RemoteReadQuery query, CancellationToken cancel)
    {
        using var limit = new CancellationTokenSource(target.RemoteTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancel, limit.Token);
        string[] names = [target.Name, target.Url.ToString()];
        string code = "0";
        long started = time.GetTimestamp();
        running.With(names).Add(1);
        try
        {
            using var request = Request(query);
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, both.Token);
            code = $"{(int)response.StatusCode}";
            if (!response.IsSuccessStatusCode)
            {
                string text = (await response.Content.ReadAsStringAsync(both.Token)).Trim();
                throw new IOException($"remote server {target.Url} returned http status {code}: {(text.Length > ErrorCharsMax ? text[..ErrorCharsMax] : text)}");
            }
            var found = new Dictionary<Labels, RemoteSeries>();
            string type = response.Content.Headers.ContentType?.MediaType ?? "";
            await using var body = new BufferedStream(await response.Content.ReadAsStreamAsync(both.Token), 64 << 10);
            if (type == "application/x-protobuf") await SamplesAsync(body, found, both.Token);
            else if (type == "application/x-streamed-protobuf") await ChunksAsync(body, query.Range, found, both.Token);
            else throw new IOException($"remote server {target.Url} answered with content type \"{response.Content.Headers.ContentType}\"");
            return [.. found.Values.OrderBy(s => s.Labels)];
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new IOException($"remote server {target.Url} did not answer within {target.RemoteTimeout.TotalSeconds} s");
        }
        catch (Exception e) when (e is HttpRequestException or WireFormatException or InvalidDataException)
        {
            throw new IOException($"remote server {target.Url}: {e.Message}", e);
        }
        finally
        {
            running.With(names).Add(-1);
            queries.With(target.Name, target.Url.ToString(), code).Add(1);
            durations.Observe(time.GetElapsedTime(started).TotalSeconds, names);
        }
    }

    private HttpRequestMessage Request(RemoteReadQuery query)
    {
        using var message = new ProtoBuffer();
        RemoteReadRequest.Encode(message, query);
        var packed = new ArrayBufferWriter<byte>();
        SnappyBlock.Encode(message.Written, packed);
        var request = new HttpRequestMessage(HttpMethod.Post, target.Url) { Content = new ByteArrayContent(packed.WrittenMemory.ToArray()) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/x-protobuf");
        request.Content.Headers.ContentEncoding.Add("snappy");
        request.Headers.TryAddWithoutValidation("Accept-Encoding", "snappy");
        request.Headers.TryAddWithoutValidation("X-Prometheus-Remote-Read-Version", "0.1.0");
        request.Headers.TryAddWithoutValidation("User-Agent", "Pharos");
        foreach (var (name, value) in target.Headers) request.Headers.TryAddWithoutValidation(name, value);
        return request;
    }

    private static async Task SamplesAsync(Stream body, Dictionary<Labels, RemoteSeries> found, CancellationToken cancel)
    {
        using var packed = new MemoryStream();
        var part = new byte[81920];
        for (int read; (read = await body.ReadAsync(part, cancel)) > 0;)
        {
            if (packed.Length + read > BodyBytesMax) throw new InvalidDataException($"the answer is larger than {BodyBytesMax} bytes");
            packed.Write(part, 0, read);
        }
        byte[] message = SnappyBlock.Decode(packed.GetBuffer().AsSpan(0, (int)packed.Length), BodyBytesMax, out int length);
        try
        {
            RemoteReadReader.Samples(message.AsSpan(0, length), labels => Series(found, labels).Samples);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(message);
        }
    }

    private static async Task ChunksAsync(Stream body, TimeRange range, Dictionary<Labels, RemoteSeries> found, CancellationToken cancel)
    {
        var head = new byte[14];
        int have = 0;
        long samples = 0;
        while (true)
        {
            ulong length;
            int headBytes;
            uint checksum;
            while (!RemoteReadReader.TryFrame(head.AsSpan(0, have), out length, out headBytes, out checksum))
            {
                int read = await body.ReadAsync(head.AsMemory(have, 1), cancel);
                if (read == 0 && have == 0) return;
                if (read == 0) throw new InvalidDataException("the stream of chunks ends within a frame");
                have += read;
            }
            have = 0;
            if (length > FrameBytesMax) throw new InvalidDataException($"a frame of {length} bytes is larger than {FrameBytesMax}");
            byte[] frame = ArrayPool<byte>.Shared.Rent((int)length);
            try
            {
                await body.ReadExactlyAsync(frame.AsMemory(0, (int)length), cancel);
                var message = frame.AsSpan(0, (int)length);
                if (Crc32C.Of(message) != checksum) throw new InvalidDataException("a frame is damaged: its checksum is another");
                RemoteReadReader.Chunks(message, labels =>
                {
                    var into = Series(found, labels).Samples;
                    return (encoding, data) =>
                    {
                        int before = into.Count;
                        SeriesChunks.Decode(encoding, data, range, into);
                        samples += into.Count - before;
                        if (samples > SamplesMax) throw new InvalidDataException($"the answer holds more than {SamplesMax} samples; query a shorter range");
                    };
                });
            }
            catch (EndOfStreamException e)
            {
                throw new InvalidDataException("the stream of chunks ends within a frame", e);
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(frame);
            }
        }
    }

    private static RemoteSeries Series(Dictionary<Labels, RemoteSeries> found, Labels labels)
    {
        if (!found.TryGetValue(labels, out var series)) found[labels] = series = new RemoteSeries(labels);
        return series;
    }
}
