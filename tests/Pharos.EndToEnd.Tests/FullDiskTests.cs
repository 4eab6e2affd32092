using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using Pharos.Core;
using Pharos.EndToEnd.Tests.Support;

namespace Pharos.EndToEnd.Tests;

/// <summary>A server whose data is on a small file system of its own, which is filled to the last byte.</summary>
public sealed class FullDiskTests
{
    private const int DiskMiB = 64;

    [Fact]
    public async Task On_a_full_disk_ingestion_is_refused_and_queries_go_on_and_with_room_again_it_goes_on_by_itself()
    {
        using var folder = Places.NewFolder();
        await using var server = Start(folder);
        using var http = await PharosPrograms.ClientAsync(server);
        long start = TimeProvider.System.UnixMs() - 600_000;

        int stored = 0;
        for (; stored < 10; stored++) Assert.Equal(HttpStatusCode.NoContent, await PushAsync(http, stored, start));
        Assert.Equal(HttpStatusCode.NoContent, await PushLineAsync(http, "before"));

        string ballast = Path.Combine(DiskOf(server, folder), "ballast");
        Fill(ballast);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await PushAsync(http, stored, start));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await PushLineAsync(http, "meanwhile"));
        Assert.Equal(stored, await CountAsync(http));
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/-/ready")).StatusCode);

        File.Delete(ballast);
        for (; stored < 20; stored++) Assert.Equal(HttpStatusCode.NoContent, await PushAsync(http, stored, start));
        Assert.Equal(HttpStatusCode.NoContent, await PushLineAsync(http, "after"));
        Assert.Equal(stored, await CountAsync(http));
        var lines = await MetricsOverHttp.JsonAsync(http, "/loki/api/v1/query_range?query=" + Uri.EscapeDataString("{job=\"disk\"}"));
        Assert.Equal(["after", "before"], lines.GetProperty("data").GetProperty("result")[0].GetProperty("values").EnumerateArray().Select(v => v[1].GetString()));
        Assert.Equal(0, await server.TerminateAsync());
    }

    [Fact]
    public async Task On_a_full_disk_no_line_in_memory_or_in_parts_is_lost_and_none_that_was_refused_appears()
    {
        using var folder = Places.NewFolder();
        await using var server = Start(folder);
        using var http = await PharosPrograms.ClientAsync(server);
        string disk = DiskOf(server, folder), ballast = Path.Combine(disk, "ballast");
        var stored = new List<string>();
        long at = TimeProvider.System.UnixNs() - 600_000_000_000;

        for (int push = 0; push < 10; push++) await PushAsync("first");
        Assert.Equal(HttpStatusCode.NoContent, await FlushAsync());
        for (int push = 0; push < 10; push++) await PushAsync("second");
        int parts = Parts().Length;
        Assert.NotEqual(0, parts);

        Fill(ballast);
        for (int again = 0; again < 3; again++)
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, await SendAsync("refused", []));
            // A flush that finds no room leaves everything in memory; a deletion that cannot be kept hides nothing.
            await FlushAsync();
            using var deletion = await http.PostAsync("/loki/api/v1/delete?query=" + Uri.EscapeDataString("{job=\"disk\"}") + "&start=0", null);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, deletion.StatusCode);
            await AllAreThereAsync();
            Assert.Equal(parts, Parts().Length);
        }

        File.Delete(ballast);
        for (int push = 0; push < 10; push++) await PushAsync("third");
        await AllAreThereAsync();
        Assert.Equal(HttpStatusCode.NoContent, await FlushAsync());
        await AllAreThereAsync();
        Assert.True(Parts().Length > parts);
        Assert.Empty(Directory.GetFiles(disk, "*.part.tmp", SearchOption.AllDirectories));
        Assert.Equal(0, await server.TerminateAsync());

        string[] Parts() => Directory.GetFiles(disk, "*.part", SearchOption.AllDirectories);

        async Task PushAsync(string what) => Assert.Equal(HttpStatusCode.NoContent, await SendAsync(what, stored));

        async Task<HttpStatusCode> SendAsync(string what, List<string> into)
        {
            string[] lines = [.. Enumerable.Range(0, 50).Select(i => $"{what} {at + i}")];
            var values = lines.Select((line, i) => new[] { (at + i).ToString(CultureInfo.InvariantCulture), line });
            using var answer = await http.PostAsJsonAsync("/loki/api/v1/push", new { streams = new[] { new { stream = new { job = "disk" }, values } } });
            at += 1000;
            into.AddRange(lines);
            return answer.StatusCode;
        }

        async Task<HttpStatusCode> FlushAsync()
        {
            using var answer = await http.PostAsync("/flush", null);
            return answer.StatusCode;
        }

        async Task AllAreThereAsync()
        {
            var answer = await MetricsOverHttp.JsonAsync(http, "/loki/api/v1/query_range?limit=5000&direction=forward&query=" + Uri.EscapeDataString("{job=\"disk\"}"));
            var streams = answer.GetProperty("data").GetProperty("result").EnumerateArray();
            Assert.Equal(stored, streams.SelectMany(s => s.GetProperty("values").EnumerateArray()).Select(v => v[1].GetString()));
        }
    }

    /// <summary>A server on a small disk, mounted in a namespace of the server's own: it needs no rights and goes away with the process.</summary>
    private static RunningProgram Start(string folder)
    {
        string disk = Path.Combine(folder, "disk");
        Directory.CreateDirectory(disk);
        string script = $"mount -t tmpfs -o size={DiskMiB}m none '{disk}' && exec '{PharosPrograms.Pharos}' server --listen 127.0.0.1:0 --data-dir '{disk}/data'";
        return RunningProgram.Start("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script);
    }

    private static string DiskOf(RunningProgram server, string folder) => $"/proc/{server.Id}/root{Path.Combine(folder, "disk")}";

    /// <summary>Writes until the disk takes no byte more.</summary>
    private static void Fill(string path)
    {
        var bytes = new byte[64 << 10];
        using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
        try
        {
            while (file.Length <= DiskMiB << 20) file.Write(bytes);
            Assert.Fail("the disk takes more than its size");
        }
        catch (IOException)
        {
            // It is full.
        }
    }

    private static async Task<HttpStatusCode> PushAsync(HttpClient http, int scrape, long startMs)
    {
        using var batch = new MetricBatch();
        for (int i = 0; i < 20; i++)
            batch.AddSample(batch.AddSeries(Labels.Of(("__name__", "disk_total"), ("i", i.ToString(CultureInfo.InvariantCulture)))), startMs + (scrape * 1000L), scrape);
        using var answer = await MetricsOverHttp.PushAsync(http, batch);
        return answer.StatusCode;
    }

    private static async Task<HttpStatusCode> PushLineAsync(HttpClient http, string line)
    {
        string now = TimeProvider.System.UnixNs().ToString(CultureInfo.InvariantCulture);
        using var answer = await http.PostAsJsonAsync("/loki/api/v1/push", new { streams = new[] { new { stream = new { job = "disk" }, values = new[] { new[] { now, line } } } } });
        return answer.StatusCode;
    }

    /// <summary>Samples of each series; fails where they differ.</summary>
    private static async Task<int> CountAsync(HttpClient http)
    {
        var series = await MetricsOverHttp.ResultAsync(http, "count_over_time(disk_total[1h])");
        Assert.Equal(20, series.Count);
        return int.Parse(series.Select(s => s.GetProperty("value")[1].GetString()!).Distinct().Single(), CultureInfo.InvariantCulture);
    }
}
