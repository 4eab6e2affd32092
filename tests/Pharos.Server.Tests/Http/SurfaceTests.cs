using System.Net;
using System.Net.Sockets;
using System.Text;
using Pharos.Server.Tests.Mimir;

namespace Pharos.Server.Tests.Http;

/// <summary>What holds for every route, whoever asks.</summary>
public sealed class SurfaceTests
{
    private const string MultiTenant = "multitenancy_enabled: true";

    [Fact]
    public async Task No_answer_may_be_taken_for_a_page_and_no_other_site_may_read_one()
    {
        await using var api = await TenantApi.StartAsync("");
        foreach (string path in (string[])["/metrics", "/ready", "/api/v1/query?query=1", "/loki/api/v1/labels", "/api/v1/%3Cscript%3E", "/api/v2/status", "/nothing/here.txt"])
        {
            var (_, text, headers) = await api.SendAsync(HttpMethod.Get, path);
            Assert.Equal("nosniff", headers.GetValues("X-Content-Type-Options").Single());
            Assert.DoesNotContain(headers, h => h.Key.StartsWith("Access-Control-", StringComparison.OrdinalIgnoreCase));
            Assert.DoesNotContain("<script>", text, StringComparison.Ordinal);
        }
    }

    /// <summary>Routes do not look at case, so who asks for a tenant's data must not either.</summary>
    [Theory]
    [InlineData("GET", "/api/v1/labels")]
    [InlineData("GET", "/API/v1/labels")]
    [InlineData("GET", "/Prometheus/api/v1/labels")]
    [InlineData("GET", "/LOKI/api/v1/labels")]
    [InlineData("POST", "/ruler/delete_tenant_config")]
    [InlineData("POST", "/Compactor/delete_tenant")]
    public async Task A_tenants_paths_need_a_tenant(string method, string path)
    {
        await using var api = await TenantApi.StartAsync(MultiTenant);
        Assert.Equal((401, "no org id"), await StatusAsync(api, method, path));
    }

    [Theory]
    [InlineData("/api/v1/query")]
    [InlineData("/loki/api/v1/query")]
    [InlineData("/loki/api/v1/labels")]
    public async Task A_form_of_any_length_is_refused_at_its_bound_though_it_does_not_say_its_length(string path)
    {
        await using var api = await TenantApi.StartAsync("");
        using var content = new Chunked("query=", (8 << 20) - 6);
        content.Headers.ContentType = new("application/x-www-form-urlencoded");
        var (status, text, _) = await api.SendAsync(HttpMethod.Post, path, null, content);
        Assert.Equal(400, status);
        Assert.Contains("error parsing form values", text, StringComparison.Ordinal);
        Assert.Equal(200, (await api.SendAsync(HttpMethod.Get, "/api/v1/query?query=1")).Status);
    }

    [Theory]
    [InlineData("", null, 403, "admin APIs disabled; set admin_api: true in the server's configuration")]
    [InlineData("admin_api: true\n", null, 401, "no org id")]
    [InlineData("admin_api: true\n", "a|b", 400, "multiple org IDs present: /api/pharos/v1/logs/snapshot takes one tenant, not a|b; only queries read several")]
    [InlineData("admin_api: true\n", "a", 200, """{"status":"success","data":{"name":"20260301T120000Z"}}""")]
    public async Task A_snapshot_of_logs_is_taken_of_one_tenant_where_that_is_switched_on(string config, string? tenant, int status, string text)
    {
        await using var api = await TenantApi.StartAsync(config + (config.Length > 0 ? MultiTenant : ""));
        Assert.Equal((status, text), await StatusAsync(api, "POST", "/api/pharos/v1/logs/snapshot", tenant));
    }

    [Fact]
    public async Task All_rules_of_a_tenant_are_deleted_and_nobody_elses()
    {
        await using var api = await TenantApi.StartAsync(MultiTenant);
        foreach (string tenant in (string[])["a", "b"])
        {
            foreach (string path in (string[])["/prometheus/config/v1/rules/space", "/loki/api/v1/rules/space"])
            {
                using var group = new StringContent(path[1] == 'l' ? "{name: g, rules: [{alert: A, expr: 'count_over_time({a=\"b\"}[5m]) > 0'}]}" : "{name: g, rules: [{alert: A, expr: up}]}");
                Assert.Equal(202, (await api.SendAsync(HttpMethod.Post, path, tenant, group)).Status);
            }
        }
        Assert.Equal(200, (await api.SendAsync(HttpMethod.Post, "/ruler/delete_tenant_config", "a")).Status);
        Assert.Equal("{}", await api.GetAsync("/prometheus/config/v1/rules", "a"));
        await api.GetAsync("/loki/api/v1/rules", "a", 404);
        Assert.Contains("alert: A", await api.GetAsync("/prometheus/config/v1/rules", "b"), StringComparison.Ordinal);
        Assert.Contains("alert: A", await api.GetAsync("/loki/api/v1/rules", "b"), StringComparison.Ordinal);
    }

    /// <summary>A body that no route asked for is cut off; one that a route refuses is let run out for seconds only, so that its sender reads the answer.</summary>
    [Theory]
    [InlineData("/ruler/delete_tenant_config", 1L << 30)]
    [InlineData("/-/reload", 1L << 30)]
    [InlineData("/api/v1/push", 1L << 40)]
    public async Task A_body_without_end_is_not_read_to_its_end(string path, long endless)
    {
        await using var api = await TenantApi.StartAsync("");
        using var content = new Chunked("{", endless);
        content.Headers.ContentType = new("application/x-protobuf");
        try
        {
            await api.SendAsync(HttpMethod.Post, path, null, content);
        }
        catch (HttpRequestException e) when (e.InnerException is IOException or SocketException)
        {
            // The connection was closed while the body was on its way.
        }
        Assert.InRange(content.Sent, 1, endless - 1);
        Assert.Equal(200, (await api.SendAsync(HttpMethod.Get, "/ready")).Status);
    }

    [Theory]
    [InlineData("/../pharos.yml")]
    [InlineData("/assets/../../pharos.yml")]
    [InlineData("/assets/%2e%2e/%2e%2e/pharos.yml")]
    [InlineData("/assets/..%2f..%2fpharos.yml")]
    [InlineData("/%5c..%5c..%5cpharos.yml")]
    [InlineData("//etc/passwd")]
    public async Task No_path_leads_out_of_the_page(string path)
    {
        await using var api = await TenantApi.StartAsync("external_url: http://marker-of-the-configuration/");
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, api.Address.Port);
        await using var stream = socket.GetStream();
        // A client of .NET would tidy the path.
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
        using var reader = new StreamReader(stream);
        string answer = await reader.ReadToEndAsync();
        Assert.StartsWith("HTTP/1.1 ", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("marker-of-the-configuration", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("root:", answer, StringComparison.Ordinal);
    }

    private static async Task<(int, string)> StatusAsync(TenantApi api, string method, string path, string? tenant = null)
    {
        var (status, text, _) = await api.SendAsync(new HttpMethod(method), path, tenant);
        return (status, text);
    }

    /// <summary>A body sent in chunks, whose length is not announced.</summary>
    private sealed class Chunked(string start, long more) : HttpContent
    {
        public long Sent { get; private set; }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            var block = new byte[1 << 16];
            block.AsSpan().Fill((byte)'a');
            await stream.WriteAsync(Encoding.ASCII.GetBytes(start));
            while (Sent < more)
            {
                await stream.WriteAsync(block);
                Sent += block.Length;
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
