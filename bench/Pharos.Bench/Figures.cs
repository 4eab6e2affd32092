namespace Pharos.Bench;

/// <summary>What one run used.</summary>
internal sealed record Figures(double SamplesPerCpuSecond, double SamplesPerSecond, long ResidentBytes, long DiskBytes)
{
    public static async Task<Figures> MeasureAsync(Peer peer, RemoteWriteLoad load, string path)
    {
        double cpuBefore = peer.CpuSeconds;
        double wall = await load.SendAsync(new Uri(peer.Address, path));
        double cpu = peer.CpuSeconds - cpuBefore;
        var figures = new Figures(load.Samples / cpu, load.Samples / wall, peer.ResidentBytes, peer.DiskBytes);
        Console.WriteLine($"  {path}: {cpu:0.00} CPU s, {wall:0.00} s, {figures.ResidentBytes >> 20} MiB resident, {figures.DiskBytes >> 20} MiB on disk");
        return figures;
    }

    /// <summary>The median of each figure by itself.</summary>
    public static Figures Median(IReadOnlyList<Figures> runs) => new(
        Middle(runs.Select(r => r.SamplesPerCpuSecond)), Middle(runs.Select(r => r.SamplesPerSecond)),
        (long)Middle(runs.Select(r => (double)r.ResidentBytes)), (long)Middle(runs.Select(r => (double)r.DiskBytes)));

    private static double Middle(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
    }
}
