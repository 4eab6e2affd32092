using System.Buffers;
using System.IO.Compression;
using System.Text;
using Pharos.Core;
using Pharos.Wire.Loki;

namespace Pharos.Wire.Tests.Loki;

public sealed class LokiPushTests
{
    [Fact]
    public void Json_becomes_streams_lines_and_metadata()
    {
        using var batch = new LogBatch();
        var result = Json("""
            {"streams":[
              {"stream":{"job":"web","app":"shop\n"},"values":[["1700000000000000001","a \"line\""],["2","plain",{"trace id":"7","1st":"x"}]]},
              {"values":[["3","before its labels"]],"stream":{"job":"db"}}
            ]}
            """, batch);
        Assert.Empty(result.Errors);
        Assert.Equal(
            """
            {app="shop\n", job="web"} 1700000000000000001 a "line" {}
            {app="shop\n", job="web"} 2 plain {key_1st="x", trace_id="7"}
            {job="db"} 3 before its labels {}
            """, Show(batch));
    }

    [Fact]
    public void Legacy_json_has_labels_as_text_and_times_in_rfc_3339()
    {
        using var batch = new LogBatch();
        var legacy = new LokiPushOptions { Legacy = true };
        var result = LokiPushDecoder.Decode(
            """
            {"streams":[
              {"labels":"{job=\"web\"}","entries":[{"ts":"2023-11-14T22:13:20.000000001Z","line":"a"},{"ts":"2023-11-14T23:13:20.5+01:00","line":"b"}]},
              {"labels":"{job=","entries":[{"ts":"2023-11-14T22:13:20Z","line":"c"}]}
            ]}
            """u8.ToArray(), "application/json", null, legacy, batch);
        Assert.Equal(
            """
            {job="web"} 1700000000000000001 a {}
            {job="web"} 1700000000500000000 b {}
            """, Show(batch));
        Assert.Equal(("invalid_labels", 1), (Assert.Single(result.Errors).Code, result.Errors[0].Samples));
        Assert.Throws<WireFormatException>(() => LokiPushDecoder.Decode("""{"streams":[{"labels":"{a=\"b\"}","entries":[{"ts":"5","line":"a"}]}]}"""u8.ToArray(), "application/json", null, legacy, batch));
    }

    [Theory]
    [InlineData("""{"streams":[{"stream":{"a":"b"},"values":[[1,"x"]]}]}""", "expected the timestamp as a string of nanoseconds at byte 43")]
    [InlineData("""{"streams":[{"stream":{"a":"b"},"values":[["1"]]}]}""", "expected the line as a string at byte 46")]
    [InlineData("""{"streams":[{"stream":{"a":"b"},"values":[["1s","x"]]}]}""", "expected a timestamp in whole nanoseconds, in quotes at byte 43")]
    [InlineData("""{"streams":[{"stream":{"a":1},"values":[]}]}""", "expected a string value at byte 27")]
    [InlineData("""{"streams":[{"stream":{"a":"b"},"values":[["1","x",{},1]]}]}""", "expected the end of an entry")]
    [InlineData("""{"streams":[""", "couldn't parse push request")]
    [InlineData("[]", "expected an object with \"streams\"")]
    public void Wrong_json_says_what_was_expected_and_where(string json, string gist)
    {
        using var batch = new LogBatch();
        var e = Assert.Throws<WireFormatException>(() => Json(json, batch));
        Assert.Equal(WireErrorKind.Malformed, e.Kind);
        Assert.Contains(gist, e.Message);
    }

    [Fact]
    public void What_the_encoder_writes_the_decoder_reads()
    {
        for (int seed = 1; seed <= 200; seed++)
        {
            var random = new Random(seed);
            using var batch = RandomBatch(random);
            var body = new ArrayBufferWriter<byte>();
            LokiPushEncoder.Encode(batch, body);
            using var read = new LogBatch();
            var result = LokiPushDecoder.Decode(body.WrittenMemory, LokiPushEncoder.ContentType, LokiPushEncoder.ContentEncoding, LokiPushOptions.Default, read);
            Assert.Empty(result.Errors);
            Assert.True(ByStream(batch) == ByStream(read), $"seed {seed}");
        }
    }

    [Fact]
    public void Gzip_may_wrap_both_forms_and_is_bounded()
    {
        using var batch = new LogBatch();
        batch.AddEntry(batch.AddStream(Labels.Of(("a", "b"))), 5, "hello"u8);
        var body = new ArrayBufferWriter<byte>();
        LokiPushEncoder.Encode(batch, body);
        using var read = new LogBatch();
        LokiPushDecoder.Decode(Gzip(body.WrittenSpan), null, "gzip", LokiPushOptions.Default, read);
        Assert.Equal("""{a="b"} 5 hello {}""", Show(read));
        LokiPushDecoder.Decode(
            Gzip("""{"streams":[{"stream":{"a":"b"},"values":[["6","bye"]]}]}"""u8), "application/json; charset=utf-8", "gzip", LokiPushOptions.Default, read);
        Assert.Equal("""{a="b"} 6 bye {}""", Show(read));
        var e = Assert.Throws<WireFormatException>(() => LokiPushDecoder.Decode(
            Gzip(new byte[100_000]), "application/json", "gzip", new LokiPushOptions { UnpackedBytesMax = 5000 }, read));
        Assert.Equal(WireErrorKind.TooLarge, e.Kind);
    }

