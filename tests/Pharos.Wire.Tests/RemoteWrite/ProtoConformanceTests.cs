using System.Text.RegularExpressions;
using Pharos.Core;
using Pharos.Wire.Exposition;
using Pharos.Wire.Loki;
using Pharos.Wire.Protobuf;
using Pharos.Wire.RemoteRead;
using Pharos.Wire.RemoteWrite;
using Pharos.Wire.Tests.Exposition;

namespace Pharos.Wire.Tests.RemoteWrite;

/// <summary>
/// Holds what we read and write against the .proto files of the conformance data: messages are written by the files' field names and read
/// by us, and the other way round. A case is a message; it passes where what it says arrives, and all its fields were used.
/// </summary>
public sealed class ProtoConformanceTests
{
    private const string V1 = "prometheus/types.proto", Remote = "prometheus/remote.proto", V2 = "prometheus/io/prometheus/write/v2/types.proto",
        Client = "prometheus/io/prometheus/client/metrics.proto", Push = "loki/push.proto", LokiMetrics = "loki/metrics.proto";

    [Fact]
    public void Our_field_numbers_are_those_of_the_proto_files()
    {
        var (found, run) = Run(text => text);
        run.Verify(found, ConformanceRun.ReadList(Path.Combine(Places.Repository, "tests", "Pharos.Wire.Tests", "RemoteWrite", "listed.txt")));
    }

    [Fact]
    public void A_wrong_number_is_noticed()
    {
        // What a Sample's timestamp would be under another number.
        var (found, run) = Run(text => text.Replace("int64 timestamp = 2;", "int64 timestamp = 9;", StringComparison.Ordinal));
        Assert.Contains(run.Faults(found), f => f.Contains("prometheus/types.proto:Sample", StringComparison.Ordinal) && !f.Contains("not used", StringComparison.Ordinal));
    }

