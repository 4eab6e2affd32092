using System.Globalization;
using Pharos.Core;

namespace Pharos.Bench;

/// <summary>
/// The series of a made-up fleet: targets of 500 series each, a bit over half of them buckets, sums and counts of classic
/// histograms, the rest counters and gauges. Everything about a series follows from its number and the seed, so nothing is stored:
/// a million series take no more memory than ten.
/// </summary>
internal sealed class SeriesModel(int seed)
{
    public const int SeriesPerTarget = 500;

    private const int Histograms = 19;
    private const int SeriesPerHistogram = 14;
    private const int Counters = 120;

    private static readonly string[] Bounds = ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"];
    private static readonly double[] BoundSeconds = [.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, double.PositiveInfinity];
    private static readonly string[] Routes = ["/", "/cart", "/checkout", "/login", "/search", "/item/:id", "/api/orders"];
    private static readonly string[] Devices = ["eth0", "eth1", "lo", "nvme0n1", "nvme1n1", "sda"];

    /// <param name="life">How often the target's process was replaced; each life has a pod and an address of its own.</param>
    public Labels LabelsOf(int target, int life, int series)
    {
        int job = target % 40;
        string pod = Text($"service-{job}-{Mix(target, life, 1) & 0xffffff:x6}-{target:x4}");
        var builder = new LabelsBuilder();
        builder.Set("cluster", target % 3 == 0 ? "eu-west-1" : "us-east-1");
        builder.Set("namespace", Text($"team-{job % 12}"));
        builder.Set("job", Text($"service-{job}"));
        builder.Set("pod", pod);
        builder.Set("instance", Text($"10.{life & 255}.{target >> 8}.{target & 255}:9100"));
        if (series < Histograms * SeriesPerHistogram)
        {
            int histogram = series / SeriesPerHistogram, part = series % SeriesPerHistogram;
            string family = histogram < 14 ? "http_request_duration_seconds" : "rpc_client_duration_seconds";
            builder.Set("route", Routes[histogram % Routes.Length]);
            builder.Set("method", histogram < 7 ? "GET" : "POST");
            if (part < Bounds.Length) builder.Set("le", Bounds[part]);
            builder.Set(Labels.MetricName, family + (part < Bounds.Length ? "_bucket" : part == Bounds.Length ? "_sum" : "_count"));
        }
        else
        {
            int number = series - (Histograms * SeriesPerHistogram);
            bool counter = number < Counters;
            builder.Set("device", Devices[number % Devices.Length]);
            builder.Set(Labels.MetricName, counter ? Text($"process_work_{number / Devices.Length}_total") : Text($"node_state_{number / Devices.Length}"));
        }
        return builder.ToLabels();
    }

    /// <summary>The name that every target has once, for counting them.</summary>
    public static string CountedMetric => "process_work_0_total{device=\"eth0\"}";

    public double Value(int target, int life, int series, int scrape)
    {
        if (series < Histograms * SeriesPerHistogram)
        {
            int histogram = series / SeriesPerHistogram, part = series % SeriesPerHistogram;
            double perScrape = Math.Exp(Unit(target, histogram, 3) * 6) - 1;
            double count = Math.Floor(perScrape * Moment(target, histogram, scrape, life));
            double median = .01 * Math.Exp(Unit(target, histogram, 4) * 3);
            if (part == Bounds.Length) return count * median * 1.3;
            return part >= Bounds.Length - 1 ? count : Math.Floor(count * BoundSeconds[part] / (BoundSeconds[part] + median));
        }
        int number = series - (Histograms * SeriesPerHistogram);
        double scale = Math.Exp(Unit(target, series, 5) * 12);
        if (number < Counters) return number % 5 == 0 ? Math.Floor(Unit(target, series, 6) * 3) : Math.Floor(scale * Moment(target, series, scrape, life));
        return (number % 4) switch
        {
            0 => Math.Floor(scale),
            1 => Math.Floor(scale * (1 + (.1 * Unit(target, series, scrape + 100)))),
            2 => Math.Round(Unit(target, series, (scrape / 6) + 100), 2),
            _ => scale * (1 + (.05 * Unit(target, series, scrape + 100))),
        };
    }

    /// <summary>Milliseconds into the scrape interval at which a target is scraped.</summary>
    public int OffsetMs(int target, int intervalMs) => (int)(Unit(target, 0, 7) * intervalMs);

    /// <summary>A time in scrapes, a little uneven but always rising: what makes counters rise by uneven steps.</summary>
    private double Moment(int target, int series, int scrape, int life) => scrape + 200 - (life * 190) + (.9 * Unit(target, series, scrape + 1000));

    private double Unit(int a, int b, int c) => (Mix(a, b, c) >> 11) * (1.0 / (1UL << 53));

    private ulong Mix(int a, int b, int c) => Mix(((ulong)(uint)a << 32 | (uint)b) + ((ulong)(uint)(c + (seed * 7919)) * 0x9E3779B97F4A7C15));

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
