using System.Collections;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Parquet;
using Parquet.Serialization;
using Pharos.Core;

namespace Pharos.Server.Tests.Loki;

/// <summary>Answers as Parquet, read by a library that others wrote.</summary>
public sealed class LokiParquetTests
{
    private const long Now = LokiApi.NowNs;
    private static readonly string Range = $"&start={Now - 60_000_000_000}&end={Now + 1}&direction=forward";

    [Fact]
    public async Task Lines_are_rows_with_all_labels()
    {
        await using var api = await LokiApi.StartAsync();
        await api.FillAsync();
        var (rows, _, schema) = await ReadAsync(api, $"query_range?query={{app=\"shop\"}}{Range}");
        Assert.Equal("timestamp: DateTime, labels/key_value/key: ReadOnlyMemory`1, labels/key_value/value: ReadOnlyMemory`1, line: ReadOnlyMemory`1", schema);
        Assert.Equal(
            [
                "2025-12-31T23:59:58.0000000Z {app=shop,detected_level=info,pod=a,service_name=shop} level=info took=5ms",
                "2025-12-31T23:59:59.0000000Z {app=shop,detected_level=warn,pod=b,service_name=shop} {\"level\":\"warn\",\"n\":1.5}",
                "2026-01-01T00:00:00.0000000Z {app=shop,detected_level=error,pod=a,service_name=shop,trace_id=7f} level=error took=70ms",
            ], rows);
        Assert.Empty((await ReadAsync(api, $"query_range?query={{app=\"none\"}}{Range}")).Rows);
    }

    [Fact]
    public async Task Points_are_rows_with_a_value()
    {
        await using var api = await LokiApi.StartAsync();
        await api.FillAsync();
        var (rows, _, schema) = await ReadAsync(api, $"query_range?step=60&query=sum by (pod) (count_over_time({{app=\"shop\"}}[1m])){Range}");
        Assert.Equal("timestamp: DateTime, labels/key_value/key: ReadOnlyMemory`1, labels/key_value/value: ReadOnlyMemory`1, value: Double", schema);
        Assert.Equal(["2026-01-01T00:00:00.0000000Z {pod=a} 2", "2026-01-01T00:00:00.0000000Z {pod=b} 1"], rows);
        Assert.Equal(["2026-01-01T00:00:00.0000000Z {} 2"], (await ReadAsync(api, "query?query=vector(1)%2Bvector(1)")).Rows);
        Assert.Equal(["2026-01-01T00:00:00.0000000Z {} 0.5"], (await ReadAsync(api, "query?query=1/2")).Rows);
        Assert.Equal(["2026-01-01T00:00:00.0000000Z {} NaN"], (await ReadAsync(api, "query?query=0/0")).Rows);
    }

    /// <summary>More rows than one group holds, and times to the nanosecond, as far as the reader shows them.</summary>
    [Fact]
    public async Task Large_answers_come_in_several_groups()
    {
        await using var api = await LokiApi.StartAsync(new TenantLimits { LogQueryEntriesMax = 0 });
        string filling = new('x', 200_000);
        for (int push = 0; push < 4; push++)
        {
            var values = Enumerable.Range(push * 50, 50).Select(i => new[] { $"{Now - 1_000_000 + (i * 100)}", $"line {i:000} {filling}" });
            Assert.Equal((204, ""), await api.PushAsync(JsonSerializer.Serialize(new { streams = new[] { new { stream = new { app = "big" }, values } } })));
        }
        var (rows, groups, _) = await ReadAsync(api, $"query_range?query={{app=\"big\"}}&limit=1000{Range}");
        Assert.Equal(3, groups);
        Assert.Equal(Enumerable.Range(0, 200).Select(i => $"2025-12-31T23:59:59.{9_990_000 + i:0000000}Z line {i:000}"), rows.Select(r => r[..28] + r[r.IndexOf(" line ", StringComparison.Ordinal)..].TrimEnd('x').TrimEnd()));
    }

    [Fact]
    public async Task Warnings_stand_in_the_file_and_errors_are_text()
    {
        await using var api = await LokiApi.StartAsync(new TenantLimits { LogQuerySeriesMax = 1 });
        await api.FillAsync();
        byte[] file = await FileAsync(api, "query?query=sum by (pod) (count_over_time({app=\"shop\"}[1m]))");
        await using var reader = await ParquetReader.CreateAsync(new MemoryStream(file));
        Assert.StartsWith("maximum number of series (1) reached for a single query, which has 2", reader.CustomMetadata["warning"]);
        var accept = ("Accept", "application/vnd.apache.parquet");
        Assert.StartsWith("parse error", await api.GetAsync("/loki/api/v1/query?query={", 400, accept));
        Assert.StartsWith("a page by cursor cannot be given as Parquet", await api.GetAsync($"/loki/api/v1/query_range?query={{app=\"shop\"}}&cursor={Range}", 400, accept));
    }

    private static async Task<(List<string> Rows, int Groups, string Schema)> ReadAsync(LokiApi api, string path)
    {
        byte[] file = await FileAsync(api, path);
        await using var reader = await ParquetReader.CreateAsync(new MemoryStream(file));
        using var again = new MemoryStream(file);
        var rows = (await ParquetSerializer.DeserializeUntypedAsync(again, null, default)).Data.Select(Show).ToList();
        return (rows, reader.RowGroupCount, string.Join(", ", reader.Schema.DataFields.Select(f => $"{f.Path}: {f.ClrType.Name}")));
    }

    private static string Show(IDictionary<string, object> row)
    {
        var labels = (IDictionary)row["labels"];
        string shown = string.Join(',', labels.Keys.Cast<object>().Select(k => $"{k}={labels[k]}"));
        return string.Create(CultureInfo.InvariantCulture, $"{(DateTime)row["timestamp"]:O} {{{shown}}} {(row.TryGetValue("line", out object? line) ? line : row["value"])}");
    }

    private static async Task<byte[]> FileAsync(LokiApi api, string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/loki/api/v1/" + path);
        request.Headers.Add("Accept", "application/vnd.apache.parquet");
        using var response = await api.Client.SendAsync(request);
        byte[] body = await response.Content.ReadAsByteArrayAsync();
        Assert.True(response.IsSuccessStatusCode, Encoding.UTF8.GetString(body));
        Assert.Equal("application/vnd.apache.parquet", response.Content.Headers.ContentType?.MediaType);
        return body;
    }
}
