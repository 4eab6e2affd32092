using System.Security.Cryptography;
using System.Text;
using Pharos.Collector.LokiWriting;
using Pharos.Collector.Runtime;
using Pharos.Core;
using static Pharos.Collector.Runtime.ArgumentType;
using static Pharos.Collector.Runtime.Schema;

namespace Pharos.Collector.Components;

/// <summary><c>loki.write</c></summary>
internal static class LokiWriteComponent
{
    private const string OnDisk = "lines wait in a queue on disk";

    public static ComponentDescriptor Descriptor { get; } = ComponentDescriptor.Of(
        "loki.write",
        "Sends log lines to Loki-compatible endpoints, over a queue on disk.",
        Body(
            May("external_labels", TextMap, "Labels of lines that do not have them."),
            Refuse("max_streams", "limit streams where they are stored"),
            Many("endpoint",
                Must("url", Text), May("name", Text), May("tenant_id", Text), May("headers", TextMap),
                May("batch_wait", Duration, "1s", ""), May("batch_size", Size, "1MiB", ""), May("remote_timeout", Duration, "10s", ""),
                May("min_backoff_period", Duration, "500ms", ""), May("max_backoff_period", Duration, "5m", ""),
                May("max_backoff_retries", Integer, 0, "Tries before a batch is dropped; 0 keeps it on disk until the endpoint is back."),
                May("retry_on_http_429", true, ""),
                RefuseBlock("queue_config", OnDisk),
                HttpArguments.Client),
            One("wal",
                new ArgumentAttribute("enabled", Flag) { Default = Evaluation.Value.Of(true), About = "Always on." },
                Refuse("max_segment_age", OnDisk), Refuse("min_read_frequency", OnDisk), Refuse("max_read_frequency", OnDisk), Refuse("drain_timeout", OnDisk))),
        [new ComponentExport("receiver", Capsules.Logs)],
        Bind,
        (context, _, options) => new Instance(context, options));

    private sealed record Binding(IReadOnlyList<(string Name, LokiWriterOptions Options)> Endpoints);

    private static Binding Bind(Arguments a)
    {
        if (a.Block("wal") is { } wal && !wal.Flag("enabled")) throw wal.Wrong("enabled", "the queue on disk cannot be switched off");
        var external = Labels.Of(a.TextMap("external_labels"));
        var endpoints = new List<(string, LokiWriterOptions)>();
        foreach (var e in a.Blocks("endpoint"))
        {
            // The name is a folder, so that an endpoint keeps its queue when others come and go.
            string name = e.TextOrNull("name") ?? Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{e.Text("url")}\n{e.Text("tenant_id")}")))[..8];
            if (endpoints.Exists(o => o.Item1 == name)) throw e.Wrong("name", $"two endpoints have the name {GoString.Quote(name)}", "give each its own name");
            endpoints.Add((name, new LokiWriterOptions
            {
                Url = e.Url("url"),
                QueueFolder = "",
                TenantId = e.Text("tenant_id"),
                Http = HttpArguments.Read(e),
                Headers = e.TextMap("headers"),
                ExternalLabels = external,
                BatchWait = e.PositiveDuration("batch_wait"),
                BatchBytes = Math.Max(1, e.Size("batch_size")),
                RemoteTimeout = e.PositiveDuration("remote_timeout"),
                BackoffMin = e.PositiveDuration("min_backoff_period"),
                BackoffMax = e.PositiveDuration("max_backoff_period"),
                RetriesMax = e.Integer("max_backoff_retries", 0),
                RetryOn429 = e.Flag("retry_on_http_429"),
            }));
        }
        return new Binding(endpoints);
    }

    private sealed class Instance : WorkerInstance<Binding, IReadOnlyList<LokiWriter>>, ILogsReceiver
    {
        public Instance(ComponentContext context, Binding options)
            : base(context, options) => Export("receiver", Capsules.Of((ILogsReceiver)this));

        public ValueTask AppendAsync(LogBatch batch, CancellationToken cancel) => UseAsync(
            async (writers, both) =>
            {
                foreach (var writer in writers) await writer.AppendAsync(batch, both).ConfigureAwait(false);
            }, cancel);

        protected override IReadOnlyList<LokiWriter> Open(Binding options) =>
        [
            .. options.Endpoints.Select(e => new LokiWriter(
                e.Options with { QueueFolder = Path.Combine(Context.DataFolder, Uri.EscapeDataString(e.Name)) },
                Context.Http, Context.Time, Context.Instruments, Context.Logger)),
        ];

        protected override Task RunAsync(IReadOnlyList<LokiWriter> worker, CancellationToken cancel) =>
            worker.Count == 0 ? WaitAsync(cancel) : Task.WhenAll(worker.Select(w => w.RunAsync(cancel)));

        protected override ValueTask CloseAsync(IReadOnlyList<LokiWriter> worker)
        {
            foreach (var writer in worker) writer.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
