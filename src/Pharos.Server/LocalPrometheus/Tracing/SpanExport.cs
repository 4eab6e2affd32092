using System.Diagnostics;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Pharos.Collector;
using Pharos.Server.Hosting;

namespace Pharos.Server.LocalPrometheus.Tracing;

/// <summary>
/// The spans of one host and their way to a receiver. Without a <c>tracing</c> section none are made. Their times are the machine's:
/// they measure what really took how long.
/// </summary>
/// <param name="name">Of the host: no other in the process has it, for spans are told apart by it.</param>
internal sealed partial class SpanExport(string name, HttpHandlerFactory http, ILogger logger) : IAsyncDisposable
{
    private TracerProvider? provider;
    private string configured = "";

    /// <summary>Where every span of this host begins.</summary>
    public ActivitySource Source { get; } = new(name, ProductVersion.Text);

    /// <summary>Sends to another receiver from now on. What the one before has not got yet is sent to it first, for five seconds at most.</summary>
    public void Use(TracingSettings? settings)
    {
        string wanted = settings is null ? "" : ConfigText.Of(settings);
        if (wanted == configured) return;
        provider?.Dispose();
        provider = settings is null ? null : Sdk.CreateTracerProviderBuilder()
            .SetResourceBuilder(ResourceBuilder.CreateDefault().AddService("prometheus", serviceVersion: ProductVersion.Text))
            .SetSampler(new ParentBasedSampler(new TraceIdRatioBasedSampler(settings.SamplingFraction)))
            .AddSource(name)
#pragma warning disable CA2000 // The provider disposes of its processors, and they of their exporter.
            .AddProcessor(new BatchActivityExportProcessor(new LoudExporter(Options(settings), settings.Endpoint, logger)))
#pragma warning restore CA2000
            .Build();
        configured = wanted;
    }

    public ValueTask DisposeAsync()
    {
        Use(null);
        Source.Dispose();
        return ValueTask.CompletedTask;
    }

    private OtlpExporterOptions Options(TracingSettings settings) => new()
    {
        Endpoint = settings.Endpoint,
        Protocol = settings.Grpc ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf,
        Compression = settings.Gzip ? OtlpExportCompression.GZip : OtlpExportCompression.None,
        TimeoutMilliseconds = (int)settings.Timeout.TotalMilliseconds,
        HttpClientFactory = () =>
        {
            var client = new HttpClient(http(HttpClientOptions.Default with { Tls = settings.Tls })) { Timeout = settings.Timeout };
            foreach (var (key, value) in settings.Headers) client.DefaultRequestHeaders.TryAddWithoutValidation(key, value);
            return client;
        },
    };

    [LoggerMessage(7106, LogLevel.Warning, "Spans cannot be sent to {Endpoint}; they are dropped until it takes them again. Is an OTLP receiver there, and do client_type, insecure and tls_config fit it?")]
    private static partial void Failing(ILogger logger, Uri endpoint);

    [LoggerMessage(7107, LogLevel.Information, "Spans are sent to {Endpoint} again")]
    private static partial void Working(ILogger logger, Uri endpoint);

    /// <summary>Says once when spans are lost.</summary>
    private sealed class LoudExporter(OtlpExporterOptions options, Uri endpoint, ILogger logger) : OtlpTraceExporter(options)
    {
        private bool failing;

        public override ExportResult Export(in Batch<Activity> batch)
        {
            var result = base.Export(batch);
            bool fails = result != ExportResult.Success;
            if (fails && !failing) Failing(logger, endpoint);
            else if (failing && !fails) Working(logger, endpoint);
            failing = fails;
            return result;
        }
    }
}
