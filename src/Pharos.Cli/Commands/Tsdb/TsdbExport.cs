using System.Buffers;
using System.CommandLine;
using System.Globalization;
using System.Text;
using Pharos.Core;
using Pharos.Metrics.Tools;
using Pharos.PromQL;
using Pharos.Wire.Exposition;

namespace Pharos.Cli.Commands.Tsdb;

/// <summary>Samples of blocks as text.</summary>
internal static class TsdbExport
{
    public static Command Dump() => Create(
        "dump", "Every sample as a line of labels, value and Unix milliseconds, as promtool's dump: floats, native histograms, staleness markers.",
        "pharos tsdb dump data/metrics/shop --match 'up' --min-time 2026-03-01T00:00:00Z", WriteLines);

    public static Command Export() => Create(
        "export", "Samples as OpenMetrics text, which 'pharos tsdb import openmetrics' and promtool read back. Native histograms and staleness markers have no form in it: they are counted and left out.",
        "pharos tsdb export data/metrics/shop --match '{job=\"checkout\"}' --output checkout.om", WriteOpenMetrics);

    /// <returns>Samples that the form cannot hold.</returns>
    private delegate long Writer(IReadOnlyList<ISeries> series, TimeRange range, Stream output, Action<long, long> progress, CancellationToken cancel);

    private static Command Create(string name, string description, string example, Writer write)
    {
        var folder = TsdbFolder.Argument();
        var tenant = TsdbFolder.TenantOption();
        var match = TsdbFolder.MatchOption();
        var min = TsdbFolder.MinTimeOption();
        var max = TsdbFolder.MaxTimeOption();
        var output = new Option<FileInfo?>("--output", "-o") { Description = "File to write. Default: the standard output." };
        var command = new Command(name, HelpText.WithExamples(description, example)) { folder, tenant, match, min, max, output };
        command.SetAction((parsed, cancel) => Task.Run(() => TsdbFolder.With(parsed, folder, tenant, archive =>
        {
            if (!TsdbFolder.TrySelector(parsed.GetValue(match), out var matchers)) return ExitCode.Usage;
            if (!TsdbFolder.TryRange(parsed.GetValue(min), parsed.GetValue(max), out var range)) return ExitCode.Usage;
            try
            {
                using var file = OutputFile.Open(parsed.GetValue(output));
                using var progress = new Progress("series", TimeProvider.System);
                long leftOut = write(archive.Select(matchers, range, cancel), range, file.Stream, progress.Report, cancel);
                file.Complete();
                if (leftOut > 0) Console.Error.WriteLine($"pharos: {leftOut} native histograms and staleness markers were left out; 'pharos tsdb dump' shows them");
                return ExitCode.Done;
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                return Usage.Fail(failure.Message);
            }
        })));
        return command;
    }

    private static long WriteLines(IReadOnlyList<ISeries> series, TimeRange range, Stream output, Action<long, long> progress, CancellationToken cancel)
    {
        using var writer = new StreamWriter(output, new UTF8Encoding(false), 1 << 16, leaveOpen: true);
        Each(series, range, Write, progress, cancel);
        return 0;

        void Write(Labels labels, SampleColumns columns, int i)
        {
            string value = columns.HasHistograms && columns.Histograms[i] is { } histogram ? HistogramText.Format(histogram) : GoFloat.Format(columns.Values[i]);
            writer.Write(labels);
            writer.Write(' ');
            writer.Write(value);
            writer.Write(' ');
            writer.Write(columns.Timestamps[i].ToString(CultureInfo.InvariantCulture));
            writer.Write('\n');
        }
    }

    private static long WriteOpenMetrics(IReadOnlyList<ISeries> series, TimeRange range, Stream output, Action<long, long> progress, CancellationToken cancel)
    {
        var buffer = new ArrayBufferWriter<byte>(1 << 16);
        var text = new ExpositionText(buffer, ExpositionFormat.OpenMetrics);
        long leftOut = 0;
        Each(series, range, Write, progress, cancel);
        text.End();
        output.Write(buffer.WrittenSpan);
        return leftOut;

        void Write(Labels labels, SampleColumns columns, int i)
        {
            if ((columns.HasHistograms && columns.Histograms[i] is not null) || SampleValue.IsStale(columns.Values[i]))
            {
                leftOut++;
                return;
            }
            text.Sample(labels.Encoded, columns.Values[i], columns.Timestamps[i]);
            if (buffer.WrittenCount < 1 << 15) return;
            output.Write(buffer.WrittenSpan);
            buffer.ResetWrittenCount();
        }
    }

    private static void Each(IReadOnlyList<ISeries> series, TimeRange range, Action<Labels, SampleColumns, int> take, Action<long, long> progress, CancellationToken cancel)
    {
        using var columns = new SampleColumns();
        for (int s = 0; s < series.Count; s++)
        {
            cancel.ThrowIfCancellationRequested();
            columns.Clear();
            series[s].Read(range, columns);
            for (int i = 0; i < columns.Count; i++) take(series[s].Labels, columns, i);
            progress(s + 1, series.Count);
        }
    }
}
