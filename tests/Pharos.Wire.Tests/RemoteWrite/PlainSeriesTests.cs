using System.Globalization;
using System.Text;
using Pharos.Core;
using Pharos.Wire.RemoteWrite;

namespace Pharos.Wire.Tests.RemoteWrite;

/// <summary>A series as senders write it is read on a road of its own, and means the same as one with a field beside it that nobody knows.</summary>
public sealed class PlainSeriesTests
{
    private static readonly byte[] UnknownField = [0x78, 0];

    [Fact]
    public void Both_roads_give_the_same_batch()
    {
        string[] names = ["__name__", "a", "ab", "b", "instance", "", "é", new('n', 130)];
        string[] values = ["x", "", "ü", new('v', 31), new('v', 32), new('v', 33), new('v', 115), new('v', 127), new('v', 200)];
        int taken = 0;
        for (int seed = 0; seed < 5000; seed++)
        {
            var random = new Random(seed);
            var series = new List<byte>();
            foreach (string name in names.Where(n => random.Next(30) < (n is "" or "é" || n.Length > 100 ? 1 : 25)).OrderBy(_ => random.Next(15) == 0 ? random.Next() : 0))
                ProtoBytes.Message(series, 1, ProtoBytes.Label(name, random.Next(6) == 0 ? values[random.Next(values.Length)] : $"value-{random.Next(100)}"));
            for (int sample = random.Next(4); sample > 0; sample--) ProtoBytes.Message(series, 2, Sample(random));
            byte[] plain = [.. series];
            if (random.Next(3) == 0 && plain.Length > 0) plain[random.Next(plain.Length)] = (byte)random.Next(256);
            string one = Decode(plain), other = Decode([.. UnknownField, .. plain]);
            Assert.True(one == other, $"seed {seed}: {one}\nis not\n{other}");
            if (one.Contains(nameof(BatchSample), StringComparison.Ordinal)) taken++;
        }
        Assert.True(taken > 1000, $"only {taken} bodies brought samples");
    }

    private static List<byte> Sample(Random random)
    {
        var sample = new List<byte>();
        if (random.Next(4) > 0) sample.AddRange([0x09, .. BitConverter.GetBytes(random.NextDouble())]);
        ulong timestamp = random.Next(5) switch { 0 => 0, 1 => ulong.MaxValue - 5, 2 => (ulong)random.Next(300), _ => 1_700_000_000_000 + (ulong)random.Next() };
        if (timestamp == 0) return sample;
        sample.Add(0x10);
        for (; timestamp >= 0x80; timestamp >>= 7) sample.Add((byte)(timestamp | 0x80));
        sample.Add((byte)timestamp);
        return sample;
    }

    private static string Decode(byte[] series)
    {
        var body = new List<byte>();
        ProtoBytes.Message(body, 1, series);
        using var batch = new MetricBatch();
        var decoder = new RemoteWriteDecoder();
        try
        {
            decoder.DecodeV1([.. body], batch);
        }
        catch (WireFormatException)
        {
            return "wrong";
        }
        var text = new StringBuilder();
        for (int i = 0; i < batch.SeriesCount; i++) text.AppendLine(Convert.ToHexString(batch.LabelsOf(i)));
        foreach (var sample in batch.Samples) text.AppendLine(CultureInfo.InvariantCulture, $"{sample}");
        text.AppendLine(CultureInfo.InvariantCulture, $"{batch.Histograms.Count} {batch.Exemplars.Count} {batch.Metadata.Count}");
        foreach (var error in decoder.Rejected) text.AppendLine(CultureInfo.InvariantCulture, $"{error}");
        return text.ToString();
    }
}
