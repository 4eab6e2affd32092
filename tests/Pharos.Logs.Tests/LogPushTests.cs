using System.Net;
using System.Text;
using Pharos.Core;
using Pharos.Logs.Tools;

namespace Pharos.Logs.Tests;

/// <summary>Lines on their way to a server that is not always willing.</summary>
public sealed class LogPushTests
{
    [Fact]
    public async Task A_server_that_asks_for_patience_gets_it_and_the_line_again()
    {
        var time = new ManualTimeProvider();
        var server = new Server(
            (HttpStatusCode.NoContent, null), (HttpStatusCode.TooManyRequests, "7"), (HttpStatusCode.ServiceUnavailable, null), (HttpStatusCode.TooManyRequests, null),
            (HttpStatusCode.ServiceUnavailable, time.GetUtcNow().AddSeconds(90).ToString("R")), (HttpStatusCode.NoContent, null), (HttpStatusCode.BadRequest, null), (HttpStatusCode.NoContent, null));
        var waits = new List<string>();
        var done = await RunAsync(server, time, "one\ntwo\nthree\nfour\n", waits, 7, 2, 4, 77);
        Assert.Equal(["one", "two", "two", "two", "two", "two", "three", "four"], server.Bodies);
        Assert.Equal(["again in 7 s", "again in 2 s", "again in 4 s", "again in 77 s"], waits.Select(w => w[w.LastIndexOf("again", StringComparison.Ordinal)..]));
        Assert.StartsWith("line 2: http://server.test/loki/api/v1/push answered 429: not now; again in 7 s", waits[0]);
        Assert.Equal(["line 3: http://server.test/loki/api/v1/push answered 400: not now"], done.Problems);
        Assert.Equal(4, done.Lines);
    }

    [Fact]
    public async Task Patience_ends_and_other_refusals_end_the_import_at_once()
    {
        var time = new ManualTimeProvider();
        var busy = new Server(Enumerable.Repeat((HttpStatusCode.TooManyRequests, (string?)"200"), 10).ToArray());
        var failed = await Assert.ThrowsAsync<IOException>(() => RunAsync(busy, time, "one\n", [], 200, 200, 200));
        Assert.Equal("line 1: http://server.test/loki/api/v1/push answered 429: not now; waited 600 s in all; repeat the import from this line", failed.Message);
        Assert.Equal(4, busy.Bodies.Count);
        var broken = new Server((HttpStatusCode.InternalServerError, "1"));
        Assert.Equal("line 1: http://server.test/loki/api/v1/push answered 500: not now; repeat the import from this line", (await Assert.ThrowsAsync<IOException>(() => RunAsync(broken, time, "one\n", []))).Message);
    }

    /// <param name="waits">Gets what is told of waits.</param>
    /// <param name="seconds">The waits, each let pass once it has begun.</param>
    private static async Task<LogImported> RunAsync(Server server, ManualTimeProvider time, string lines, List<string> waits, params int[] seconds)
    {
        using var http = new HttpClient(server) { Timeout = Timeout.InfiniteTimeSpan };
        using var input = new MemoryStream(Encoding.UTF8.GetBytes(lines));
        var clock = new Changes();
        time.TimerSet += clock.Signal;
        var running = new LogPush(http, new Uri("http://server.test/"), time).RunAsync(null, input, null, waits.Add, CancellationToken.None);
        foreach (int wait in seconds)
        {
            await clock.UntilAsync(() => time.WaitingTimers > 0, () => $"a wait of {wait} s");
            time.Advance(TimeSpan.FromSeconds(wait));
        }
        return await running;
    }

    private sealed class Server(params (HttpStatusCode Status, string? RetryAfter)[] answers) : HttpMessageHandler
    {
        private int asked;

        public List<string> Bodies { get; } = [];

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancel)
        {
            Bodies.Add(await request.Content!.ReadAsStringAsync(cancel));
            var (status, after) = answers[asked++];
            var response = new HttpResponseMessage(status) { Content = new StringContent("not now\n") };
            if (after is not null) response.Headers.TryAddWithoutValidation("Retry-After", after);
            return response;
        }
    }
}
