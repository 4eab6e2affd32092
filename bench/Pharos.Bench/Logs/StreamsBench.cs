using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Pharos.Core;
using Pharos.Wire.Loki;

namespace Pharos.Bench.Logs;

/// <summary>
/// Very many short streams: each is a pod that writes a few lines within minutes, one after another over the last 24 hours, as after
/// many deployments. Then queries, kill -9, a start, and the queries again.
/// </summary>
internal sealed class StreamsBench(string pharos, int streams, int runs)
{
    private const int LinesPerStream = 4;
    private const int StreamsPerBody = 1000;
    private const int Apps = 50;
    private const int Namespaces = 10;
    private const long SpanMs = 24 * 3600 * 1000 - 60_000;

    private readonly HttpClient http = new() { Timeout = TimeSpan.FromMinutes(10) };
    private readonly long endMs = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
    private readonly List<string> rows = [];
    private Peer peer = null!;
    private int sentAgain;

    private long StartMs => endMs - SpanMs;

    public async Task RunAsync()
    {
        using (http)
        using (peer = await Peer.StartPharosAsync(pharos, "sync: always\nlimits: {max_global_streams_per_user: 0, ingestion_rate_mb: 100000, ingestion_burst_size_mb: 100000, max_query_series: 2000000}\n"))
        {
            peer.ResetPeak();
            double before = peer.CpuSeconds;
            long started = TimeProvider.System.GetTimestamp(), bytes = await PushAsync();
            Row("push: seconds", TimeProvider.System.GetElapsedTime(started).TotalSeconds, "0.0");
            Row("requests that had to be sent again, as the server had no room (503)", sentAgain, "0");
            using (var flushed = await http.PostAsync(new Uri(peer.Address, "flush"), null)) flushed.EnsureSuccessStatusCode();
            Row("push and flush: CPU-seconds", peer.CpuSeconds - before, "0.0");
            Row("push and flush: most resident memory, MB", peer.PeakBytes / 1e6, "0");
            Row("resident memory after it, MB", peer.ResidentBytes / 1e6, "0");
            var parts = new DirectoryInfo(Path.Combine(peer.DataFolder, "logs")).EnumerateFiles("*.part", SearchOption.AllDirectories).ToList();
            Row("parts", parts.Count, "0");
            Row("bytes of parts per stream (of lines: " + (bytes / streams).ToString(CultureInfo.InvariantCulture) + ")", parts.Sum(f => f.Length) / (double)streams, "0");
            await QueriesAsync("");
            peer.Kill();
            started = TimeProvider.System.GetTimestamp();
            await peer.StartAgainAsync();
            Row("start after kill -9: seconds", TimeProvider.System.GetElapsedTime(started).TotalSeconds, "0.00");
            Row("resident memory after it, MB", peer.ResidentBytes / 1e6, "0");
            await QueriesAsync(", after the start");
        }
        Console.WriteLine($"| {streams} streams of {LinesPerStream} lines in 24 h | |\n|---|---:|");
        foreach (string row in rows) Console.WriteLine(row);
    }