    private static (int Found, ConformanceRun Run) Run(Func<string, string> change)
    {
        string folder = Places.Conformance("remote-write");
        var run = new ConformanceRun("remote-write");
        int found = 0;
        var files = new Dictionary<string, ProtoDescription>();
        foreach (string path in Directory.EnumerateFiles(folder, "*.proto", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            string text = change(File.ReadAllText(path));
            files[Path.GetRelativePath(folder, path).Replace('\\', '/')] = new ProtoDescription(text);
            found += Regex.Count(text, @"^\s*message \w+ *\{", RegexOptions.Multiline);
        }
        // These two import another.
        var remote = new ProtoDescription(change(File.ReadAllText(Path.Combine(folder, Remote)) + File.ReadAllText(Path.Combine(folder, V1))));
        var ruler = new ProtoDescription(change(File.ReadAllText(Path.Combine(folder, LokiMetrics)) + File.ReadAllText(Path.Combine(folder, "loki/logproto.proto"))));
        var scenarios = new (string[] Files, Func<string?> Check)[]
        {
            ([Remote, V1], () => WriteV1(remote)),
            ([Remote, V1], () => WrittenV1(remote)),
            ([Remote, V1], () => Read(remote)),
            ([Remote, V1], () => Answer(remote)),
            ([V2], () => WriteV2(files[V2])),
            ([V2], () => WrittenV2(files[V2])),
            ([Client], () => Families(files[Client])),
            ([Client], () => WrittenFamilies(files[Client])),
            ([Push], () => LokiPush(files[Push])),
            ([LokiMetrics], () => LokiWrite(ruler)),
        };
        var failures = scenarios.SelectMany(s => s.Files.Select(f => (File: f, Failure: Caught(s.Check)))).Where(s => s.Failure is not null).ToLookup(s => s.File, s => s.Failure);
        foreach (var (file, description) in files)
        {
            var described = file is Remote or V1 ? remote : file == LokiMetrics ? ruler : description;
            foreach (string message in description.Messages)
            {
                run.Case($"{file}:{message}", () =>
                {
                    if (failures[file].FirstOrDefault() is { } failure) return failure;
                    string[] unused = [.. described.Unused(message)];
                    return unused.Length == 0 && scenarios.Any(s => s.Files.Contains(file)) ? null : $"not used: {string.Join(", ", unused)}";
                });
            }
        }
        return (found, run);
    }

    private static string? Caught(Func<string?> check)
    {
        try
        {
            return check();
        }
        catch (Exception e) when (e is WireFormatException or InvalidOperationException or KeyNotFoundException)
        {
            return $"{e.GetType().Name}: {e.Message}";
        }
    }

    private static string? Same(string expected, string actual) => expected == actual ? null : $"expected {expected}, got {actual}";

    private static Message Label(string name, string value) => new(("name", name), ("value", value));

    private static Message WholeHistogram(params (string, object)[] more) => new(
    [
        ("count_int", 12), ("sum", 18.4), ("schema", 1), ("zero_threshold", 0.001), ("zero_count_int", 2),
        ("negative_spans", new Message(("offset", -1), ("length", 2))), ("negative_deltas", new[] { 2, -1 }),
        ("positive_spans", new Message(("offset", 0), ("length", 2))), ("positive_deltas", new[] { 3, 1 }), ("reset_hint", 2), ("timestamp", 1500), .. more,
    ]);

    private static Message FloatHistogram() => new(
        ("count_float", 3.5), ("sum", 1.0), ("zero_count_float", 0.5),
        ("negative_spans", new Message(("offset", 1), ("length", 1))), ("negative_counts", new[] { 1.0 }),
        ("positive_spans", new Message(("offset", 1), ("length", 1))), ("positive_counts", new[] { 2.0 }), ("timestamp", 1600));

    private static Message CustomHistogram() => new(
        ("count_int", 3), ("sum", 1.0), ("schema", -53), ("positive_spans", new Message(("offset", 0), ("length", 1))), ("positive_deltas", new[] { 3 }), ("timestamp", 1700), ("custom_values", new[] { 0.5, 1 }));

    private const string Histograms =
        "1500 whole schema=1 hint=NotReset count=12 sum=18.4 zero=0.001/2 -[-1:2]2 1 +[0:2]3 4 {}|1600 float schema=0 hint=Unknown count=3.5 sum=1 zero=0/0.5 -[1:1]1 +[1:1]2 {}|1700 whole schema=-53 hint=Unknown count=3 sum=1 zero=0/0 -[] +[0:1]3 {0.5 1}";

    private static string? WriteV1(ProtoDescription proto)
    {
        byte[] body = proto.Encode("WriteRequest", new Message(
            ("timeseries", new Message(
                ("labels", Label("__name__", "m")), ("labels", Label("job", "j")),
                ("samples", new Message(("value", 1.5), ("timestamp", 1000))),
                ("exemplars", new Message(("labels", Label("trace_id", "t")), ("value", 2.5), ("timestamp", 900))),
                ("histograms", WholeHistogram()), ("histograms", FloatHistogram()), ("histograms", CustomHistogram()))),
            ("metadata", new Message(("type", 5), ("metric_family_name", "m"), ("help", "h"), ("unit", "u")))));
        using var batch = new MetricBatch();
        var decoder = new RemoteWriteDecoder();
        decoder.DecodeV1(body, batch);
        return Same($"{{__name__=\"m\", job=\"j\"}}|1000 1.5|{Histograms}|900 2.5 {{trace_id=\"t\"}}|m Summary h u", Show(batch));
    }

    private static string? WriteV2(ProtoDescription proto)
    {
        byte[] body = proto.Encode("Request", new Message(
            ("symbols", ""), ("symbols", "__name__"), ("symbols", "m"), ("symbols", "job"), ("symbols", "j"), ("symbols", "trace_id"), ("symbols", "t"), ("symbols", "h"), ("symbols", "u"),
            ("timeseries", new Message(
                ("labels_refs", new[] { 1, 2, 3, 4 }),
                ("samples", new Message(("value", 1.5), ("timestamp", 1000), ("start_timestamp", 10))),
                ("histograms", WholeHistogram(("start_timestamp", 20))), ("histograms", FloatHistogram()), ("histograms", CustomHistogram()),
                ("exemplars", new Message(("labels_refs", new[] { 5, 6 }), ("value", 2.5), ("timestamp", 900))),
                ("metadata", new Message(("type", 5), ("help_ref", 7), ("unit_ref", 8)))))));
        using var batch = new MetricBatch();
        new RemoteWriteDecoder().DecodeV2(body, batch, starts: true);
        return Same($"{{__name__=\"m\", job=\"j\"}}|1000 1.5|{Histograms}|900 2.5 {{trace_id=\"t\"}}|m Summary h u", Show(batch))
            ?? Same("0 10|0 20", $"{string.Join(' ', batch.Starts.Select(s => $"{s.Sample} {s.StartMs}"))}|{string.Join(' ', batch.HistogramStarts.Select(s => $"{s.Sample} {s.StartMs}"))}");
    }

    private static string? WrittenV1(ProtoDescription proto)
    {
        using var batch = Batch();
        using var encoder = new RemoteWriteEncoder();
        return Same(
            "timeseries={labels={name=__name__ value=m} labels={name=job value=j} samples={value=1.5 timestamp=1000} exemplars={labels={name=trace_id value=t} value=2.5 timestamp=900} "
            + "histograms={count_int=3 sum=4 schema=2 zero_threshold=0.5 zero_count_int=1 negative_spans={offset=1 length=1} negative_deltas=[1] positive_spans={offset=-1 length=1} positive_deltas=[1] reset_hint=3 timestamp=1500} "
            + "histograms={count_float=1.5 sum=1 zero_count_float=0 positive_spans={offset=1 length=1} positive_counts=[1.5] timestamp=1600}} "
            + "metadata={type=1 metric_family_name=m help=h unit=u}", proto.Decode("WriteRequest", encoder.EncodePlain(batch, RemoteWriteVersion.V1).Span));
    }

    private static string? WrittenV2(ProtoDescription proto)
    {
        using var batch = Batch();
        using var encoder = new RemoteWriteEncoder();
        string text = proto.Decode("Request", encoder.EncodePlain(batch, RemoteWriteVersion.V2).Span);
        // The order of the symbols is our own affair: what counts is that they resolve, which the other direction shows.
        return Regex.IsMatch(text, @"labels_refs=\[\d+ \d+ \d+ \d+\] samples=\{value=1.5 timestamp=1000\} histograms=\{count_int=3 .* exemplars=\{labels_refs=\[\d+ \d+\] value=2.5 timestamp=900\} metadata=\{type=1 help_ref=\d+ unit_ref=\d+\}") ? null : text;
    }

    private static string? Read(ProtoDescription proto)
    {
        byte[] body = proto.Encode("ReadRequest", new Message(
            ("queries", new Message(
                ("start_timestamp_ms", 1), ("end_timestamp_ms", 2), ("matchers", new Message(("type", 3), ("name", "n"), ("value", "v"))),
                ("hints", new Message(("step_ms", 5), ("func", "rate"), ("start_ms", 1), ("end_ms", 2), ("grouping", "g"), ("by", 1), ("range_ms", 7))))),
            ("accepted_response_types", new[] { 1, 0 })));
        var request = RemoteReadRequest.Decode(body);
        var query = request.Queries.Single();
        return Same("StreamedXorChunks 1-2 NotRegex n v 5 rate 7", $"{request.Type} {query.Range.MinMs}-{query.Range.MaxMs} {query.Matchers[0].Op} {query.Matchers[0].Name} {query.Matchers[0].Value} {query.Hints.StepMs} {query.Hints.Function} {query.Hints.RangeMs}");
    }

    private static string? Answer(ProtoDescription proto)
    {
        using var to = new ProtoBuffer();
        using var samples = new SampleColumns();
        samples.Add(1000, 1.5);
        int result = to.Begin(1);
        RemoteReadWriter.Series(to, 1, Labels.Of(("__name__", "m")), samples);
        to.End(result);
        string response = proto.Decode("ReadResponse", to.Written);
        to.Clear();
        int series = RemoteReadWriter.BeginChunked(to, Labels.Of(("__name__", "m")));
        RemoteReadWriter.Chunk(to, 2, 10, 20, [0xab]);
        to.End(series);
        RemoteReadWriter.QueryIndex(to, 3);
        return Same("results={timeseries={labels={name=__name__ value=m} samples={value=1.5 timestamp=1000}}}", response)
            ?? Same("chunked_series={labels={name=__name__ value=m} chunks={min_time_ms=10 max_time_ms=20 type=2 data=AB}} query_index=3", proto.Decode("ChunkedReadResponse", to.Written));
    }

    private static string? Families(ProtoDescription proto)
    {
        var time = new Message(("seconds", 5), ("nanos", 6_000_000));
        var exemplar = new Message(("label", Label("t", "x")), ("value", 0.5), ("timestamp", time));
        var start = new Message(("seconds", 4), ("nanos", 1_000_000));
        string[] expected =
        [
            "help c h", "type c Counter", "unit c u", "start 4001", "{__name__=\"c\", l=\"v\"} 4000000000000000 2 @7", "exemplar {t=\"x\"} 0.5 @5006",
            "type g Gauge", "{__name__=\"g\"} 3ff0000000000000 1 @", "type n Unknown", "{__name__=\"n\"} 3ff0000000000000 1 @",
            "type s Summary", "start 4001", "{__name__=\"s_count\"} 4008000000000000 3 @", "start 4001", "{__name__=\"s_sum\"} 4010000000000000 4 @", "{__name__=\"s\", quantile=\"0.5\"} 3ff0000000000000 1 @",
            "type h Histogram", "{__name__=\"h_bucket\", le=\"1.0\"} 4000000000000000 2 @", "exemplar {t=\"x\"} 0.5 @5006", "{__name__=\"h_bucket\", le=\"2.0\"} 4004000000000000 2.5 @",
            "{__name__=\"h_bucket\", le=\"+Inf\"} 4008000000000000 3 @", "{__name__=\"h_count\"} 4008000000000000 3 @", "{__name__=\"h_sum\"} 4010000000000000 4 @",
            "type w Histogram", "start 4001", "{__name__=\"w\"} histogram schema=3 count=6 sum=9 zero=1 +[2 1] -[2] @", "exemplar {t=\"x\"} 0.5 @5006",
            "type f GaugeHistogram", "{__name__=\"f\"} histogram schema=3 count=3.5 sum=9 zero=0.5 +[2] -[1] @",
        ];
        byte[][] families =
        [
            Family("c", 0, new Message(("label", Label("l", "v")), ("counter", new Message(("value", 2), ("exemplar", exemplar), ("start_timestamp", start))), ("timestamp_ms", 7)), ("help", "h"), ("unit", "u")),
            Family("g", 1, new Message(("gauge", new Message(("value", 1))))),
            Family("n", 3, new Message(("untyped", new Message(("value", 1))))),
            Family("s", 2, new Message(("summary", new Message(("sample_count", 3), ("sample_sum", 4), ("quantile", new Message(("quantile", 0.5), ("value", 1))), ("start_timestamp", start))))),
            Family("h", 4, new Message(("histogram", new Message(
                ("sample_count", 3), ("sample_sum", 4), ("bucket", new Message(("cumulative_count", 2), ("upper_bound", 1), ("exemplar", exemplar))),
                ("bucket", new Message(("cumulative_count_float", 2.5), ("upper_bound", 2))))))),
            Family("w", 4, new Message(("histogram", new Message(
                ("sample_count", 6), ("sample_sum", 9), ("schema", 3), ("zero_threshold", 0.001), ("zero_count", 1), ("negative_span", new Message(("offset", 1), ("length", 1))), ("negative_delta", new[] { 2 }),
                ("positive_span", new Message(("offset", -1), ("length", 2))), ("positive_delta", new[] { 2, -1 }), ("exemplars", exemplar), ("start_timestamp", start))))),
            Family("f", 5, new Message(("histogram", new Message(
                ("sample_count_float", 3.5), ("sample_sum", 9), ("schema", 3), ("zero_threshold", 0.001), ("zero_count_float", 0.5), ("negative_span", new Message(("offset", 1), ("length", 1))), ("negative_count", new[] { 1.0 }),
                ("positive_span", new Message(("offset", 1), ("length", 1))), ("positive_count", new[] { 2.0 }))))),
        ];
        using var body = new ProtoBuffer();
        foreach (byte[] family in families)
        {
            body.Varint((uint)family.Length);
            body.Raw(family);
        }
        return Same(string.Join('\n', expected), string.Join('\n', Recorded.Protobuf(body.Written.ToArray(), starts: true).Lines));

        byte[] Family(string name, int type, Message metric, params (string, object)[] more) =>
            proto.Encode("MetricFamily", new Message([("name", name), ("type", type), ("metric", metric), .. more]));
    }

    private static string? WrittenFamilies(ProtoDescription proto)
    {
        var output = new System.Buffers.ArrayBufferWriter<byte>();
        using var writer = new ProtobufWriter(output);
        writer.Sample("m", Labels.Of(("__name__", "m"), ("l", "v")).Encoded, 1.5, 1000);
        writer.End();
        string untyped = proto.Decode("MetricFamily", output.WrittenSpan[1..]);
        output.Clear();
        writer.Sample("h", Labels.Of(("__name__", "h")).Encoded, new Histogram { Schema = 2, Count = 2, Sum = 4.5, ZeroCount = 1, ZeroThreshold = 0.5, PositiveSpans = [new BucketSpan(1, 1)], PositiveBuckets = [1] }, 1000);
        writer.End();
        return Same("name=m type=3 metric={label={name=l value=v} untyped={value=1.5} timestamp_ms=1000}", untyped)
            ?? Same("name=h type=4 metric={histogram={sample_count=2 sample_sum=4.5 schema=2 zero_threshold=0.5 zero_count=1 positive_span={offset=1 length=1} positive_delta=[1]} timestamp_ms=1000}", proto.Decode("MetricFamily", output.WrittenSpan[1..]));
    }

    private static string? LokiPush(ProtoDescription proto)
    {
        byte[] body = proto.Encode("PushRequest", new Message(
            ("streams", new Message(
                ("labels", "{job=\"j\"}"),
                ("entries", new Message(("timestamp", new Message(("seconds", 5), ("nanos", 6))), ("line", "text"), ("structuredMetadata", Label("k", "v")), ("parsed", Label("ignored", "x")))),
                ("hash", 7))),
            ("format", "loki")));
        var packed = new System.Buffers.ArrayBufferWriter<byte>();
        Wire.Compression.SnappyBlock.Encode(body, packed);
        using var batch = new LogBatch();
        LokiPushDecoder.Decode(packed.WrittenSpan.ToArray(), "application/x-protobuf", "snappy", LokiPushOptions.Default, batch);
        var entry = batch.Entries[0];
        return Same("{job=\"j\"} 5000000006 text {k=\"v\"}", $"{Labels.FromEncoded(batch.LabelsOf(entry.Stream))} {entry.TimestampNs} {System.Text.Encoding.UTF8.GetString(batch.LineOf(entry))} {Labels.FromEncoded(batch.MetadataOf(entry))}");
    }

    /// <summary>The write request as Loki's ruler defines it is version 1's, with two fields more that say nothing to a store.</summary>
    private static string? LokiWrite(ProtoDescription proto)
    {
        byte[] body = proto.Encode("WriteRequest", new Message(
            ("timeseries", new Message(("labels", new Message(("name", "__name__"), ("value", "m"))), ("samples", new Message(("value", 1.5), ("timestamp_ms", 1000))))),
            ("Source", 1), ("metadata", new Message(("type", 5), ("metric_family_name", "m"), ("help", "h"), ("unit", "u"))), ("skip_label_name_validation", 1)));
        using var batch = new MetricBatch();
        new RemoteWriteDecoder().DecodeV1(body, batch);
        return Same("{__name__=\"m\"}|1000 1.5|m Summary h u", Show(batch));
    }

    private static MetricBatch Batch()
    {
        var batch = new MetricBatch();
        int series = batch.AddSeries(Labels.Of(("__name__", "m"), ("job", "j")));
        batch.AddSample(series, 1000, 1.5);
        batch.AddHistogram(series, 1500, new Histogram
        {
            ResetHint = CounterResetHint.Gauge, Schema = 2, Count = 3, Sum = 4, ZeroThreshold = 0.5, ZeroCount = 1,
            NegativeSpans = [new BucketSpan(1, 1)], NegativeBuckets = [1], PositiveSpans = [new BucketSpan(-1, 1)], PositiveBuckets = [1],
        });
        batch.AddHistogram(series, 1600, new Histogram { IsFloat = true, Count = 1.5, Sum = 1, PositiveSpans = [new BucketSpan(1, 1)], PositiveBuckets = [1.5] });
        batch.Exemplars.Add(new BatchExemplar(series, 900, 2.5, Labels.Of(("trace_id", "t"))));
        batch.Metadata.Add(new MetricMetadata("m", MetricType.Counter, "h", "u"));
        return batch;
    }

    private static string Show(MetricBatch batch)
    {
        var parts = new List<string> { Labels.FromEncoded(batch.LabelsOf(0)).ToString() };
        foreach (var sample in batch.Samples) parts.Add(FormattableString.Invariant($"{sample.TimestampMs} {sample.Value}"));
        foreach (var (_, at, h) in batch.Histograms)
        {
            parts.Add(FormattableString.Invariant(
                $"{at} {(h.IsFloat ? "float" : "whole")} schema={h.Schema} hint={h.ResetHint} count={h.Count} sum={h.Sum} zero={h.ZeroThreshold}/{h.ZeroCount} -[{Spans(h.NegativeSpans)}]{string.Join(' ', h.NegativeBuckets)} +[{Spans(h.PositiveSpans)}]{string.Join(' ', h.PositiveBuckets)} {{{string.Join(' ', h.CustomValues)}}}"));
        }
        foreach (var exemplar in batch.Exemplars) parts.Add(FormattableString.Invariant($"{exemplar.TimestampMs} {exemplar.Value} {exemplar.Labels}"));
        foreach (var metadata in batch.Metadata) parts.Add($"{metadata.Family} {metadata.Type} {metadata.Help} {metadata.Unit}");
        return string.Join('|', parts);

        static string Spans(BucketSpan[] spans) => string.Join(' ', spans.Select(s => $"{s.Offset}:{s.Length}"));
    }
}
