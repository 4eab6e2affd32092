using System.Collections;
using System.Globalization;
using System.Text;
using Pharos.Core;
using Pharos.Wire.Loki;

namespace Pharos.Bench.Logs;

/// <summary>
/// Pages through millions of lines of 30 days, a thousand of them at each time, in both directions, by cursor and by time as logcli does it, while more
/// lines come in at times before, behind and between. Each line that was there must come once. Then how soon queries over all days have their first lines.
/// </summary>
internal sealed class PagesBench(string pharos, int lines)
{
    private const int Page = 5000;
    private const int LinesOfATime = 1000;
    private const int LinesOfABody = 10_000;
    private const int Streams = 50;

    /// <summary>Pages whose middle is shown, at the beginning, in the middle and at the end.</summary>
    private const int Shown = 100;

    /// <summary>Of these lines one holds a word that no other has.</summary>
    private const int LinesForARareOne = 100_000;

    private static readonly TimeSpan Span = TimeSpan.FromDays(30);

    /// <summary>Between pushes of 100 late lines.</summary>
    private static readonly TimeSpan LatePause = TimeSpan.FromMilliseconds(500);

    private readonly HttpClient http = new() { Timeout = TimeSpan.FromMinutes(10) };
    private readonly long endNs = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() / 60_000 * 60_000 * 1_000_000;
    private Peer peer = null!;
    private volatile int late;

    private long StartNs => endNs - (Span.Ticks * 100);

    private long StepNs => Span.Ticks * 100 / Math.Max(1, lines / LinesOfATime);