    private async Task<long> PushAsync()
    {
        using var batch = new LogBatch();
        var random = new Random(1);
        long bytes = 0;
        for (int first = 0; first < streams; first += StreamsPerBody)
        {
            batch.Clear();
            for (int stream = first; stream < Math.Min(streams, first + StreamsPerBody); stream++)
            {
                int number = batch.AddStream(LabelsOf(stream));
                for (int i = 0; i < LinesPerStream; i++)
                {
                    long ms = StartMs + (long)((double)SpanMs * stream / streams) + (i * 15_000) - random.Next(10_000);
                    byte[] line = Encoding.UTF8.GetBytes($"level={(i == 3 ? "error" : "info")} msg=\"request {random.Next(1_000_000)} done\" pod=pod-{stream:x8} took={random.Next(5000)}ms status={(i == 3 ? 500 : 200)}");
                    batch.AddEntry(number, Math.Min(ms, endMs) * 1_000_000, line);
                    bytes += line.Length;
                }
            }
            var body = new System.Buffers.ArrayBufferWriter<byte>(1 << 20);
            LokiPushEncoder.Encode(batch, body);
            while (!await SendAsync(body.WrittenMemory))
            {
                // As senders do. The server refuses what it cannot keep in memory while parts are written.
                sentAgain++;
                await Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System);
            }
        }
        return bytes;
    }

    /// <returns>False: the server has no room now.</returns>
    private async Task<bool> SendAsync(ReadOnlyMemory<byte> body)
    {
        using var content = new ReadOnlyMemoryContent(body);
        content.Headers.Add("Content-Type", LokiPushEncoder.ContentType);
        content.Headers.Add("Content-Encoding", LokiPushEncoder.ContentEncoding);
        using var response = await http.PostAsync(new Uri(peer.Address, "loki/api/v1/push"), content);
        if (response.StatusCode == HttpStatusCode.ServiceUnavailable) return false;
        if (!response.IsSuccessStatusCode) throw new InvalidOperationException($"push: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
        return true;
    }

    private static Labels LabelsOf(int stream) => Labels.Of(
        ("app", $"app-{stream % Apps:d2}"), ("namespace", $"ns-{stream % Namespaces}"), ("pod", $"pod-{stream:x8}"), ("node", $"node-{stream % 200:d3}"), ("service_name", $"app-{stream % Apps:d2}"));

    private async Task QueriesAsync(string when)
    {
        int one = streams / 3;
        await AskAsync("one stream over 24 h" + when, Range($"{{pod=\"pod-{one:x8}\"}}"), d => Lines(d), LinesPerStream);
        await AskAsync("one stream by two labels over 24 h" + when, Range($"{{app=\"app-{one % Apps:d2}\", pod=~\"pod-{one:x8}\"}}"), Lines, LinesPerStream);
        await AskAsync("newest 100 lines of a tenth of the streams" + when, Range("{namespace=\"ns-3\"}"), Lines, 100);
        await AskAsync("newest 100 lines of all streams" + when, Range("{namespace=~\".+\"}"), Lines, 100);
        await AskAsync("a text in one line of a tenth of the streams" + when, Range($"{{namespace=\"ns-{one % Namespaces}\"}} |= `pod-{one:x8} `"), Lines, LinesPerStream);
        await AskAsync("count of all lines by app" + when, $"loki/api/v1/query?time={endMs + 1}000000&query={Uri.EscapeDataString("sum by (app) (count_over_time({namespace=~\".+\"}[25h]))")}", Sum, (long)streams * LinesPerStream);
        await AskAsync("label values, few" + when, $"loki/api/v1/label/app/values?start={StartMs - 60_000}000000&end={endMs}000000", d => d.GetArrayLength(), Apps);
        await AskAsync("label values, one for each stream" + when, $"loki/api/v1/label/pod/values?start={StartMs - 60_000}000000&end={endMs}000000", d => d.GetArrayLength(), streams);
        Row("most resident memory so far, MB" + when, peer.PeakBytes / 1e6, "0");
    }

    private string Range(string query) => $"loki/api/v1/query_range?limit=100&start={StartMs - 60_000}000000&end={endMs + 1}000000&query={Uri.EscapeDataString(query)}";

    private static long Lines(JsonElement data) => data.GetProperty("result").EnumerateArray().Sum(s => s.GetProperty("values").GetArrayLength());

    private static long Sum(JsonElement data) => data.GetProperty("result").EnumerateArray().Sum(s => long.Parse(s.GetProperty("value")[1].GetString()!, CultureInfo.InvariantCulture));

    private async Task AskAsync(string what, string path, Func<JsonElement, long> count, long expected)
    {
        var walls = new List<double>();
        for (int run = 0; run < Math.Max(1, runs); run++)
        {
            long started = TimeProvider.System.GetTimestamp();
            using var answer = await http.GetAsync(new Uri(peer.Address, path));
            byte[] body = await answer.Content.ReadAsByteArrayAsync();
            walls.Add(TimeProvider.System.GetElapsedTime(started).TotalMilliseconds);
            if (!answer.IsSuccessStatusCode) throw new InvalidOperationException($"{what}: {(int)answer.StatusCode} {Encoding.UTF8.GetString(body)}");
            using var parsed = JsonDocument.Parse(body);
            long found = count(parsed.RootElement.GetProperty("data"));
            if (found != expected) Console.WriteLine($"  WRONG: {what} gave {found}, not {expected}");
        }
        Row($"{what}: ms, first ({walls[0].ToString("0", CultureInfo.InvariantCulture)}) and middle", Figures.Median(walls.Skip(Math.Min(1, walls.Count - 1))), "0");
    }

    private void Row(string what, double value, string format)
    {
        rows.Add($"| {what} | {value.ToString(format, CultureInfo.InvariantCulture)} |");
        Console.WriteLine("  " + rows[^1]);
    }
}
