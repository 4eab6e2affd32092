using System.Buffers;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Pharos.Collector.NodeExporter;

namespace Pharos.Collector.Tests.NodeExporter;

public sealed class NodeExporterTests
{
    [Fact]
    public async Task Every_series_has_a_name_and_labels_that_the_real_node_exporter_has_too()
    {
        string program = Places.Program("node_exporter");
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        int port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        using var peer = Process.Start(new ProcessStartInfo(program, $"--web.listen-address=127.0.0.1:{port}") { RedirectStandardError = true })!;
        try
        {
            var theirs = await ReadAsync($"http://127.0.0.1:{port}/metrics");
            var output = new ArrayBufferWriter<byte>();
            new Collector.NodeExporter.NodeExporter(new NodeExporterOptions(), TimeProvider.System).Write(output);
            var ours = Series(Encoding.UTF8.GetString(output.WrittenSpan)).ToList();

            string[] must = ["node_cpu_seconds_total", "node_memory_MemAvailable_bytes", "node_load1", "node_network_receive_bytes_total", "node_filesystem_avail_bytes", "node_uname_info", "node_boot_time_seconds"];
            foreach (string name in must) Assert.Contains(ours, s => s.Name == name);
            var theirNames = theirs.Select(s => s.Name).ToHashSet();
            // Values and some devices differ from moment to moment; names and label names do not.
            // The peer knows a fixed list of memory fields; a newer kernel has more, and those are given too.
            Assert.Empty(ours.Select(s => s.Name).Where(n => !theirNames.Contains(n) && !n.StartsWith("node_memory_", StringComparison.Ordinal)).Distinct());
            var theirShapes = theirs.ToLookup(s => s.Name, s => s.LabelNames);
            foreach (var (name, labelNames) in ours.Where(s => s.Name is "node_cpu_seconds_total" or "node_network_receive_bytes_total" or "node_disk_read_bytes_total"))
                Assert.Contains(labelNames, theirShapes[name]);
            Assert.DoesNotContain("node_scrape_collector_success{collector=\"cpu\"} 0", Encoding.UTF8.GetString(output.WrittenSpan));
        }
        finally
        {
            peer.Kill();
        }
    }

    [Fact]
    public void An_unknown_collector_is_refused_with_the_names_there_are()
    {
        var e = Assert.Throws<ArgumentException>(() => new Collector.NodeExporter.NodeExporter(new NodeExporterOptions { Collectors = ["cpus"] }, TimeProvider.System));
        Assert.Contains("there is no collector \"cpus\"; there are boottime", e.Message);
    }

    private static async Task<List<(string Name, string LabelNames)>> ReadAsync(string url)
    {
        using var http = new HttpClient();
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                return [.. Series(await http.GetStringAsync(url))];
            }
            catch (HttpRequestException) when (attempt < 100)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
            }
        }
    }

    private static IEnumerable<(string Name, string LabelNames)> Series(string text)
    {
        foreach (string line in text.Split('\n').Where(l => l.Length > 0 && l[0] != '#'))
        {
            int end = line.IndexOfAny(['{', ' ']);
            string labels = line[end] == '{' ? line[(end + 1)..line.LastIndexOf('}')] : "";
            var names = System.Text.RegularExpressions.Regex.Matches(labels, "([a-z_]+)=\"").Select(m => m.Groups[1].Value);
            yield return (line[..end], string.Join(',', names));
        }
    }
}