    public async Task RunAsync()
    {
        using (http)
        using (peer = await Peer.StartPharosAsync(pharos, "sync: always\nlimits: {ingestion_rate_mb: 0, reject_old_samples_max_age: 31d}\n"))
        {
            long started = TimeProvider.System.GetTimestamp();
            int next = -1;
            await Task.WhenAll(PushSomeAsync(), PushSomeAsync());
            using (var flushed = await http.PostAsync(new Uri(peer.Address, "flush"), null)) flushed.EnsureSuccessStatusCode();
            Console.WriteLine($"{lines} lines pushed in {TimeProvider.System.GetElapsedTime(started).TotalSeconds:0} s, {LinesOfATime} at each time, {Streams} streams, 30 days");
            await FirstLinesAsync();
            Console.WriteLine($"| pages of {Page} | lines/s | first, ms | middle of the first {Shown} | of {Shown} halfway | of the last {Shown} | longest | server's CPU ms a page | late lines pushed, seen | resident MB, most |");
            Console.WriteLine("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
            foreach (bool byCursor in (bool[])[true, false])
            {
                foreach (bool backward in (bool[])[true, false]) await PassAsync(byCursor, backward);
            }

            async Task PushSomeAsync()
            {
                using var batch = new LogBatch();
                while (Interlocked.Increment(ref next) is var body && body * (long)LinesOfABody < lines)
                {
                    int first = body * LinesOfABody;
                    await PushAsync(batch, Enumerable.Range(first, Math.Min(LinesOfABody, lines - first)).Select(i => (i, TimeOf(i), LineOf(i))));
                }
            }
        }
    }

    private long TimeOf(int line) => StartNs + (line / LinesOfATime * StepNs);

    private static string LineOf(int line) => string.Create(CultureInfo.InvariantCulture,
        $"n={line:00000000} level=info path=/api/v{line % 7} took={line * 7919L % 5000}ms user=u{line % 1009}{(line % LinesForARareOne == 77 ? " rare" : "")}");

    private async Task PushAsync(LogBatch batch, IEnumerable<(int Number, long AtNs, string Line)> entries)
    {
        batch.Clear();
        int[] streams = [.. Enumerable.Range(0, Streams).Select(s => batch.AddStream(Labels.Of(("app", "pages"), ("pod", string.Create(CultureInfo.InvariantCulture, $"pod-{s:00}")))))];
        foreach (var (number, at, line) in entries) batch.AddEntry(streams[number % Streams], at, Encoding.UTF8.GetBytes(line));
        var body = new System.Buffers.ArrayBufferWriter<byte>(1 << 20);
        LokiPushEncoder.Encode(batch, body);
        using var content = new ReadOnlyMemoryContent(body.WrittenMemory);
        content.Headers.Add("Content-Type", LokiPushEncoder.ContentType);
        content.Headers.Add("Content-Encoding", LokiPushEncoder.ContentEncoding);
        using var response = await http.PostAsync(new Uri(peer.Address, "loki/api/v1/push"), content);
        if (!response.IsSuccessStatusCode) throw new InvalidOperationException($"push: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
    }

    /// <summary>Lines at times that are there already and at others, until told to stop.</summary>
    private async Task PushLateAsync(CancellationToken stop)
    {
        using var batch = new LogBatch();
        var random = new Random(late);
        while (!stop.IsCancellationRequested)
        {
            int first = late;
            await PushAsync(batch, Enumerable.Range(first, 100).Select(i => (i, TimeOf(random.Next(lines)) + (i % 2 * random.NextInt64(StepNs)), $"m={i:00000000} came late")));
            late = first + 100;
            await Task.Delay(LatePause, TimeProvider.System, CancellationToken.None);
        }
    }

    private async Task PassAsync(bool byCursor, bool backward)
    {
        using var stop = new CancellationTokenSource();
        var pushing = PushLateAsync(stop.Token);
        peer.ResetPeak();
        int lateBefore = late;
        var given = new BitArray(lines);
        var givenLate = new BitArray(0);
        var milliseconds = new List<double>();
        long from = StartNs, to = endNs, count = 0, countLate = 0, last = 0, twice = 0, outOfOrder = 0;
        string cursor = "";
        var ofLastTime = new HashSet<int>();
        double cpu = peer.CpuSeconds;
        long started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            long asked = TimeProvider.System.GetTimestamp();
            byte[] body = await GetAsync($"start={from}&end={to}&direction={(backward ? "backward" : "forward")}{(byCursor ? "&cursor=" + cursor : "")}");
            milliseconds.Add(TimeProvider.System.GetElapsedTime(asked).TotalMilliseconds);
            var found = LinesOf(body);
            long edge = last;
            foreach (var (at, number, isLate) in found)
            {
                if (milliseconds.Count > 1 && (backward ? at > edge : at < edge)) outOfOrder++;
                // What a page by time has of the time that the one before ended in.
                int key = isLate ? -1 - number : number;
                if (!byCursor && at == edge && ofLastTime.Contains(key)) continue;
                if (isLate && number >= givenLate.Length) givenLate.Length = Math.Max(number + 1, 2 * givenLate.Length);
                var bits = isLate ? givenLate : given;
                if (bits[number]) twice++;
                bits[number] = true;
                if (isLate) countLate++;
                else count++;
            }
            if (found.Count > 0) last = backward ? found.Min(f => f.AtNs) : found.Max(f => f.AtNs);
            if (byCursor)
            {
                cursor = CursorOf(body);
                if (cursor.Length == 0) break;
            }
            else
            {
                if (found.Count < Page) break;
                if (last != edge) ofLastTime.Clear();
                foreach (var (at, number, isLate) in found)
                {
                    if (at == last) ofLastTime.Add(isLate ? -1 - number : number);
                }
                (from, to) = backward ? (from, last + 1) : (last, to);
            }
        }
        double seconds = TimeProvider.System.GetElapsedTime(started).TotalSeconds;
        await stop.CancelAsync();
        await pushing;
        int shown = Math.Min(Shown, milliseconds.Count);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"| by {(byCursor ? "cursor" : "time")}, {(backward ? "newest" : "oldest")} first, {milliseconds.Count} pages | {(count + countLate) / seconds:0} | {milliseconds[0]:0.0} | {Middle(0):0.0} | {Middle((milliseconds.Count - shown) / 2):0.0} | {Middle(milliseconds.Count - shown):0.0} | {milliseconds.Max():0} | {(peer.CpuSeconds - cpu) * 1000 / milliseconds.Count:0.0} | {late - lateBefore}, {countLate} | {peer.ResidentBytes / 1e6:0}, {peer.PeakBytes / 1e6:0} |"));
        if (count != lines || twice > 0 || outOfOrder > 0) Console.WriteLine($"  WRONG: {count} of {lines} lines, {twice} twice, {outOfOrder} out of order");

