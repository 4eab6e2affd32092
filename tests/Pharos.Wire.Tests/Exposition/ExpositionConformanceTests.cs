using System.Text;
using System.Text.Json;
using Pharos.Wire.Exposition;

namespace Pharos.Wire.Tests.Exposition;

[Trait("Category", "Conformance")]
public sealed class ExpositionConformanceTests
{
    private static readonly string Listed = Path.Combine(Places.Repository, "tests", "Pharos.Wire.Tests", "Exposition", "listed.txt");

    [Fact]
    public void Every_file_and_case_agrees()
    {
        string folder = Places.Conformance("exposition");
        var run = new ConformanceRun("exposition");
        var files = Directory.EnumerateFiles(folder).Where(f => !f.EndsWith("cases.json", StringComparison.Ordinal)).Order(StringComparer.Ordinal).ToList();
        foreach (string file in files) run.Case(Path.GetFileName(file), () => RoundTrip(File.ReadAllBytes(file), FormatOf(file)));
        using var cases = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "cases.json")));
        int found = files.Count;
        foreach (var one in cases.RootElement.GetProperty("cases").EnumerateArray())
        {
            found++;
            RunCase(run, one, one.GetProperty("expect").GetString()!);
        }
        Assert.Equal(87, found);
        run.Verify(found, ConformanceRun.ReadList(Listed));
    }

    [Fact]
    public void A_wrong_expectation_is_caught()
    {
        string folder = Places.Conformance("exposition");
        using var cases = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "cases.json")));
        var first = cases.RootElement.GetProperty("cases")[0];
        var run = new ConformanceRun("exposition");
        RunCase(run, first, first.GetProperty("expect").GetString() == "parse" ? "reject" : "parse");
        Assert.Single(run.Faults(1));
    }

    private static void RunCase(ConformanceRun run, JsonElement one, string expect)
    {
        var format = one.GetProperty("format").GetString() == "openmetrics" ? ExpositionFormat.OpenMetrics : ExpositionFormat.Text;
        byte[] input = Encoding.UTF8.GetBytes(one.GetProperty("input").GetString()!);
        run.Case(one.GetProperty("id").GetString()!, () =>
        {
            string came;
            try
            {
                Recorded.Text(input, format);
                came = "parse";
            }
            catch (WireFormatException)
            {
                came = "reject";
            }
            return came == expect ? null : $"expected {expect}, came {came}";
        });
    }

    private static string? RoundTrip(byte[] text, ExpositionFormat format)
    {
        var first = Recorded.Text(text, format);
        var second = Recorded.Text(first.Write(format), format);
        if (first.Lines.Count == 0) return "nothing was parsed";
        for (int i = 0; i < Math.Max(first.Lines.Count, second.Lines.Count); i++)
        {
            string a = i < first.Lines.Count ? first.Lines[i] : "(end)", b = i < second.Lines.Count ? second.Lines[i] : "(end)";
            if (a != b) return $"entry {i}: read {a}, after writing {b}";
        }
        return null;
    }

    private static ExpositionFormat FormatOf(string file)
    {
        string name = Path.GetFileName(file);
        return name.EndsWith(".om.txt", StringComparison.Ordinal) || name.StartsWith("dump-openmetrics-", StringComparison.Ordinal)
            ? ExpositionFormat.OpenMetrics
            : ExpositionFormat.Text;
    }
}
