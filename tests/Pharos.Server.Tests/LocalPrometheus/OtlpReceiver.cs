using System.IO.Compression;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Pharos.Wire.Protobuf;

namespace Pharos.Server.Tests.LocalPrometheus;

/// <summary>A span as it came.</summary>
internal sealed record ReceivedSpan(
    string Service, string Scope, string TraceId, string Id, string ParentId, string Name, int Kind, ulong StartNs, ulong EndNs, IReadOnlyDictionary<string, string> Attributes, int Status);

/// <summary>Takes spans by OTLP over HTTP or gRPC and takes their protobuf apart.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication application;
    private readonly List<ReceivedSpan> spans = [];

    private OtlpReceiver(WebApplication application) => this.application = application;

    /// <summary>host:port.</summary>
    public string Address => new Uri(application.Urls.First()).Authority;

    public IReadOnlyList<ReceivedSpan> Spans
    {
        get
        {
            lock (spans) return [.. spans];
        }
    }

    /// <summary>Headers of the last request.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; private set; } = new Dictionary<string, string>();

    public static async Task<OtlpReceiver> StartAsync(bool grpc, X509Certificate2? certificate = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, l =>
        {
            l.Protocols = grpc ? HttpProtocols.Http2 : HttpProtocols.Http1;
            if (certificate is not null) l.UseHttps(certificate);
        }));
        var receiver = new OtlpReceiver(builder.Build());
        if (grpc) receiver.application.MapPost("/opentelemetry.proto.collector.trace.v1.TraceService/Export", receiver.GrpcAsync);
        else receiver.application.MapPost("/v1/traces", receiver.HttpAsync);
        await receiver.application.StartAsync();
        return receiver;
    }

    public async ValueTask DisposeAsync()
    {
        await application.StopAsync();
        await application.DisposeAsync();
    }

    private async Task HttpAsync(HttpContext http)
    {
        Headers = http.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase);
        Take(Unpack(await BodyAsync(http), http.Request.Headers.ContentEncoding == "gzip"));
        http.Response.ContentType = "application/x-protobuf";
    }

    private async Task GrpcAsync(HttpContext http)
    {
        Headers = http.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase);
        byte[] body = await BodyAsync(http);
        Take(Unpack(body[5..], body[0] == 1 && http.Request.Headers["grpc-encoding"] == "gzip"));
        http.Response.ContentType = "application/grpc";
        await http.Response.Body.WriteAsync(new byte[5]);
        http.Response.AppendTrailer("grpc-status", "0");
    }

    private static async Task<byte[]> BodyAsync(HttpContext http)
    {
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body);
        return body.ToArray();
    }

    private static byte[] Unpack(byte[] body, bool gzip)
    {
        if (!gzip) return body;
        using var plain = new MemoryStream();
        using var packed = new GZipStream(new MemoryStream(body), CompressionMode.Decompress);
        packed.CopyTo(plain);
        return plain.ToArray();
    }

    private void Take(byte[] body)
    {
        var request = new ProtoReader(body);
        while (request.Next())
        {
            if (request.Field == 1) Resource(request.Message());
            else request.Skip();
        }
    }

    private void Resource(ProtoReader resource)
    {
        string service = "";
        while (resource.Next())
        {
            if (resource.Field == 1) service = Attributes(resource.Message(), 1).GetValueOrDefault("service.name", "");
            else if (resource.Field == 2) Scope(resource.Message(), service);
            else resource.Skip();
        }
    }

    private void Scope(ProtoReader scope, string service)
    {
        string name = "";
        while (scope.Next())
        {
            if (scope.Field == 1)
            {
                var about = scope.Message();
                while (about.Next())
                {
                    if (about.Field == 1) name = Encoding.UTF8.GetString(about.Bytes());
                    else about.Skip();
                }
            }
            else if (scope.Field == 2)
            {
                var span = Span(scope.Message(), service, name);
                lock (spans) spans.Add(span);
            }
            else
            {
                scope.Skip();
            }
        }
    }

    private static ReceivedSpan Span(ProtoReader span, string service, string scope)
    {
        string trace = "", id = "", parent = "", name = "";
        int kind = 0, status = 0;
        ulong start = 0, end = 0;
        var attributes = Attributes(span, 9);
        while (span.Next())
        {
            if (span.Field == 1) trace = Convert.ToHexStringLower(span.Bytes());
            else if (span.Field == 2) id = Convert.ToHexStringLower(span.Bytes());
            else if (span.Field == 4) parent = Convert.ToHexStringLower(span.Bytes());
            else if (span.Field == 5) name = Encoding.UTF8.GetString(span.Bytes());
            else if (span.Field == 6) kind = span.Int32();
            else if (span.Field == 7) start = span.Fixed64();
            else if (span.Field == 8) end = span.Fixed64();
            else if (span.Field == 15) status = Status(span.Message());
            else span.Skip();
        }
        return new ReceivedSpan(service, scope, trace, id, parent, name, kind, start, end, attributes, status);
    }

    private static int Status(ProtoReader status)
    {
        int code = 0;
        while (status.Next())
        {
            if (status.Field == 3) code = status.Int32();
            else status.Skip();
        }
        return code;
    }

    /// <summary>Those that are texts or whole numbers.</summary>
    private static Dictionary<string, string> Attributes(ProtoReader message, int field)
    {
        var attributes = new Dictionary<string, string>();
        while (message.Next())
        {
            if (message.Field != field)
            {
                message.Skip();
                continue;
            }
            string key = "", value = "";
            var pair = message.Message();
            while (pair.Next())
            {
                if (pair.Field == 1)
                {
                    key = Encoding.UTF8.GetString(pair.Bytes());
                    continue;
                }
                var any = pair.Message();
                while (any.Next())
                {
                    if (any.Field == 1) value = Encoding.UTF8.GetString(any.Bytes());
                    else if (any.Field == 3) value = $"{any.Int64()}";
                    else any.Skip();
                }
            }
            attributes[key] = value;
        }
        return attributes;
    }
}
