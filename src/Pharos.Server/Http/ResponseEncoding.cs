using System.IO.Compression;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.ResponseCompression;
using Microsoft.Extensions.DependencyInjection;
using Pharos.Wire.Compression;

namespace Pharos.Server.Http;

/// <summary>Packs answers for clients that ask for it: zstd where libzstd is there, else gzip. Streamed answers stay streamed.</summary>
internal static class ResponseEncoding
{
    public static void Add(IServiceCollection services)
    {
        services.AddResponseCompression(options =>
        {
            options.EnableForHttps = true;
            options.MimeTypes = [.. ResponseCompressionDefaults.MimeTypes, "application/x-ndjson"];
            if (Zstd.IsAvailable) options.Providers.Add<ZstdProvider>();
            options.Providers.Add<GzipCompressionProvider>();
        });
        services.Configure<GzipCompressionProviderOptions>(o => o.Level = CompressionLevel.Fastest);
    }

    public static void UseResponseEncoding(this IApplicationBuilder application) => application.UseResponseCompression();

    private sealed class ZstdProvider : ICompressionProvider
    {
        public string EncodingName => "zstd";

        public bool SupportsFlush => true;

        public Stream CreateStream(Stream outputStream) => new ZstdFrames(outputStream);
    }
}

/// <summary>Packs what is written into zstd frames, one after the other; readers see the frames as one stream.</summary>
internal sealed class ZstdFrames(Stream output) : Stream
{
    /// <summary>Bytes of one frame before packing.</summary>
    private const int FrameBytes = 128 << 10;

    private const int Level = 3;

    private readonly byte[] pending = new byte[FrameBytes];
    private byte[] packed = [];
    private int count;

    public override bool CanRead => false;
    public override bool CanSeek => false;
    public override bool CanWrite => true;
    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            buffer = Fill(buffer);
            if (count == pending.Length) output.Write(Pack().Span);
        }
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!buffer.IsEmpty)
        {
            buffer = buffer[^Fill(buffer.Span).Length..];
            if (count == pending.Length) await output.WriteAsync(Pack(), cancellationToken);
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
        if (count > 0) output.Write(Pack().Span);
        output.Flush();
    }

    public override async Task FlushAsync(CancellationToken cancellationToken)
    {
        if (count > 0) await output.WriteAsync(Pack(), cancellationToken);
        await output.FlushAsync(cancellationToken);
    }

    public override async ValueTask DisposeAsync()
    {
        if (count > 0) await output.WriteAsync(Pack());
        await base.DisposeAsync();
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing && count > 0) output.Write(Pack().Span);
        base.Dispose(disposing);
    }

    /// <summary>Takes what fits; gives back the rest.</summary>
    private ReadOnlySpan<byte> Fill(ReadOnlySpan<byte> from)
    {
        int taken = Math.Min(from.Length, pending.Length - count);
        from[..taken].CopyTo(pending.AsSpan(count));
        count += taken;
        return from[taken..];
    }

    private ReadOnlyMemory<byte> Pack()
    {
        if (packed.Length == 0) packed = new byte[Zstd.CompressedBytesMax(FrameBytes)];
        int length = Zstd.Compress(pending.AsSpan(0, count), packed, Level);
        count = 0;
        return packed.AsMemory(0, length);
    }
}
