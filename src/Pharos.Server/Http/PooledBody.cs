using System.Buffers;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Pharos.Server.Http;

/// <summary>A request body in one pooled array, read under a limit. Dispose gives the array back.</summary>
internal sealed class PooledBody : IDisposable
{
    private byte[] bytes;
    private int length;

    private PooledBody(byte[] bytes) => this.bytes = bytes;

    public ReadOnlySpan<byte> Span => bytes.AsSpan(0, length);

    public ReadOnlyMemory<byte> Memory => bytes.AsMemory(0, length);

    /// <summary>The body as a stream, good until this is disposed of.</summary>
    public Stream ToStream() => new MemoryStream(bytes, 0, length, writable: false);

    /// <summary>Reads to the end; null where the body is larger than the limit, of which no more than that is then read.</summary>
    public static async ValueTask<PooledBody?> ReadAsync(HttpContext http, int bytesMax, CancellationToken cancel)
    {
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = null;
        if (http.Request.ContentLength > bytesMax) return null;
        int expected = (int)(http.Request.ContentLength ?? Math.Min(64 * 1024, bytesMax));
        var body = new PooledBody(ArrayPool<byte>.Shared.Rent(Math.Max(expected + 1, 1024)));
        try
        {
            while (true)
            {
                if (body.length == body.bytes.Length) body.Grow();
                int read = await http.Request.Body.ReadAsync(body.bytes.AsMemory(body.length), cancel);
                if (read == 0) return body;
                body.length += read;
                if (body.length <= bytesMax) continue;
                body.Dispose();
                return null;
            }
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        if (bytes.Length > 0) ArrayPool<byte>.Shared.Return(bytes);
        bytes = [];
        length = 0;
    }

    private void Grow()
    {
        var larger = ArrayPool<byte>.Shared.Rent(bytes.Length * 2);
        bytes.AsSpan(0, length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(bytes);
        bytes = larger;
    }
}
