using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Collector.Hosting;
using Pharos.Collector.Syntax;
using Pharos.Core;
using Pharos.Fleet;
using Pharos.Server.Fleet;
using Pharos.Server.Hosting;
using Pharos.Storage.Catalogue;

namespace Pharos.Server.Tests.Fleet;

public sealed class FleetWireTests : IAsyncLifetime
{
    private const string Collectors = "collector.v1.CollectorService", Pipelines = "pipeline.v1.PipelineService";

    private readonly TemporaryFolder folder = Places.NewFolder();
    private readonly SimulatedTimeProvider time = new();
    private readonly HttpClient client = new();
    private SqliteCatalogue catalogue = null!;
    private CollectorRegistry collectors = null!;
    private HttpHost server = null!;

    public async ValueTask InitializeAsync()
    {
        catalogue = new SqliteCatalogue(Path.Combine(folder, "catalogue.db"), time);
        collectors = new CollectorRegistry(catalogue, time);
        var pipelines = new PipelineRegistry(catalogue, time, contents =>
            [.. CollectorValidator.ValidatePipeline(new SourceText("", contents)).Select(f => f.ToDiagnostic())]);
        server = await HttpHost.StartAsync("127.0.0.1", 0, NullLoggerFactory.Instance, routes => FleetRoutes.Map(routes, collectors, pipelines), default);
        client.BaseAddress = server.Address;
    }

    public async ValueTask DisposeAsync()
    {
        client.Dispose();
        await server.DisposeAsync();
        await catalogue.DisposeAsync();
        folder.Dispose();
    }

    [Fact]
    public async Task Json_takes_both_cases_and_writes_camel_case()
    {
        var (status, body) = await JsonAsync(Pipelines, "CreatePipeline",
            """{"pipeline":{"name":"p","contents":"prometheus.echo \"e\" { }","matchers":["env=\"prod\""],"config_type":"CONFIG_TYPE_ALLOY","metadata":{"owner":"me","n":[1,true,null]},"source":{"type":"SOURCE_TYPE_GIT","namespace":"repo"},"unknown":1}}""");
        Assert.Equal(200, status);
        Assert.Equal(
            """{"name":"p","contents":"prometheus.echo \u0022e\u0022 { }","matchers":["env=\u0022prod\u0022"],"createdAt":"2026-01-01T00:00:00Z","updatedAt":"2026-01-01T00:00:00Z","enabled":true,"id":"1","metadata":{"owner":"me","n":[1,true,null]},"source":{"type":"SOURCE_TYPE_GIT","namespace":"repo"},"configType":"CONFIG_TYPE_ALLOY"}""",
            body);
        Assert.Equal((200, """{"id":"1"}"""), await JsonAsync(Pipelines, "GetPipelineID", """{"name":"p"}"""));
        Assert.Equal((200, "{}"), await JsonAsync(Pipelines, "ListPipelines", """{"localAttributes":{"env":"test"}}"""));
        using var preview = JsonDocument.Parse((await JsonAsync(Pipelines, "ListPipelines", """{"local_attributes":{"env":"test"},"remoteAttributes":{"env":"prod"}}""")).Body);
        Assert.Equal("p", preview.RootElement.GetProperty("pipelines")[0].GetProperty("name").GetString());
    }