    [Fact]
    public void A_stream_with_wrong_labels_is_left_out_and_the_others_stay()
    {
        using var batch = new LogBatch();
        var body = new ArrayBufferWriter<byte>();
        Pharos.Wire.Compression.SnappyBlock.Encode(
            [.. Message(1, [.. Message(1, "{a=\"b\""u8), .. Message(2, Message(2, "lost"u8))]),
             .. Message(1, [.. Message(1, "{a=\"b\", a=\"c\"}"u8), .. Message(2, Message(2, "lost"u8)), .. Message(2, Message(2, "too"u8))]),
             .. Message(1, [.. Message(2, Message(2, "kept"u8)), .. Message(1, "{ a = \"\\\"q\\\"\" , b=`raw\\`,}"u8)])], body);
        var result = LokiPushDecoder.DecodeProtobuf(body.WrittenSpan, LokiPushOptions.Default, batch);
        Assert.Equal("""{a="\"q\"", b="raw\\"} 0 kept {}""", Show(batch));
        Assert.Equal(["invalid_labels 1", "duplicate_label_names 2"], result.Errors.Select(e => $"{e.Code} {e.Samples}"));
        Assert.Equal("error parsing labels: {a=\"b\": 1:7: parse error: expected ',' or '}'", result.Errors[0].Message);
    }

    [Fact]
    public void Any_damage_to_a_body_is_an_error_and_no_crash()
    {
        for (int seed = 1; seed <= 3000; seed++)
        {
            var random = new Random(seed);
            using var batch = RandomBatch(random);
            byte[] message = LokiPushEncoder.EncodeMessage(batch, out int length);
            byte[] damaged = message.AsSpan(0, length).ToArray();
            ArrayPool<byte>.Shared.Return(message);
            for (int i = random.Next(5); i >= 0 && damaged.Length > 0; i--) damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            var body = new ArrayBufferWriter<byte>();
            Pharos.Wire.Compression.SnappyBlock.Encode(damaged.AsSpan(0, random.Next(damaged.Length + 1)), body);
            byte[] json = Encoding.UTF8.GetBytes("""{"streams":[{"stream":{"a":"b\n"},"values":[["12","x\u0041",{"c":"d"}],["1","y"]]}]}""");
            for (int i = random.Next(3); i >= 0; i--) json[random.Next(json.Length)] = (byte)random.Next(256);
            byte[] legacy = Encoding.UTF8.GetBytes("""{"streams":[{"labels":"{a=\"b\\n\"}","entries":[{"ts":"2026-01-01T00:00:00.5+01:00","line":"x\u0041"},{"line":"y","ts":"2026-01-01T00:00:00Z"}]}]}""");
            for (int i = random.Next(3); i >= 0; i--) legacy[random.Next(legacy.Length)] = (byte)random.Next(256);
            using var read = new LogBatch();
            for (int form = 0; form < 3; form++)
            {
                try
                {
                    if (form == 0) LokiPushDecoder.DecodeJson(json, LokiPushOptions.Default, read);
                    else if (form == 1) LokiPushDecoder.Decode(legacy, "application/json", null, new LokiPushOptions { Legacy = true }, read);
                    else LokiPushDecoder.DecodeProtobuf(body.WrittenSpan, LokiPushOptions.Default, read);
                }
                catch (WireFormatException)
                {
                    // Refused: what a damaged body deserves.
                }
                catch (Exception e)
                {
                    Assert.Fail($"seed {seed}: {e}");
                }
            }
        }
    }

