using System.Buffers;
using System.IO.Compression;
using System.Net;
using Pharos.Core;
using Pharos.Wire.Exposition;

namespace Pharos.Collector.Scraping;

/// <summary>The body of one answer in a pooled array, decompressed under a limit.</summary>
internal sealed class ScrapeBody : IDisposable
{
    /// <summary>Holds where no body_size_limit is set, so that no target can take all memory.</summary>
    private const long HardLimit = 256L << 20;

    private byte[] bytes;
    private int length;

    private ScrapeBody(byte[] bytes, ExpositionFormat format)
    {
        this.bytes = bytes;
        Format = format;
    }

    public ReadOnlySpan<byte> Span => bytes.AsSpan(0, length);

    public int Length => length;

    public ExpositionFormat Format { get; }

    /// <exception cref="ScrapeException">The target answered with an error, an unknown format or too much.</exception>
    public static async Task<ScrapeBody> FetchAsync(HttpClient client, ScrapeTarget target, ScrapeOptions options, int sizeHint, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, target.Url);
        request.Headers.TryAddWithoutValidation("Accept", Accept(options));
        request.Headers.TryAddWithoutValidation("Accept-Encoding", options.EnableCompression ? "gzip" : "identity");
        request.Headers.TryAddWithoutValidation("User-Agent", "Prometheus/3.5.0 (pharos)");
        request.Headers.TryAddWithoutValidation("X-Prometheus-Scrape-Timeout-Seconds", GoFloat.Format(target.Timeout.TotalSeconds));
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel);
        if (response.StatusCode != HttpStatusCode.OK)
            throw new ScrapeException($"server returned HTTP status {(int)response.StatusCode} {response.ReasonPhrase}");
        var format = FormatOf(response.Content.Headers.ContentType?.ToString() ?? "", options);
        await using var raw = await response.Content.ReadAsStreamAsync(cancel);
        bool gzip = response.Content.Headers.ContentEncoding.Contains("gzip", StringComparer.OrdinalIgnoreCase);
        await using var plain = gzip ? new GZipStream(raw, CompressionMode.Decompress) : raw;
        var body = new ScrapeBody(ArrayPool<byte>.Shared.Rent(Math.Max(sizeHint, 4096)), format);
        try
        {
            await body.ReadAsync(plain, options.BodySizeLimit > 0 ? Math.Min(options.BodySizeLimit, HardLimit) : HardLimit, cancel);
        }
        catch (InvalidDataException e)
        {
            body.Dispose();
            throw new ScrapeException($"the body is no valid gzip: {e.Message}");
        }
        catch
        {
            body.Dispose();
            throw;
        }
        return body;
    }

    public void Dispose()
    {
        if (bytes.Length > 0) ArrayPool<byte>.Shared.Return(bytes);
        bytes = [];
        length = 0;
    }

    private async Task ReadAsync(Stream stream, long limit, CancellationToken cancel)
    {
        while (true)
        {
            if (length == bytes.Length)
            {
                var larger = ArrayPool<byte>.Shared.Rent(bytes.Length * 2);
                bytes.AsSpan(0, length).CopyTo(larger);
                ArrayPool<byte>.Shared.Return(bytes);
                bytes = larger;
            }
            int read = await stream.ReadAsync(bytes.AsMemory(length), cancel);
            if (read == 0) return;
            length += read;
            if (length > limit) throw new ScrapeException($"body size limit exceeded: more than {limit} bytes (body_size_limit)", ScrapeFault.BodySizeLimit);
        }
    }

    private static string Accept(ScrapeOptions options)
    {
        string escaping = options.EscapingScheme is { Length: > 0 } given ? given : options.LegacyNames ? "underscores" : "allow-utf-8";
        int weight = 6;
        var parts = new List<string>();
        IEnumerable<ScrapeProtocol> protocols = options.Protocols;
        if (options.ScrapeNativeHistograms && !options.Protocols.Contains(ScrapeProtocol.PrometheusProto)) protocols = protocols.Prepend(ScrapeProtocol.PrometheusProto);
        foreach (var protocol in protocols)
        {
            string media = protocol switch
            {
                ScrapeProtocol.PrometheusProto => "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
                ScrapeProtocol.OpenMetricsText100 => $"application/openmetrics-text;version=1.0.0;escaping={escaping}",
                ScrapeProtocol.OpenMetricsText001 => "application/openmetrics-text;version=0.0.1",
                ScrapeProtocol.PrometheusText100 => $"text/plain;version=1.0.0;escaping={escaping}",
                _ => "text/plain;version=0.0.4",
            };
            parts.Add($"{media};q=0.{weight--}");
        }
        return string.Join(',', parts.Append($"*/*;q=0.{weight}"));
    }

    private static ExpositionFormat FormatOf(string contentType, ScrapeOptions options)
    {
        string media = contentType.Split(';')[0].Trim().ToLowerInvariant();
        return media switch
        {
            "text/plain" => ExpositionFormat.Text,
            "application/openmetrics-text" => ExpositionFormat.OpenMetrics,
            "application/vnd.google.protobuf" => ExpositionFormat.Protobuf,
            _ => options.FallbackProtocol switch
            {
                ScrapeProtocol.PrometheusProto => ExpositionFormat.Protobuf,
                ScrapeProtocol.OpenMetricsText100 or ScrapeProtocol.OpenMetricsText001 => ExpositionFormat.OpenMetrics,
                not null => ExpositionFormat.Text,
                null => throw new ScrapeException(contentType.Length == 0
                    ? "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target"
                    : $"received unsupported Content-Type \"{contentType}\" and no fallback_scrape_protocol specified for target"),
            },
        };
    }
}