    [Fact]
    public async Task Errors_are_those_of_Connect()
    {
        Assert.Equal((404, """{"code":"not_found","message":"there is no pipeline with id \u00227\u0022"}"""), await JsonAsync(Pipelines, "GetPipeline", """{"id":"7"}"""));
        Assert.Equal((400, """{"code":"invalid_argument","message":"id is required"}"""), await JsonAsync(Collectors, "GetConfig", "{}"));
        Assert.Equal((400, """{"code":"invalid_argument","message":"field id must be a string"}"""), await JsonAsync(Collectors, "GetConfig", """{"id":5}"""));
        Assert.Equal(400, (await JsonAsync(Collectors, "GetConfig", "{")).Status);
        var (status, body) = await JsonAsync(Pipelines, "CreatePipeline", """{"pipeline":{"name":"p","contents":"prometheus.echoo \"e\" { }"}}""");
        Assert.Equal(400, status);
        Assert.Contains("1:1: cannot find the definition of component name \\u0022prometheus.echoo\\u0022; did you mean prometheus.echo?", body);
        using var text = new StringContent("id=1", Encoding.UTF8, "text/plain");
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, (await client.PostAsync($"/{Collectors}/GetConfig", text)).StatusCode);
    }

    [Fact]
    public async Task Protobuf_and_gzip_go_both_ways()
    {
        // GetConfigRequest{id="c", local_attributes={"env":"prod"}}, written by hand.
        byte[] request = [0x0a, 1, (byte)'c', 0x22, 11, 0x0a, 3, .. "env"u8, 0x12, 4, .. "prod"u8];
        await JsonAsync(Pipelines, "CreatePipeline", """{"pipeline":{"name":"p","contents":"prometheus.echo \"e\" { }\n// a comment that makes the answer long enough to be worth packing: 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789"}}""");
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true)) gzip.Write(request);
        using var message = new HttpRequestMessage(HttpMethod.Post, $"/{Collectors}/GetConfig") { Content = new ByteArrayContent(packed.ToArray()) };
        message.Content.Headers.ContentType = new MediaTypeHeaderValue("application/proto");
        message.Content.Headers.ContentEncoding.Add("gzip");
        message.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("gzip"));
        using var response = await client.SendAsync(message);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("application/proto", response.Content.Headers.ContentType!.MediaType);
        Assert.Equal("gzip", response.Content.Headers.ContentEncoding.Single());
        using var plain = new MemoryStream();
        await using (var gzip = new GZipStream(await response.Content.ReadAsStreamAsync(), CompressionMode.Decompress)) await gzip.CopyToAsync(plain);
        var answer = ProtoMessages.Read(FleetShapes.GetConfigResponse, plain.ToArray());
        Assert.Contains("declare \"pipeline_p\"", answer.Text("content"), StringComparison.Ordinal);
        Assert.Equal(64, answer.Text("hash").Length);
        Assert.Equal("prod", collectors.Get(TenantId.Anonymous, "c").LocalAttributes["env"]);

        string query = Convert.ToBase64String(request).TrimEnd('=').Replace('+', '-').Replace('/', '_');
        using var got = await client.GetAsync($"/{Collectors}/GetConfig?connect=v1&encoding=proto&base64=1&message={query}");
        Assert.Equal(answer.Text("hash"), ProtoMessages.Read(FleetShapes.GetConfigResponse, await got.Content.ReadAsByteArrayAsync()).Text("hash"));
    }

    [Fact]
    public void Messages_survive_both_encodings()
    {
        var message = JsonMessages.Read(FleetShapes.Pipeline, """{"name":"n","matchers":["a=b","c=d"],"createdAt":"2026-05-06T07:08:09.123Z","enabled":false,"metadata":{"a":{"b":[1.5,"x"]}},"configType":2}"""u8.ToArray());
        string json = Encoding.UTF8.GetString(JsonMessages.Write(message));
        Assert.Equal("""{"name":"n","matchers":["a=b","c=d"],"createdAt":"2026-05-06T07:08:09.123Z","enabled":false,"metadata":{"a":{"b":[1.5,"x"]}},"configType":"CONFIG_TYPE_OTEL"}""", json);
        Assert.Equal(json, Encoding.UTF8.GetString(JsonMessages.Write(ProtoMessages.Read(FleetShapes.Pipeline, ProtoMessages.Write(message)))));
        var attributes = JsonMessages.Read(FleetShapes.ListAttributesResponse, """{"localAttributes":{"k":{"values":[{"value":"v"}]}}}"""u8.ToArray());
        Assert.Equal(JsonMessages.Write(attributes), JsonMessages.Write(ProtoMessages.Read(FleetShapes.ListAttributesResponse, ProtoMessages.Write(attributes))));
    }

    [Fact]
    public async Task A_collector_joins_runs_its_pipelines_and_keeps_them_when_the_fleet_is_away()
    {
        await JsonAsync(Pipelines, "CreatePipeline", """{"pipeline":{"name":"checkout","contents":"prometheus.echo \"e\" { }\n\nexport \"out\" {\n\tvalue = argument.attributes.value[\"team\"]\n}","matchers":["team=payments"]}}""");
        string config = $$"""
            remotecfg {
            	url            = "{{server.Address.ToString().TrimEnd('/')}}"
            	id             = constants.hostname
            	poll_frequency = "1m"
            	attributes     = { "team" = "payments" }
            }
            """;
        await using (var collector = Collector(config))
        {
            await collector.LoadAsync(default);
            await UntilAsync(() => State() is { Status: ConfigStatus.Applied, Type: CollectorType.Alloy }, "applied");
            Assert.Equal(["pipeline_checkout.default"], collector.Components("", fromRemote: true)!.Select(c => c.Id));
            Assert.Equal(["pipeline_checkout.default/prometheus.echo.e"], collector.Components("pipeline_checkout.default", fromRemote: true)!.Select(c => c.Id));

            // One pipeline that cannot run costs itself only, and the fleet hears of it.
            await JsonAsync(Pipelines, "CreatePipeline", """{"pipeline":{"name":"bad","contents":"local.file \"f\" {\n\tfilename = \"/does/not/exist\"\n}"}}""");
            await UntilAsync(() => State() is { Status: ConfigStatus.Failed }, "failed", advance: TimeSpan.FromSeconds(70));
            Assert.Contains("/does/not/exist", State()!.StatusMessage, StringComparison.Ordinal);
            Assert.Equal(Pharos.Collector.HealthState.Healthy, HealthOf(collector, "pipeline_checkout.default"));
            await JsonAsync(Pipelines, "DeletePipeline", """{"id":"2"}""");
            await UntilAsync(() => State() is { Status: ConfigStatus.Applied }, "applied again", advance: TimeSpan.FromSeconds(70));
        }
        Assert.NotNull(State()!.MarkedInactiveAt);

        // Started while the fleet is away, it runs what it last had.
        await server.DisposeAsync();
        await using (var collector = Collector(config))
        {
            await collector.LoadAsync(default);
            await UntilAsync(() => collector.Components("", fromRemote: true)!.Count == 1, "cached pipelines");
        }

        Pharos.Fleet.Collector? State() => collectors.List(TenantId.Anonymous).FirstOrDefault(c => c.Id == "edge-1");
    }

    private static Pharos.Collector.HealthState HealthOf(CollectorHost collector, string id) => collector.Component(id, fromRemote: true)!.Health.State;

    private CollectorHost Collector(string config) => new(new CollectorOptions
    {
        Configuration = () => [new SourceText("edge.alloy", config)],
        StoragePath = Path.Combine(folder, "edge"),
        Time = time,
        Log = new CollectorLog(TextWriter.Null, time),
        Http = _ => new SocketsHttpHandler(),
        Facts = new Pharos.Collector.Evaluation.HostFacts { Hostname = "edge-1" },
    });

    private async Task UntilAsync(Func<bool> condition, string what, TimeSpan advance = default)
    {
        for (int i = 0; i < 2000; i++)
        {
            if (condition()) return;
            if (advance > TimeSpan.Zero && i % 200 == 100) time.Advance(advance);
            await Task.Delay(5);
        }
        Assert.Fail($"it never came to: {what}");
    }

    private async Task<(int Status, string Body)> JsonAsync(string service, string method, string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await client.PostAsync($"/{service}/{method}", content);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }
}
