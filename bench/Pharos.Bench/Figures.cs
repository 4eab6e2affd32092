namespace Pharos.Bench;

/// <summary>What one run of one system used.</summary>
internal sealed record Figures(
    double SamplesPerCpuSecond,
    double SamplesPerSecond,
    double FirstScrapePerSecond,
    double FirstScrapePerCpuSecond,
    double ResidentPerSeries,
    double DiskPerSample,
    double KilledSeconds,
    double KilledCpuSeconds,
    double KilledResidentPerSeries,
    double StoppedSeconds)
{
    /// <summary>The rows of the table: name, value, decimals, and whether more is better.</summary>
    public static IReadOnlyList<(string Name, Func<Figures, double> Of, string Format)> Rows { get; } =
    [
        ("samples per CPU-second", f => f.SamplesPerCpuSecond, "0"),
        ("samples/s", f => f.SamplesPerSecond, "0"),
        ("first scrape (new series), samples/s", f => f.FirstScrapePerSecond, "0"),
        ("first scrape, samples per CPU-second", f => f.FirstScrapePerCpuSecond, "0"),
        ("resident bytes per active series", f => f.ResidentPerSeries, "0"),
        ("disk bytes per sample, after a clean stop", f => f.DiskPerSample, "0.00"),
        ("seconds from start to serving, after kill -9", f => f.KilledSeconds, "0.00"),
        ("CPU-seconds of that start", f => f.KilledCpuSeconds, "0.00"),
        ("resident bytes per active series, most of that start", f => f.KilledResidentPerSeries, "0"),
        ("seconds from start to serving, after a clean stop", f => f.StoppedSeconds, "0.00"),
    ];

    /// <summary>Sends the load, then kills and restarts, stops and restarts.</summary>
    public static async Task<Figures> MeasureAsync(Peer peer, SpooledLoad load, long samplesFirst, string path)
    {
        var target = new Uri(peer.Address, path);
        double cpu0 = peer.CpuSeconds;
        double firstWall = await load.SendAsync(target, firstScrape: true);
        double cpu1 = peer.CpuSeconds;
        double wall = await load.SendAsync(target, firstScrape: false);
        double cpu2 = peer.CpuSeconds;
        long samples = load.Samples - samplesFirst;
        double resident = peer.ResidentBytes / (double)load.Active;
        peer.Kill();
        double killed = await peer.RestartAsync(load.Targets);
        double killedCpu = peer.CpuSeconds, killedResident = peer.PeakBytes / (double)load.Active;
        await peer.StopAsync();
        double disk = peer.DiskBytes / (double)load.Samples;
        double stopped = await peer.RestartAsync(load.Targets);
        var figures = new Figures(
            load.Samples / (cpu2 - cpu0), samples > 0 ? samples / wall : 0, samplesFirst / firstWall, samplesFirst / (cpu1 - cpu0),
            resident, disk, killed, killedCpu, killedResident, stopped);
        Console.WriteLine("  " + peer.Name + ": " + string.Join("; ", Rows.Select(r => $"{r.Name} {r.Of(figures).ToString(r.Format, System.Globalization.CultureInfo.InvariantCulture)}")));
        return figures;
    }

    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
    }
}
