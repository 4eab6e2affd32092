using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using Pharos.Core;
using Pharos.EndToEnd.Tests.Support;

namespace Pharos.EndToEnd.Tests;

/// <summary>kill -9 in the middle of work: what was acknowledged is there afterwards, and nothing twice.</summary>
public sealed class CrashTests
{
    [Fact]
    public async Task Samples_and_lines_acknowledged_before_kill_9_are_there_after_a_restart_and_none_twice()
    {
        using var folder = Places.NewFolder();
        var (server, http) = await PharosPrograms.StartServerAsync(folder);
        long start = TimeProvider.System.UnixMs() - 600_000;
        int acknowledgedScrapes = 0;
        var acknowledgedLines = new List<string>();

        var sending = Task.Run(async () =>
        {
            for (int scrape = 0; ; scrape++)
            {
                try
                {
                    using var samples = Samples(scrape, start + (scrape * 1000L));
                    using var stored = await MetricsOverHttp.PushAsync(http, samples);
                    Assert.Equal(HttpStatusCode.NoContent, stored.StatusCode);
                    acknowledgedScrapes = scrape + 1;
                    string line = $"line {scrape}";
                    using var pushed = await http.PostAsJsonAsync("/loki/api/v1/push", new
                    {
                        streams = new[]
                        {
                            new
                            {
                                stream = new { job = "crash" },
                                values = new[] { new[] { ((start + scrape) * 1_000_000L).ToString(CultureInfo.InvariantCulture), line } },
                            },
                        },
                    });
                    Assert.Equal(HttpStatusCode.NoContent, pushed.StatusCode);
                    acknowledgedLines.Add(line);
                }
                catch (HttpRequestException)
                {
                    return;
                }
            }
        });
        await Wait.UntilAsync(() => Volatile.Read(ref acknowledgedScrapes) >= 60, () => "60 acknowledged requests");
        await server.KillAsync();
        await sending;
        http.Dispose();
        await server.DisposeAsync();

        var (again, client) = await PharosPrograms.StartServerAsync(folder);
        await using var _ = again;
        using var __ = client;
        string end = ((start + 700_000) / 1000.0).ToString("0.000", CultureInfo.InvariantCulture);
        var counts = await MetricsOverHttp.JsonAsync(client, $"/api/v1/query?time={end}&query=count_over_time(crash_total[30m])");
        var series = counts.GetProperty("data").GetProperty("result").EnumerateArray().ToList();
        Assert.Equal(50, series.Count);
        foreach (var one in series)
        {
            // The request in flight at the kill may be stored without having been acknowledged.
            int count = int.Parse(one.GetProperty("value")[1].GetString()!, CultureInfo.InvariantCulture);
            Assert.InRange(count, acknowledgedScrapes, acknowledgedScrapes + 1);
        }

        var found = await MetricsOverHttp.JsonAsync(client, $"/loki/api/v1/query_range?limit=5000&direction=forward&start={start * 1_000_000L}&end={(start + 600_000) * 1_000_000L}&query={Uri.EscapeDataString("{job=\"crash\"}")}");
        var lines = found.GetProperty("data").GetProperty("result").EnumerateArray()
            .SelectMany(s => s.GetProperty("values").EnumerateArray().Select(v => v[1].GetString()!)).ToList();
        Assert.Equal(lines.Count, lines.Distinct().Count());
        Assert.Subset(lines.ToHashSet(), acknowledgedLines.ToHashSet());
        Assert.InRange(lines.Count, acknowledgedLines.Count, acknowledgedLines.Count + 1);
    }

    [Fact]
    public async Task Lines_written_while_the_collector_is_killed_arrive_once_after_its_restart()
    {
        using var folder = Places.NewFolder();
        var (server, http) = await PharosPrograms.StartServerAsync(Path.Combine(folder, "server"));
        await using var _ = server;
        using var __ = http;
        string log = Path.Combine(folder, "app.log");
        string config = Path.Combine(folder, "config.alloy");
        await File.WriteAllTextAsync(config, $$"""
            local.file_match "app" {
            	path_targets = [{"__path__" = "{{log}}", "job" = "app"}]
            	sync_period  = "200ms"
            }

            loki.source.file "app" {
            	targets    = local.file_match.app.targets
            	forward_to = [loki.write.out.receiver]
            }

            loki.write "out" {
            	endpoint {
            		url        = "{{http.BaseAddress}}loki/api/v1/push"
            		batch_wait = "50ms"
            	}
            }
            """);
        const int total = 2000;
        await File.WriteAllTextAsync(log, "");
        var writing = Task.Run(async () =>
        {
            for (int i = 0; i < total; i++)
            {
                await File.AppendAllTextAsync(log, $"line {i}\n");
                if (i % 20 == 0) await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
            }
        });
        for (int restart = 0; restart < 3; restart++)
        {
            await using var collector = StartCollector();
            int before = await CountAsync();
            await Wait.UntilAsync(async () => await CountAsync() > before + 50 || writing.IsCompleted, () => $"lines to arrive; the collector said:\n{collector.Output}");
            await collector.KillAsync();
        }
        await writing;
        await using var last = StartCollector();
        await Wait.UntilAsync(async () => await CountAsync() >= total, () => $"all {total} lines; the collector said:\n{last.Output}");
        Assert.Equal(total, await CountAsync());
        await last.WaitForLineAsync("now listening for http traffic");
        Assert.Equal(0, await last.TerminateAsync());

        RunningProgram StartCollector() => RunningProgram.Start(
            PharosPrograms.Collector, "run", config, $"--storage.path={Path.Combine(folder, "collector")}", "--server.http.listen-addr=127.0.0.1:0");

        async Task<int> CountAsync()
        {
            var answer = await MetricsOverHttp.JsonAsync(http, "/loki/api/v1/query_range?limit=5000&query=" + Uri.EscapeDataString("{job=\"app\"}"));
            return answer.GetProperty("data").GetProperty("result").EnumerateArray().Sum(s => s.GetProperty("values").GetArrayLength());
        }
    }

    private static MetricBatch Samples(int scrape, long timestampMs)
    {
        var batch = new MetricBatch();
        for (int i = 0; i < 50; i++)
            batch.AddSample(batch.AddSeries(Labels.Of(("__name__", "crash_total"), ("i", i.ToString(CultureInfo.InvariantCulture)))), timestampMs, scrape);
        return batch;
    }
}
