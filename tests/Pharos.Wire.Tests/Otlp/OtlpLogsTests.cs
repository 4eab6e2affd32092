using System.Buffers.Binary;
using System.Text;
using Pharos.Core;
using Pharos.Wire.Compression;
using Pharos.Wire.Otlp;

namespace Pharos.Wire.Tests.Otlp;

public sealed class OtlpLogsTests
{
    private const string Example =
        """
        {"resourceLogs":[{
          "resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}},{"key":"k8s.pod.name","value":{"stringValue":"p-1"}},{"key":"host.name","value":{"stringValue":"h"}}]},
          "scopeLogs":[{"scope":{"name":"lib","version":"1.2","attributes":[{"key":"a","value":{"boolValue":true}}]},
            "logRecords":[
              {"timeUnixNano":"5","observedTimeUnixNano":"6","severityNumber":17,"severityText":"ERROR","body":{"stringValue":"it broke"},"traceId":"ABCD","spanId":"ef","flags":1,
               "attributes":[{"key":"http.status","value":{"intValue":"500"}},{"key":"m","value":{"kvlistValue":{"values":[{"key":"x.y","value":{"doubleValue":1.5}}]}}},{"key":"l","value":{"arrayValue":{"values":[{"stringValue":"q\"r"},{"intValue":2}]}}}]},
              {"body":{"kvlistValue":{"values":[{"key":"k","value":{"stringValue":"v"}}]}},"observedTimeUnixNano":"7"},
              {"body":{"intValue":3}}
            ]}]}]}
        """;

    private const string Mapped =
        """
        {k8s_pod_name="p-1", service_name="shop"} 5 it broke {a="true", flags="1", host_name="h", http_status="500", l="[\"q\\\"r\",2]", m_x_y="1.5", observed_timestamp="6", scope_name="lib", scope_version="1.2", severity_number="17", severity_text="ERROR", span_id="ef", trace_id="abcd"}
        {k8s_pod_name="p-1", service_name="shop"} 7 {"k":"v"} {a="true", host_name="h", scope_name="lib", scope_version="1.2"}
        {k8s_pod_name="p-1", service_name="shop"} 99 3 {a="true", host_name="h", scope_name="lib", scope_version="1.2"}
        """;

    [Fact]
    public void Json_becomes_labels_lines_and_metadata()
    {
        using var batch = new LogBatch();
        OtlpLogsDecoder.Decode(Encoding.UTF8.GetBytes(Example), json: true, null, 1 << 20, 99, OtlpLogMapping.Default, batch);
        Assert.Equal(Mapped.ReplaceLineEndings("\n"), Show(batch));
    }

    [Fact]
    public void A_mapping_makes_labels_metadata_or_nothing_of_attributes()
    {
        var mapping = new OtlpLogMapping
        {
            IgnoreDefaults = true,
            Resource = [new(OtlpLogAction.IndexLabel, ["service.name"], ""), new(OtlpLogAction.Drop, [], "k8s[.].*")],
            Scope = [new(OtlpLogAction.Drop, ["a"], "")],
            Log = [new(OtlpLogAction.StructuredMetadata, ["m"], ""), new(OtlpLogAction.Drop, [], ".*")],
            SeverityTextAsLabel = true,
        };
        using var batch = new LogBatch();
        OtlpLogsDecoder.Decode(Encoding.UTF8.GetBytes(Example), json: true, null, 1 << 20, 99, mapping, batch);
        Assert.Equal(
            """
            {service_name="shop", severity_text="ERROR"} 5 it broke {flags="1", host_name="h", m_x_y="1.5", observed_timestamp="6", scope_name="lib", scope_version="1.2", severity_number="17", severity_text="ERROR", span_id="ef", trace_id="abcd"}
            {service_name="shop"} 7 {"k":"v"} {host_name="h", scope_name="lib", scope_version="1.2"}
            {service_name="shop"} 99 3 {host_name="h", scope_name="lib", scope_version="1.2"}
            """.ReplaceLineEndings("\n"), Show(batch));
    }

