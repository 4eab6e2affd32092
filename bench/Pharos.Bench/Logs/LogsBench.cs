using System.CommandLine;
using System.Globalization;
using System.Text.Json;

namespace Pharos.Bench.Logs;

/// <summary>A gigabyte of lines, or less, into a real server and out again, beside what the system's own tools need for the same lines in files.</summary>
internal static class LogsBench
{
    public static Command Make(Option<string> pharos, Option<int> runs)
    {
        var mb = new Option<int>("--mb") { Description = "Megabytes of raw lines.", DefaultValueFactory = _ => 200 };
        var seed = new Option<int>("--seed") { DefaultValueFactory = _ => 1 };
        var streams = new Option<int>("--streams") { Description = "Instead: so many streams of a few lines over 24 hours." };
        var pages = new Option<int>("--pages") { Description = "Instead: pages through so many lines of 30 days, and how soon queries over all of them have their first lines." };
        var command = new Command("logs", "Pushes generated lines into a server, asks for them, and measures zstd and grep on the same lines.") { mb, seed, streams, pages };
        command.SetAction(async parsed =>
        {
            if (parsed.GetValue(streams) > 0)
            {
                await new StreamsBench(parsed.GetValue(pharos)!, parsed.GetValue(streams), parsed.GetValue(runs)).RunAsync();
                return;
            }
            if (parsed.GetValue(pages) > 0)
            {
                await new PagesBench(parsed.GetValue(pharos)!, parsed.GetValue(pages)).RunAsync();
                return;
            }
            using var load = LogLoad.Make(parsed.GetValue(mb) * 1_000_000L, parsed.GetValue(seed), TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
            await new Measuring(load, parsed.GetValue(pharos)!, parsed.GetValue(runs)).RunAsync();
        });
        return command;
    }

    private sealed class Measuring(LogLoad load, string pharos, int runs)
    {
        private const int WarmRuns = 3;

        /// <summary>Two minutes, and the time between two looks.</summary>
        private static readonly TimeSpan MergedFilesStay = TimeSpan.FromSeconds(160);

        /// <summary>Asks for answers that are made anew: finished parts of queries are kept by the server.</summary>
        private readonly HttpClient http = new() { Timeout = TimeSpan.FromMinutes(5), DefaultRequestHeaders = { { "Cache-Control", "no-cache" } } };
        private readonly List<string> rows = [];
        private Peer peer = null!;
        private bool failed;

        public async Task RunAsync()
        {
            Console.WriteLine($"{load.Lines} lines, {load.RawBytes / 1e6:0} MB, {LineModel.Streams} streams");
            using (peer = await StartAsync())
            {
                double json = await IngestAsync(asJson: true);
                Row("ingest, JSON push: MB of lines per CPU-second", "at least 40", json, json >= 40);
            }
            using (peer = await StartAsync())
            {
                double protobuf = await IngestAsync(asJson: false);
                Row("ingest, protobuf push: MB of lines per CPU-second", "at least 60", protobuf, protobuf >= 60);
                string files = $"cat {load.LinesFolder}/*.log";
                HardLimits.Run($"for f in {load.LinesFolder}/*.log; do zstd -q -3 -k $f; done");
                double zstd = new DirectoryInfo(load.LinesFolder).EnumerateFiles("*.zst").Sum(f => f.Length);
                double disk = await DiskBytesAsync();
                Row($"disk ÷ zstd -3 of the files ({zstd / load.RawBytes:0.000} of raw)", "at most 1.1", disk / zstd, disk <= 1.1 * zstd, "0.000");
                await QueriesAsync();
                var unpack = HardLimits.Run($"zstd -q -dc {load.LinesFolder}/*.zst > /dev/null");
                Console.WriteLine($"zstd -dc > /dev/null: {unpack.Wall:0.00} s, {load.RawBytes / unpack.Cpu / 1e9:0.00} GB/s per core");
                string grep = HardLimits.Has("rg") ? "rg -c -F" : "grep -c -F";
                var plain = HardLimits.Run($"{files} | {grep} {LineModel.OneInHundred}");
                Console.WriteLine($"cat | {grep}: {plain.Wall:0.00} s, {load.RawBytes / plain.Cpu / 1e9:0.00} GB/s per core, {plain.Output} lines");
                double peak = peer.PeakBytes / 1e6;
                Row("most resident memory, MB", "under 1000", peak, peak < 1000);
            }
            Console.WriteLine("| | goal | reached | |\n|---|---|---:|---|");
            foreach (string row in rows) Console.WriteLine(row);
            if (failed) Console.WriteLine("An answer was wrong; see above.");
            http.Dispose();
        }

        private async Task<Peer> StartAsync()
        {
            var started = await Peer.StartPharosAsync(pharos, "always");
            started.ResetPeak();
            return started;
        }

        private async Task<double> IngestAsync(bool asJson)
        {
            // The program compiles what runs often while it runs: that is over after the first part.
            double warm = await SendAsync(0, 0.4);
            double before = peer.CpuSeconds;
            long started = TimeProvider.System.GetTimestamp();
            await SendAsync(warm, 1);
            double used = peer.CpuSeconds - before, wall = TimeProvider.System.GetElapsedTime(started).TotalSeconds, bytes = load.RawBytes * (1 - warm);
            Console.WriteLine($"{(asJson ? "JSON" : "protobuf")}: {wall:0.0} s, {used:0.0} CPU-seconds, {bytes / wall / 1e6:0} MB/s");
            return bytes / 1e6 / used;

            async Task<double> SendAsync(double from, double upTo)
            {
                double sent = await load.SendAsync(new Uri(peer.Address, "loki/api/v1/push"), asJson, from, upTo);
                using var flushed = await http.PostAsync(new Uri(peer.Address, "flush"), null);
                flushed.EnsureSuccessStatusCode();
                return sent;
            }
        }

        /// <summary>Bytes of the store at rest: files of parts that were merged stay for a while, for queries that began before.</summary>
        private async Task<double> DiskBytesAsync()
        {
            await RestAsync();
            string metrics = await http.GetStringAsync(new Uri(peer.Address, "metrics"));
            if (!metrics.Contains("\npharos_logs_parts_merged_total 0\n", StringComparison.Ordinal)) await Task.Delay(MergedFilesStay, TimeProvider.System);
            return new DirectoryInfo(Path.Combine(peer.DataFolder, "logs")).EnumerateFiles("*", SearchOption.AllDirectories).Sum(f => f.Length);
        }

        private async Task QueriesAsync()
        {
            await RestAsync();
            var scan = await AskAsync(Count("{app=~\".+\"} |= `" + LineModel.OneInHundred + "`"), load.Canaries);
            var piped = HardLimits.Run($"zstdcat -q {load.LinesFolder}/*.zst | rg -c -F {LineModel.OneInHundred}");
            PerCore("scan for a string in 1 % of lines", "at least 1.2", load.RawBytes, scan, 1.2);
            Row("the same, wall seconds ÷ zstdcat | rg -c", "at most 1", scan.Wall / piped.Wall, scan.Wall <= piped.Wall, "0.00");
            var needle = await AskAsync(Count("{app=~\".+\"} |= `" + load.Needle + "`"), 1);
            Row($"rare needle over {load.RawBytes / 1e9:0.0} GB, ms", "under 150 over 10 GB", needle.Wall * 1000, needle.Wall < 0.15, full: load.RawBytes >= 10e9);
            Row("rare needle: percent of blocks read", "under 2", needle.BlocksRead * 100, needle.BlocksRead < 0.02, "0.00");
            int lost = await LostSubstringsAsync();
            Row($"lines missed by {load.Substrings.Count} random substrings", "0", lost, lost == 0);
            var literal = await AskAsync(Count("{app=\"api\"} |= `retrying upstream`"), null);
            var inside = await AskAsync(Count("{app=\"api\"} |~ `retrying upstream call. method=(PUT|POST)`"), null);
            Row("regular expression with a literal ÷ the literal, CPU", "at most 1.5", inside.Cpu / literal.Cpu, inside.Cpu <= 1.5 * literal.Cpu, "0.00");
            PerCore("regular expression without a literal", "at least 0.5", load.RawBytesOf["api"], await AskAsync(Count("{app=\"api\"} |~ `[0-9]{4}[a-f]{6}`"), null), 0.5);
            PerCore("case-insensitive string", "at least 1.2", load.RawBytes, await AskAsync(Count("{app=~\".+\"} |~ `(?i)ZONE=CANARY7`"), load.Canaries), 1.2);
            PerCore("sum by (status) (rate(… | json [1m]))", "at least 1", load.RawBytesOf["nginx"], await AskAsync("sum by (status) (rate({app=\"nginx\"} | json [1m]))", null, range: true), 1);
            PerCore("sum by (status) (rate(… | logfmt [1m]))", "at least 1", load.RawBytesOf["api"], await AskAsync("sum by (status) (rate({app=\"api\"} | logfmt [1m]))", null, range: true), 1);
            PerCore("| json | status >= 500 | unwrap duration", "at least 1", load.RawBytesOf["nginx"], await AskAsync("avg by (app) (avg_over_time({app=\"nginx\"} | json | status >= 500 | unwrap duration [1m]))", null, range: true), 1);
            PerCore("count of | json | status >= 500", "at least 1", load.RawBytesOf["nginx"], await AskAsync(Count("{app=\"nginx\"} | json | status >= 500"), null), 1);
            var byApp = await AskAsync($"sum by (app) (count_over_time({{app=~\".+\"}}[{RangeSeconds}s]))", load.Lines);
            Row($"count by label, {load.Lines} lines, ms", "under 100 for 10 million", byApp.Wall * 1000, byApp.Wall < 0.1, full: load.Lines >= 10_000_000);
            var byLevel = await AskAsync($"sum by (detected_level) (count_over_time({{app=~\".+\"}}[{RangeSeconds}s]))", load.Lines);
            Row($"count by level, {load.Lines} lines, ms", "under 100 for 10 million", byLevel.Wall * 1000, byLevel.Wall < 0.1, full: load.Lines >= 10_000_000);
            var last = await AskAsync("{app=\"nginx\", instance=\"nginx-00\"}", null, range: true);
            Row("last 100 lines of a stream, ms", "under 10", last.Wall * 1000, last.Wall < 0.01, "0.0");
        }

        private long RangeSeconds => ((load.EndMs - load.StartMs) / 1000) + 120;

        private string Count(string selector) => $"sum(count_over_time({selector} [{RangeSeconds}s]))";

        private void PerCore(string what, string goal, long bytes, (double Wall, double Cpu, double BlocksRead) took, double least)
        {
            double rate = bytes / 1e9 / Math.Max(0.01, took.Cpu);
            Row($"{what}: GB/s of lines per core", goal, rate, rate >= least, "0.00");
        }

        /// <param name="full">False: the run is smaller than the goal asks for, so that reaching the number says nothing yet.</param>
        private void Row(string what, string goal, double reached, bool holds, string format = "0", bool full = true)
        {
            string verdict = !holds ? "no" : full ? "yes" : "smaller run";
            rows.Add($"| {what.Replace("|", "\\|", StringComparison.Ordinal)} | {goal} | {reached.ToString(format, CultureInfo.InvariantCulture)} | {verdict} |");
            Console.WriteLine("  " + rows[^1]);
        }

        /// <summary>
        /// Waits until the server does next to nothing by itself: merging parts, and compiling what ran often, are no part of a query. Half a minute at most.
        /// </summary>
        private async Task RestAsync()
        {
            for (int look = 0; look < 60; look++)
            {
                double used = peer.CpuSeconds;
                await Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System);
                if (peer.CpuSeconds - used < 0.025) return;
            }
        }

        /// <summary>Asks a few times, after some that do not count and a rest; the middle of wall and CPU. A count that is not the expected one is said.</summary>
        private async Task<(double Wall, double Cpu, double BlocksRead)> AskAsync(string query, long? expected, bool range = false)
        {
            var walls = new List<double>();
            double read = 0, before = 0;
            string start = (load.StartMs - 1000).ToString(CultureInfo.InvariantCulture), end = (load.EndMs + 60_000).ToString(CultureInfo.InvariantCulture);
            string path = range
                ? $"loki/api/v1/query_range?query={Uri.EscapeDataString(query)}&start={start}000000&end={end}000000&step=60&limit=100"
                : $"loki/api/v1/query?query={Uri.EscapeDataString(query)}&time={end}000000";
            for (int run = -WarmRuns; run < runs; run++)
            {
                if (run == 0)
                {
                    await RestAsync();
                    walls.Clear();
                    before = peer.CpuSeconds;
                }
                long started = TimeProvider.System.GetTimestamp();
                using var answer = await http.GetAsync(new Uri(peer.Address, path));
                byte[] body = await answer.Content.ReadAsByteArrayAsync();
                walls.Add(TimeProvider.System.GetElapsedTime(started).TotalSeconds);
                if (!answer.IsSuccessStatusCode) throw new InvalidOperationException($"{query}: {(int)answer.StatusCode} {System.Text.Encoding.UTF8.GetString(body)}");
                using var parsed = JsonDocument.Parse(body);
                var data = parsed.RootElement.GetProperty("data");
                var index = data.GetProperty("stats").GetProperty("index");
                double all = index.GetProperty("totalChunks").GetDouble();
                read = all == 0 ? 0 : index.GetProperty("postFilterChunks").GetDouble() / all;
                if (expected is not { } count) continue;
                double sum = data.GetProperty("result").EnumerateArray().Sum(s => double.Parse(s.GetProperty("value")[1].GetString()!, CultureInfo.InvariantCulture));
                if (sum == count) continue;
                failed = true;
                Console.WriteLine($"  WRONG: {query} gave {sum}, not {count}");
            }
            double cpu = (peer.CpuSeconds - before) / runs;
            return (Figures.Median(walls), cpu, read);
        }

        private async Task<int> LostSubstringsAsync()
        {
            int lost = 0;
            foreach (var (stream, atMs, text) in load.Substrings)
            {
                string query = $"sum(count_over_time({LineModel.LabelsOf(stream)} |= `{text}` [1s]))";
                string body = await http.GetStringAsync(new Uri(peer.Address, $"loki/api/v1/query?query={Uri.EscapeDataString(query)}&time={atMs + 500}000000"));
                using var parsed = JsonDocument.Parse(body);
                if (parsed.RootElement.GetProperty("data").GetProperty("result").GetArrayLength() == 0) lost++;
            }
            return lost;
        }
    }
}
