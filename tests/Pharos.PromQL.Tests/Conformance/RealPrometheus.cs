using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Pharos.Core;

namespace Pharos.PromQL.Tests.Conformance;

/// <summary>An answer of either engine, in one comparable form.</summary>
internal sealed record Answer(string? Error, SortedDictionary<string, List<(long TimestampMs, double Value)>> Series, IReadOnlyList<string> Annotations);

/// <summary>A real Prometheus on a free port over given samples.</summary>
internal sealed class RealPrometheus : IAsyncDisposable
{
    private readonly Process process;
    private readonly TemporaryFolder folder;
    private readonly HttpClient client;

    private RealPrometheus(Process process, TemporaryFolder folder, int port)
    {
        this.process = process;
        this.folder = folder;
        client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
    }

    /// <param name="openMetrics">Samples in the OpenMetrics text format, with timestamps.</param>
    public static async Task<RealPrometheus> StartAsync(string openMetrics)
    {
        string prometheus = Places.Program("prometheus"), promtool = Places.Program("promtool");
        var folder = Places.NewFolder();
        string samples = Path.Combine(folder, "samples.txt"), data = Path.Combine(folder, "data"), config = Path.Combine(folder, "prometheus.yml");
        await File.WriteAllTextAsync(samples, openMetrics);
        await File.WriteAllTextAsync(config, "global: {}\n");
        using (var import = Process.Start(new ProcessStartInfo(promtool, ["tsdb", "create-blocks-from", "openmetrics", samples, data]) { RedirectStandardOutput = true, RedirectStandardError = true })!)
        {
            string output = await import.StandardOutput.ReadToEndAsync(), error = await import.StandardError.ReadToEndAsync();
            await import.WaitForExitAsync();
            Assert.True(import.ExitCode == 0, output + error);
        }
        int port = FreePort();
        var process = Process.Start(new ProcessStartInfo(
            prometheus,
            [
                $"--config.file={config}", $"--storage.tsdb.path={data}", $"--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.retention.time=100y",
                "--enable-feature=promql-experimental-functions", "--log.level=error",
            ])
        { RedirectStandardError = true, RedirectStandardOutput = true })!;
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        var running = new RealPrometheus(process, folder, port);
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                using var ready = await running.client.GetAsync("/-/ready");
                if (ready.IsSuccessStatusCode) return running;
            }
            catch (HttpRequestException) when (attempt < 200 && !process.HasExited)
            {
                // Not listening yet.
            }
            Assert.True(attempt < 200 && !process.HasExited, "prometheus did not become ready");
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
        }
    }

    public Task<Answer> InstantAsync(string query, long timestampMs) =>
        AskAsync("/api/v1/query", ("query", query), ("time", Seconds(timestampMs)));

    public Task<Answer> RangeAsync(string query, long startMs, long endMs, long stepMs) =>
        AskAsync("/api/v1/query_range", ("query", query), ("start", Seconds(startMs)), ("end", Seconds(endMs)), ("step", Seconds(stepMs)));

    public async ValueTask DisposeAsync()
    {
        client.Dispose();
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        folder.Dispose();
    }

    private async Task<Answer> AskAsync(string path, params (string Name, string Value)[] parameters)
    {
        using var form = new FormUrlEncodedContent(parameters.Select(p => KeyValuePair.Create(p.Name, p.Value)));
        using var response = await client.PostAsync(path, form);
        using var document = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        var root = document.RootElement;
        if (root.GetProperty("status").GetString() != "success") return new Answer(root.GetProperty("error").GetString(), [], []);
        var series = new SortedDictionary<string, List<(long, double)>>(StringComparer.Ordinal);
        var data = root.GetProperty("data");
        var result = data.GetProperty("result");
        switch (data.GetProperty("resultType").GetString())
        {
            case "scalar":
                series[""] = [Point(result)];
                break;
            case "vector":
                foreach (var sample in result.EnumerateArray()) series[Key(sample)] = [Point(sample.GetProperty("value"))];
                break;
            case "matrix":
                foreach (var line in result.EnumerateArray()) series[Key(line)] = [.. line.GetProperty("values").EnumerateArray().Select(Point)];
                break;
        }
        return new Answer(null, series, [.. Texts("warnings"), .. Texts("infos")]);

        IEnumerable<string> Texts(string name) =>
            root.TryGetProperty(name, out var texts) ? texts.EnumerateArray().Select(t => t.GetString()!) : [];

        static string Key(JsonElement sample) =>
            Labels.Of(sample.GetProperty("metric").EnumerateObject().Select(p => KeyValuePair.Create(p.Name, p.Value.GetString()!))).ToString();

        static (long, double) Point(JsonElement pair) =>
            ((long)Math.Round(pair[0].GetDouble() * 1000), pair[1].GetString() switch
            {
                "NaN" => double.NaN,
                "+Inf" => double.PositiveInfinity,
                "-Inf" => double.NegativeInfinity,
                var text => double.Parse(text!, CultureInfo.InvariantCulture),
            });
    }

    private static string Seconds(long ms) => (ms / 1000.0).ToString("R", CultureInfo.InvariantCulture);

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