    [Fact]
    public void A_body_as_senders_write_it_means_the_same_as_with_something_beside_its_streams()
    {
        // Only the first form is read on the fast road.
        string[] pieces = ["a", "level=info msg", "\\\"", "\\\\", "\\/", "\\n", "\\t", "\\u0041", "\\u003c", "\\u20AC", "\\ud83d\\ude00", "\\ud83d", "\\udc00", "\\u12g4", "\\x", "ö", "\t", "a longer piece of plain text without anything in it", "\uFFFD"];
        int read = 0;
        for (int seed = 1; seed <= 4000; seed++)
        {
            var random = new Random(seed);
            var body = new StringBuilder("{ \"streams\" :[");
            for (int s = random.Next(4), first = s; s > 0; s--)
            {
                body.Append(s == first ? "" : ",").Append($"{{\"stream\":{{\"a\":\"{Text(2)}\"{(random.Next(40) == 0 ? ",\"a\":\"\"" : "")}}},\n\"values\":[");
                for (int e = random.Next(5), last = e; e > 0; e--)
                {
                    string metadata = random.Next(3) switch { 0 => $",{{\"{Text(1)}\":\"{Text(3)}\"}}", 1 => ",{}", _ => "" };
                    body.Append(e == last ? "" : " , ").Append($"[\"{(random.Next(30) == 0 ? "9223372036854775808" : random.NextInt64(0, long.MaxValue))}\",\"{Text(9)}\"{metadata}]");
                }
                body.Append("]}");
            }
            body.Append("]}");
            byte[] plain = Encoding.UTF8.GetBytes(body.ToString());
            if (random.Next(3) == 0) plain[random.Next(plain.Length)] = (byte)random.Next(256);
            if (!plain.AsSpan().StartsWith("{"u8)) continue;
            string one = Read(plain), other = Read([.. "{\"beside\":1,"u8, .. plain.AsSpan(1)]);
            Assert.True(one == other, $"seed {seed}: {one}\nis not\n{other}");
            if (one != "wrong") read++;

            string Text(int most) => string.Concat(Enumerable.Range(0, random.Next(most)).Select(_ => pieces[random.Next(random.Next(6) == 0 ? pieces.Length : 10)]));
        }
        Assert.True(read > 1000, $"only {read} bodies were good");

        static string Read(byte[] json)
        {
            using var batch = new LogBatch();
            try
            {
                var result = LokiPushDecoder.DecodeJson(json, LokiPushOptions.Default, batch);
                return string.Join('\n', Lines(batch).Concat(result.Errors.Select(e => $"{e.Message} {e.Samples}")));
            }
            catch (WireFormatException)
            {
                return "wrong";
            }
        }
    }

    [Fact]
    public void Decoding_allocates_nothing_per_line()
    {
        using var few = new LogBatch();
        using var many = new LogBatch();
        foreach (var (batch, lines) in new[] { (few, 10), (many, 10_000) })
        {
            int stream = batch.AddStream(Labels.Of(("app", "shop"), ("env", "prod")));
            for (int i = 0; i < lines; i++) batch.AddEntry(stream, i, "level=info msg=\"a line of middling length\""u8, Labels.Of(("trace_id", "1234")).Encoded);
        }
        using var read = new LogBatch();
        long Allocated(LogBatch batch)
        {
            var body = new ArrayBufferWriter<byte>();
            LokiPushEncoder.Encode(batch, body);
            for (int warm = 0; warm < 3; warm++) LokiPushDecoder.DecodeProtobuf(body.WrittenSpan, LokiPushOptions.Default, read);
            long before = GC.GetAllocatedBytesForCurrentThread();
            LokiPushDecoder.DecodeProtobuf(body.WrittenSpan, LokiPushOptions.Default, read);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
        long forFew = Allocated(few);
        Assert.InRange(Allocated(many) - forFew, -2048, 2048);
    }

    private static LokiPushResult Json(string json, LogBatch batch) => LokiPushDecoder.DecodeJson(Encoding.UTF8.GetBytes(json), LokiPushOptions.Default, batch);

    private static string Show(LogBatch batch) => string.Join('\n', Lines(batch));

    private static List<string> Lines(LogBatch batch)
    {
        var lines = new List<string>();
        foreach (var entry in batch.Entries)
        {
            lines.Add($"{Labels.FromEncoded(batch.LabelsOf(entry.Stream))} {entry.TimestampNs} {Encoding.UTF8.GetString(batch.LineOf(entry))} {Labels.FromEncoded(batch.MetadataOf(entry))}");
        }
        return lines;
    }

    private static string ByStream(LogBatch batch) => string.Join('\n', Lines(batch).Order(StringComparer.Ordinal));

    private static LogBatch RandomBatch(Random random)
    {
        var batch = new LogBatch();
        int streams = random.Next(1, 5);
        for (int s = 0; s < streams; s++) batch.AddStream(Labels.Of(("s", $"{s}\"\\{(char)random.Next(32, 300)}"), ("b", new string('x', random.Next(200)))));
        int entries = random.Next(30);
        for (int i = 0; i < entries; i++)
        {
            var metadata = random.Next(3) == 0 ? Labels.Of(("trace_id", $"{random.Next()}"), ("z", "ö")) : Labels.Empty;
            batch.AddEntry(random.Next(streams), random.NextInt64(-2_000_000_000_000_000_000, long.MaxValue), Encoding.UTF8.GetBytes(new string((char)random.Next(32, 900), random.Next(300))), metadata.Encoded);
        }
        return batch;
    }

    private static byte[] Message(int field, ReadOnlySpan<byte> body) => [(byte)((field << 3) | 2), (byte)body.Length, .. body];

    private static byte[] Gzip(ReadOnlySpan<byte> data)
    {
        var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest)) gzip.Write(data);
        return packed.ToArray();
    }
}
