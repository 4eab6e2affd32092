using System.Buffers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pharos.Core;
using Pharos.Metrics.Chunks;
using Pharos.Server.Http;
using Pharos.Wire;
using Pharos.Wire.Compression;
using Pharos.Wire.Protobuf;
using Pharos.Wire.RemoteRead;

namespace Pharos.Server.Prometheus;

/// <summary>
/// Remote read: <c>POST /api/v1/read</c>, answers in samples or in streamed chunks. 400 where the request cannot be read or asks for too
/// many samples, 413 over the size limit.
/// </summary>
internal sealed class RemoteReadRoutes(IMetricQueryable store, ITenantLimits limits, Func<Labels> externalLabels)
{
    private const int BodyBytesMax = 32 << 20;

    /// <summary>Prometheus: storage.remote.read-sample-limit.</summary>
    private const long SamplesMax = 50_000_000;

    /// <summary>Prometheus: storage.remote.read-max-bytes-in-frame.</summary>
    private const int FrameBytesMax = 1 << 20;

    /// <summary>Prometheus: storage.remote.read-concurrent-limit.</summary>
    private const int ReadersMax = 10;

    private readonly SemaphoreSlim gate = new(ReadersMax, ReadersMax);

    /// <param name="externalLabels">Those of this process, as of now; empty for none.</param>
    public static void Map(IEndpointRouteBuilder routes, IMetricQueryable store, ITenantLimits limits, Func<Labels> externalLabels) =>
        routes.MapPost("/api/v1/read", new RemoteReadRoutes(store, limits, externalLabels).ReadAsync);

    private async Task ReadAsync(HttpContext http)
    {
        using var body = await PooledBody.ReadAsync(http, BodyBytesMax, http.RequestAborted);
        if (body is null)
        {
            await ErrorAsync(http, StatusCodes.Status413PayloadTooLarge, $"the request body is larger than {BodyBytesMax} bytes");
            return;
        }
        await gate.WaitAsync(http.RequestAborted);
        try
        {
            var request = Decode(body.Span);
            if (request.Type == RemoteReadType.Samples) await SamplesAsync(http, request);
            else await ChunksAsync(http, request);
        }
        catch (WireFormatException e)
        {
            await ErrorAsync(http, StatusCodes.Status400BadRequest, e.Message);
        }
        // Once the first frame is out there is no status left to change: the connection breaks, and the reader sees a torn stream.
        catch (QueryException e) when (!http.Response.HasStarted)
        {
            await ErrorAsync(http, e.Kind is QueryErrorKind.BadData or QueryErrorKind.Execution ? StatusCodes.Status400BadRequest : StatusCodes.Status500InternalServerError, e.Message);
        }
        finally
        {
            gate.Release();
        }
    }

    private static RemoteReadRequest Decode(ReadOnlySpan<byte> packed)
    {
        byte[] message = SnappyBlock.Decode(packed, BodyBytesMax, out int length);
        try
        {
            return RemoteReadRequest.Decode(message.AsSpan(0, length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(message);
        }
    }

    private async Task SamplesAsync(HttpContext http, RemoteReadRequest request)
    {
        using var answer = new ProtoBuffer();
        using var samples = new SampleColumns();
        long total = 0;
        foreach (var query in request.Queries)
        {
            int result = answer.Begin(1);
            foreach (var (labels, series) in Select(http, query))
            {
                samples.Clear();
                series.Read(query.Range, samples);
                if (samples.Count == 0) continue;
                Count(http, ref total, samples.Count);
                RemoteReadWriter.Series(answer, 1, labels, samples);
            }
            answer.End(result);
        }
        http.Response.ContentType = RemoteReadWriter.SamplesContentType;
        http.Response.Headers.ContentEncoding = "snappy";
        SnappyBlock.Encode(answer.Written, http.Response.BodyWriter);
        await http.Response.BodyWriter.FlushAsync(http.RequestAborted);
    }

    private async Task ChunksAsync(HttpContext http, RemoteReadRequest request)
    {
        http.Response.ContentType = RemoteReadWriter.ChunksContentType;
        using var frame = new ProtoBuffer();
        using var samples = new SampleColumns();
        for (int query = 0; query < request.Queries.Count; query++)
        {
            foreach (var (labels, series) in Select(http, request.Queries[query]))
            {
                samples.Clear();
                series.Read(request.Queries[query].Range, samples);
                if (samples.Count == 0) continue;
                var chunks = SeriesChunks.Encode(samples);
                for (int next = 0; next < chunks.Count;)
                {
                    frame.Clear();
                    int open = RemoteReadWriter.BeginChunked(frame, labels);
                    do
                    {
                        var chunk = chunks[next++];
                        RemoteReadWriter.Chunk(frame, chunk.Encoding, chunk.MinMs, chunk.MaxMs, chunk.Data.Span);
                    }
                    while (next < chunks.Count && frame.Length + chunks[next].Data.Length < FrameBytesMax);
                    frame.End(open);
                    RemoteReadWriter.QueryIndex(frame, query);
                    await FrameAsync(http, frame);
                }
            }
        }
    }

    private static async Task FrameAsync(HttpContext http, ProtoBuffer frame)
    {
        var to = http.Response.BodyWriter;
        to.Advance(RemoteReadWriter.FrameHead(frame.Written, to.GetSpan(16)));
        to.Write(frame.Written);
        await to.FlushAsync(http.RequestAborted);
    }

    /// <summary>The series of a query by the labels that the reader is to see, sorted by them.</summary>
    private IReadOnlyList<(Labels Labels, ISeries Series)> Select(HttpContext http, RemoteReadQuery query)
    {
        var outside = externalLabels();
        // A reader that asks for our own external label means this whole store.
        var matchers = query.Matchers.Select(m => m.Op == MatchOp.Equal && m.Value.Length > 0 && outside[m.Name] == m.Value ? new Matcher(MatchOp.Equal, m.Name, "") : m).ToList();
        var selected = store.Select(http.Tenant(), matchers, query.Range, query.Hints, http.RequestAborted);
        if (outside.IsEmpty) return [.. selected.Select(s => (s.Labels, s))];
        return [.. selected.Select(s => (Labels: ExternalLabels.AddTo(s.Labels, outside), Series: s)).OrderBy(s => s.Labels)];
    }

    private void Count(HttpContext http, ref long total, int more)
    {
        long allowed = limits.For(http.Tenant()).QuerySamplesMax is > 0 and < SamplesMax and var own ? own : SamplesMax;
        total += more;
        if (total > allowed) throw new QueryException(QueryErrorKind.Execution, $"exceeded sample limit ({allowed}); read a shorter range, or ask for streamed chunks");
    }

    private static async Task ErrorAsync(HttpContext http, int status, string message)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "text/plain; charset=utf-8";
        await http.Response.WriteAsync(message + "\n", http.RequestAborted);
    }
}