    [Theory, InlineData(null), InlineData("gzip"), InlineData("zstd")]
    public void Protobuf_gives_the_same_whatever_it_is_packed_in(string? encoding)
    {
        byte[] body = Pack(Message(), encoding);
        using var batch = new LogBatch();
        OtlpLogsDecoder.Decode(body, json: false, encoding, 1 << 20, 99, OtlpLogMapping.Default, batch);
        Assert.Equal(Mapped.ReplaceLineEndings("\n").Split('\n')[0], Show(batch));
        if (encoding is null) return;
        Assert.Equal(WireErrorKind.TooLarge, Assert.Throws<WireFormatException>(() => OtlpLogsDecoder.Decode(body, json: false, encoding, 50, 99, OtlpLogMapping.Default, batch)).Kind);
    }

    [Fact]
    public void Any_damage_is_an_error_and_no_crash()
    {
        using var batch = new LogBatch();
        for (int seed = 1; seed <= 4000; seed++)
        {
            var random = new Random(seed);
            bool json = random.Next(2) == 0;
            byte[] body = json ? Encoding.UTF8.GetBytes(Example) : Message();
            for (int i = random.Next(4); i >= 0; i--) body[random.Next(body.Length)] = (byte)random.Next(256);
            string? encoding = random.Next(3) switch { 0 => null, 1 => "zstd", _ => "gzip" };
            byte[] packed = Pack(body, encoding);
            if (random.Next(2) == 0) packed[random.Next(packed.Length)] ^= (byte)random.Next(256);
            try
            {
                OtlpLogsDecoder.Decode(packed.AsMemory(0, random.Next(packed.Length + 1)), json, encoding, 1 << 20, 1, OtlpLogMapping.Default, batch);
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

    private static byte[] Message()
    {
        byte[] record =
        [
            0x09, .. Fixed(5), 0x10, 17, .. Field(3, "ERROR"u8), .. Field(5, Field(1, "it broke"u8)),
            .. Field(6, [.. Field(1, "http.status"u8), .. Field(2, [0x18, 0xf4, 0x03])]),
            .. Field(6, [.. Field(1, "m"u8), .. Field(2, Field(6, Field(1, [.. Field(1, "x.y"u8), .. Field(2, [0x21, .. Fixed(BitConverter.DoubleToInt64Bits(1.5))])])))]),
            .. Field(6, [.. Field(1, "l"u8), .. Field(2, Field(5, [.. Field(1, Field(1, "q\"r"u8)), .. Field(1, [0x18, 2])]))]),
            0x45, 1, 0, 0, 0, .. Field(9, [0xab, 0xcd]), .. Field(10, [0xef]), 0x59, .. Fixed(6),
        ];
        byte[] scope = [.. Field(1, "lib"u8), .. Field(2, "1.2"u8), .. Field(3, [.. Field(1, "a"u8), .. Field(2, [0x10, 1])])];
        byte[] resource = [.. Text("service.name", "shop"), .. Text("k8s.pod.name", "p-1"), .. Text("host.name", "h")];
        return Field(1, [.. Field(2, [.. Field(2, record), .. Field(1, scope)]), .. Field(1, resource)]);

        static byte[] Text(string key, string value) => Field(1, [.. Field(1, Encoding.UTF8.GetBytes(key)), .. Field(2, Field(1, Encoding.UTF8.GetBytes(value)))]);
        static byte[] Fixed(long value)
        {
            var bytes = new byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
            return bytes;
        }
    }

    private static byte[] Field(int number, ReadOnlySpan<byte> body)
    {
        var bytes = new List<byte> { (byte)((number << 3) | 2) };
        uint length = (uint)body.Length;
        for (; length >= 0x80; length >>= 7) bytes.Add((byte)(length | 0x80));
        bytes.Add((byte)length);
        return [.. bytes, .. body];
    }

    private static byte[] Pack(byte[] body, string? encoding)
    {
        if (encoding is null) return body;
        if (encoding == "zstd")
        {
            var room = new byte[Zstd.CompressedBytesMax(body.Length)];
            return room[..Zstd.Compress(body, room, 3)];
        }
        var packed = new MemoryStream();
        using (var gzip = new System.IO.Compression.GZipStream(packed, System.IO.Compression.CompressionLevel.Fastest)) gzip.Write(body);
        return packed.ToArray();
    }

    private static string Show(LogBatch batch)
    {
        var lines = new List<string>();
        foreach (var entry in batch.Entries)
            lines.Add($"{Labels.FromEncoded(batch.LabelsOf(entry.Stream))} {entry.TimestampNs} {Encoding.UTF8.GetString(batch.LineOf(entry))} {Labels.FromEncoded(batch.MetadataOf(entry))}");
        return string.Join('\n', lines);
    }
}