        double Middle(int at) => Figures.Median(milliseconds.Skip(at).Take(shown));
    }

    /// <summary>How soon a query over all days has its first lines. Of all lines no more than the first are read.</summary>
    private async Task FirstLinesAsync()
    {
        Console.WriteLine("| over 30 days | first line, ms | first 64 KiB, ms | all that was asked for, ms | bytes |");
        Console.WriteLine("|---|---:|---:|---:|---:|");
        const string all = "{app=\"pages\"}", rare = "{app=\"pages\"} |= `rare`", oldest = "{app=\"pages\"} |= `n=00000077`";
        foreach (var (name, query, limit, stream) in new (string, string, int, bool)[]
        {
            ("newest 100 lines", all, 100, false), ($"newest {Page} lines", all, Page, false), ("newest 10 of lines with a rare word", rare, 10, false),
            ("all of them, streamed", rare, int.MaxValue, true), ("the one line with a word, in the oldest day", oldest, 10, false), ("all lines, streamed, and left after 64 KiB", all, int.MaxValue, true),
        })
        {
            foreach (bool backward in (bool[])[true, false])
            {
                var runs = new List<(double First, double Some, double All, long Bytes)>();
                for (int run = 0; run < 5; run++) runs.Add(await TimesAsync(query, limit, stream, backward));
                var middle = runs.OrderBy(r => r.First).ElementAt(runs.Count / 2);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name}{(backward ? "" : ", oldest first")} | {middle.First:0.0} | {middle.Some:0.0} | {middle.All:0.0} | {middle.Bytes} |"));
            }
        }
    }

    private async Task<(double First, double Some, double All, long Bytes)> TimesAsync(string query, int limit, bool stream, bool backward)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Address($"limit={limit}&start={StartNs}&end={endNs}&direction={(backward ? "backward" : "forward")}", query));
        if (stream) request.Headers.Add("Accept", "application/x-ndjson");
        // Finished hours are not what is measured.
        request.Headers.Add("Cache-Control", "no-cache");
        long asked = TimeProvider.System.GetTimestamp();
        using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        await using var body = await answer.Content.ReadAsStreamAsync();
        byte[] buffer = new byte[1 << 16];
        double first = 0, some = 0;
        long bytes = 0;
        while (await body.ReadAsync(buffer) is > 0 and var read)
        {
            double now = TimeProvider.System.GetElapsedTime(asked).TotalMilliseconds;
            if (bytes == 0) first = now;
            if ((bytes += read) < buffer.Length || some > 0) continue;
            some = now;
            if (stream) break;
        }
        if (!answer.IsSuccessStatusCode) throw new InvalidOperationException($"{query}: {(int)answer.StatusCode} {Encoding.UTF8.GetString(buffer)}");
        double end = TimeProvider.System.GetElapsedTime(asked).TotalMilliseconds;
        return (first, some == 0 ? end : some, end, bytes);
    }

    private Uri Address(string parameters, string query) => new(peer.Address, $"loki/api/v1/query_range?{parameters}&query={Uri.EscapeDataString(query)}");

    private async Task<byte[]> GetAsync(string parameters)
    {
        using var answer = await http.GetAsync(Address($"limit={Page}&{parameters}", "{app=\"pages\"}"));
        byte[] body = await answer.Content.ReadAsByteArrayAsync();
        return answer.IsSuccessStatusCode ? body : throw new InvalidOperationException($"{parameters}: {(int)answer.StatusCode} {Encoding.UTF8.GetString(body)}");
    }

    /// <summary>The lines of a page, by their form: <c>["time","n=number …"]</c>.</summary>
    private static List<(long AtNs, int Number, bool Late)> LinesOf(ReadOnlySpan<byte> body)
    {
        const int TimeDigits = 19, NumberDigits = 8;
        var found = new List<(long, int, bool)>(Page);
        for (int at = 0; body[at..].IndexOf("\",\""u8) is >= 0 and var next;)
        {
            at += next + 3;
            if (body[at] is not ((byte)'n' or (byte)'m') || body[at + 1] != '=') continue;
            found.Add((
                long.Parse(body.Slice(at - 3 - TimeDigits, TimeDigits), CultureInfo.InvariantCulture),
                int.Parse(body.Slice(at + 2, NumberDigits), CultureInfo.InvariantCulture),
                body[at] == 'm'));
        }
        return found;
    }

    private static string CursorOf(ReadOnlySpan<byte> body)
    {
        var name = "\"nextCursor\":\""u8;
        int at = body.LastIndexOf(name);
        if (at < 0) throw new InvalidOperationException("a page has no nextCursor");
        var rest = body[(at + name.Length)..];
        return Encoding.ASCII.GetString(rest[..rest.IndexOf((byte)'"')]);
    }
}