/// <summary>Two hours of samples with gaps, resets, churn and odd values, made from a seed.</summary>
internal static class DifferentialData
{
    /// <summary>2026-01-01T00:00:00Z, a block's border.</summary>
    public const long StartMs = 1_767_225_600_000;

    public static string Fill(MemoryMetrics store, int seed)
    {
        var random = new Random(seed);
        var text = new StringBuilder();
        string[] jobs = ["api", "till"], instances = ["a:1", "b:2", "c:10"], modes = ["idle", "user"];
        Family("http_requests", "counter");
        foreach (string job in jobs)
        {
            foreach (string instance in instances)
            {
                foreach (string code in new[] { "200", "404", "500" })
                {
                    double value = random.Next(1000);
                    Series("http_requests_total", $"code=\"{code}\",instance=\"{instance}\",job=\"{job}\"", i =>
                    {
                        if (i is > 200 and < 220 && instance == "b:2") return null;
                        value = random.Next(150) == 0 ? 0 : value + (random.Next(20) * 0.5);
                        return value;
                    });
                }
            }
        }
        Family("cpu", "gauge");
        foreach (string instance in instances)
        {
            foreach (string mode in modes)
                Series("cpu", $"instance=\"{instance}\",mode=\"{mode}\"", i => random.Next(30) == 0 ? null : Math.Round((random.NextDouble() * 200) - 100, 3));
        }
        Family("memory_bytes", "gauge");
        foreach (string instance in instances) Series("memory_bytes", $"instance=\"{instance}\",job=\"api\"", i => 1e9 + (random.NextDouble() * 1e8));
        Family("odd", "gauge");
        Series("odd", "kind=\"nan\"", i => i % 5 == 0 ? double.NaN : i);
        Series("odd", "kind=\"inf\"", i => i % 7 == 0 ? double.PositiveInfinity : -i);
        Series("odd", "kind=\"tiny\"", i => 1e-9 * i);
        Series("odd", "kind=\"constant\"", i => 5);
        Series("odd", "kind=\"sparse\"", i => i % 30 == 0 ? i : null);
        Family("latency_seconds", "histogram");
        foreach (string job in jobs)
        {
            double[] bounds = [0.05, 0.1, 0.5, 1, 5];
            var counts = new double[bounds.Length + 1];
            var rows = new double[481][];
            for (int i = 0; i < rows.Length; i++)
            {
                for (int n = 0; n < 10; n++)
                {
                    double observed = -Math.Log(1 - random.NextDouble()) * 0.4;
                    for (int b = 0; b <= bounds.Length; b++)
                    {
                        if (b == bounds.Length || observed <= bounds[b]) counts[b]++;
                    }
                }
                rows[i] = [.. counts];
            }
            for (int b = 0; b <= bounds.Length; b++)
            {
                int bucket = b;
                string le = b == bounds.Length ? "+Inf" : bounds[b] is 1 or 5 ? $"{bounds[b]}.0" : bounds[b].ToString(CultureInfo.InvariantCulture);
                Series("latency_seconds_bucket", $"job=\"{job}\",le=\"{le}\"", i => rows[i][bucket]);
            }
            Series("latency_seconds_sum", $"job=\"{job}\"", i => rows[i][^1] * 0.4);
            Series("latency_seconds_count", $"job=\"{job}\"", i => rows[i][^1]);
        }
        return text.Append("# EOF\n").ToString();

        void Family(string name, string type) => text.Append(CultureInfo.InvariantCulture, $"# TYPE {name} {type}\n");

        void Series(string name, string labels, Func<int, double?> value)
        {
            var set = SeriesNotation.Metric($"{name}{{{labels}}}");
            // Scrapes every 15 s, each at its own offset.
            long offset = random.Next(15_000);
            for (int i = 0; i <= 480; i++)
            {
                if (value(i) is not { } v) continue;
                long at = StartMs + (i * 15_000L) + offset;
                if (at >= StartMs + 7_200_000) break;
                string shown = double.IsNaN(v) ? "NaN" : double.IsPositiveInfinity(v) ? "+Inf" : v.ToString("R", CultureInfo.InvariantCulture);
                text.Append(CultureInfo.InvariantCulture, $"{name}{{{labels}}} {shown} {at / 1000}.{at % 1000:000}\n");
                store.Add(set, at, v);
            }
        }
    }
}
