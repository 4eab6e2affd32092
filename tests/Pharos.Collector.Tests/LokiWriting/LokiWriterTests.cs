using System.Net;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Collector.LokiWriting;
using Pharos.Core;
using Pharos.Wire.Loki;

namespace Pharos.Collector.Tests.LokiWriting;

public sealed class LokiWriterTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Lines_wait_on_disk_while_the_receiver_is_down_and_arrive_in_order_after_a_restart()
    {
        using var folder = Places.NewFolder();
        var time = new ManualTimeProvider();
        var receiver = new FakeLoki(time) { Status = HttpStatusCode.ServiceUnavailable };
        using (var writer = Writer(folder, receiver, time))
        {
            using var stop = new CancellationTokenSource();
            await writer.AppendAsync(Batch(("job", "a"), "one", "two"), Cancel);
            var running = writer.RunAsync(stop.Token);
            await receiver.AfterAsync(3);
            await stop.CancelAsync();
            await running;
        }
        Assert.Empty(receiver.Stored);
        receiver.Status = HttpStatusCode.NoContent;
        using (var writer = Writer(folder, receiver, time))
        {
            using var stop = new CancellationTokenSource();
            await writer.AppendAsync(Batch(("job", "a"), "three"), Cancel);
            int before = receiver.Requests;
            var running = writer.RunAsync(stop.Token);
            await receiver.AfterAsync(before + 1);
            await stop.CancelAsync();
            await running;
        }
        Assert.Equal(["""team {cluster="eu", job="a"} one""", """team {cluster="eu", job="a"} two""", """team {cluster="eu", job="a"} three"""], receiver.Stored);
    }

    [Fact]
    public async Task A_batch_that_is_refused_for_good_is_dropped_and_counted_and_the_next_goes_on()
    {
        using var folder = Places.NewFolder();
        var time = new ManualTimeProvider();
        var receiver = new FakeLoki(time) { Status = HttpStatusCode.BadRequest };
        var instruments = new Instruments();
        using var writer = Writer(folder, receiver, time, instruments);
        using var stop = new CancellationTokenSource();
        await writer.AppendAsync(Batch(("job", "a"), "bad"), Cancel);
        var running = writer.RunAsync(stop.Token);
        await receiver.AfterAsync(1);
        receiver.Status = HttpStatusCode.NoContent;
        await writer.AppendAsync(Batch(("__tenant_id__", "other"), "good"), Cancel);
        await receiver.AfterAsync(2);
        await stop.CancelAsync();
        await running;
        Assert.Equal(["""other {cluster="eu"} good"""], receiver.Stored);
        Assert.Equal(1, instruments.Read().Single(f => f.Name == "loki_write_dropped_entries_total").Cells.Single().Value);
    }

    private static LokiWriter Writer(string folder, FakeLoki receiver, TimeProvider time, Instruments? instruments = null) => new(
        new LokiWriterOptions
        {
            Url = new Uri("http://loki.example/loki/api/v1/push"),
            QueueFolder = folder,
            TenantId = "team",
            ExternalLabels = Labels.Of(("cluster", "eu")),
        },
        _ => receiver, time, instruments ?? new Instruments(), NullLogger.Instance);

    private static LogBatch Batch((string, string) label, params string[] lines)
    {
        var batch = new LogBatch();
        int stream = batch.AddStream(Labels.Of(label));
        for (int i = 0; i < lines.Length; i++) batch.AddEntry(stream, i + 1, Encoding.UTF8.GetBytes(lines[i]));
        return batch;
    }

    private sealed class FakeLoki : HttpMessageHandler
    {
        /// <summary>Less than the writer gives a request, more than it waits before one.</summary>
        private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(5);

        private readonly Changes changes = new();
        private readonly ManualTimeProvider time;
        private int requests;

        public FakeLoki(ManualTimeProvider time)
        {
            this.time = time;
            time.TimerSet += changes.Signal;
        }

        public HttpStatusCode Status { get; set; }

        public int Requests => Volatile.Read(ref requests);

        public List<string> Stored { get; } = [];

        /// <summary>Moves the clock from wait to wait until that many requests have come.</summary>
        public async Task AfterAsync(int count)
        {
            while (Requests < count)
            {
                await changes.UntilAsync(() => Requests >= count || NextWait() is not null, () => $"{Requests} of {count} requests came");
                if (Requests < count && NextWait() is { } wait) time.Advance(wait);
            }
        }

        /// <summary>How long the writer waits for its next turn; null while it does not, or a request is on its way.</summary>
        private TimeSpan? NextWait() => time.NextDue - time.GetUtcNow() is { } wait && wait <= LongestWait ? wait : null;

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            byte[] body = await request.Content!.ReadAsByteArrayAsync(cancellationToken);
            if (Status == HttpStatusCode.NoContent)
            {
                using var batch = new LogBatch();
                LokiPushDecoder.DecodeProtobuf(body, new LokiPushOptions(), batch);
                foreach (var entry in batch.Entries)
                {
                    string tenant = request.Headers.GetValues("X-Scope-OrgID").Single();
                    Stored.Add($"{tenant} {Labels.FromEncoded(batch.LabelsOf(entry.Stream))} {Encoding.UTF8.GetString(batch.LineOf(entry))}");
                }
            }
            Interlocked.Increment(ref requests);
            changes.Signal();
            return new HttpResponseMessage(Status) { Content = new StringContent("said so") };
        }
    }
}
