using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Collector.Discovery;
using Pharos.Collector.Http;
using Pharos.Core;

namespace Pharos.Collector.Tests.Discovery;

/// <summary>Containers of an engine that speaks the Docker API as its documentation says, over TCP and over a unix socket.</summary>
public sealed class DockerTests
{
    private const string Containers = """
        [
          {"Id":"c1","Names":["/shop"],"Labels":{"com.docker.compose.service":"shop"},"HostConfig":{"NetworkMode":"front"},
           "Ports":[{"IP":"0.0.0.0","PrivatePort":8080,"PublicPort":18080,"Type":"tcp"},{"PrivatePort":9000,"Type":"tcp"},{"PrivatePort":53,"Type":"udp"}],
           "NetworkSettings":{"Networks":{"front":{"NetworkID":"n1","IPAddress":"172.18.0.2"},"back":{"NetworkID":"n2","IPAddress":"172.19.0.2"}}}},
          {"Id":"c2","Names":["/portless"],"Labels":{},"HostConfig":{"NetworkMode":"front"},"Ports":[],
           "NetworkSettings":{"Networks":{"front":{"NetworkID":"n1","IPAddress":"172.18.0.3"}}}},
          {"Id":"c3","Names":["/node"],"Labels":{},"HostConfig":{"NetworkMode":"host"},"Ports":[],
           "NetworkSettings":{"Networks":{"host":{"NetworkID":"n3","IPAddress":""}}}},
          {"Id":"c4","Names":["/sidecar"],"Labels":{},"HostConfig":{"NetworkMode":"container:c2"},"Ports":[{"PrivatePort":7000,"Type":"tcp"}],
           "NetworkSettings":{"Networks":{}}}
        ]
        """;

    private const string Networks = """
        [{"Id":"n1","Name":"front","Scope":"local","Internal":false,"Ingress":false,"Labels":{"tier":"web"}},
         {"Id":"n2","Name":"back","Scope":"local","Internal":true,"Ingress":false,"Labels":null},
         {"Id":"n3","Name":"host","Scope":"local","Internal":false,"Ingress":false,"Labels":{}}]
        """;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Each_open_port_is_a_target(bool overUnixSocket)
    {
        using var folder = Places.NewFolder();
        string path = Path.Combine(folder, "docker.sock");
        string filters = "";
        await using var engine = await StartAsync(overUnixSocket ? path : null, asked => filters = asked);
        var host = overUnixSocket ? new Uri("unix://" + path) : new Uri(engine.Urls.First().Replace("http://", "tcp://", StringComparison.Ordinal));
        var docker = Docker(host) with { Filters = new Dictionary<string, IReadOnlyList<string>> { ["status"] = ["running", "paused"] } };
        var targets = await FindAsync(docker);
        Assert.Equal("""{"status":["running","paused"]}""", filters);
        // Of a container in two networks the first by name counts.
        Assert.Equal(["172.19.0.2:8080", "172.19.0.2:9000", "172.18.0.3:80", "localhost", "172.18.0.3:7000"], targets.Select(t => t["__address__"]));
        Assert.Equal(
            Labels.Of(
                ("__address__", "172.19.0.2:8080"), ("__meta_docker_container_id", "c1"), ("__meta_docker_container_name", "/shop"), ("__meta_docker_container_network_mode", "front"),
                ("__meta_docker_container_label_com_docker_compose_service", "shop"), ("__meta_docker_network_ip", "172.19.0.2"), ("__meta_docker_network_id", "n2"),
                ("__meta_docker_network_name", "back"), ("__meta_docker_network_scope", "local"), ("__meta_docker_network_internal", "true"), ("__meta_docker_network_ingress", "false"),
                ("__meta_docker_port_private", "8080"), ("__meta_docker_port_public", "18080"), ("__meta_docker_port_public_ip", "0.0.0.0")),
            targets[0]);
        Assert.Equal("web", targets[2]["__meta_docker_network_label_tier"]);
        targets = await FindAsync(docker with { MatchFirstNetwork = false, Port = 81, HostNetworkingHost = "10.0.0.1" });
        Assert.Equal(["172.19.0.2:8080", "172.19.0.2:9000", "172.18.0.2:8080", "172.18.0.2:9000", "172.18.0.3:81", "10.0.0.1", "172.18.0.3:7000"], targets.Select(t => t["__address__"]));
    }

    [Fact]
    public async Task An_engine_that_is_away_is_an_error_and_no_empty_list()
    {
        using var folder = Places.NewFolder();
        await Assert.ThrowsAsync<HttpRequestException>(() => FindAsync(Docker(new Uri("unix://" + Path.Combine(folder, "nobody.sock")))));
    }

    private static DockerOptions Docker(Uri host) =>
        new(host, 80, "localhost", true, new Dictionary<string, IReadOnlyList<string>>(), HttpClientOptions.Default) { RefreshInterval = TimeSpan.FromMinutes(1) };

    private static async Task<IReadOnlyList<Labels>> FindAsync(DockerOptions docker)
    {
        await using var discoverer = docker.Open(new DiscoveryContext(HttpHandlers.Create(TimeProvider.System), TimeProvider.System, new Instruments(), NullLogger.Instance));
        return (await discoverer.RefreshAsync(Cancel)).Targets;
    }

    private static async Task<WebApplication> StartAsync(string? socket, Action<string> filters)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddRouting();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            if (socket is null) kestrel.Listen(System.Net.IPAddress.Loopback, 0);
            else kestrel.ListenUnixSocket(socket);
        });
        var engine = builder.Build();
        engine.MapGet("/containers/json", http =>
        {
            filters(http.Request.Query["filters"].ToString());
            http.Response.ContentType = "application/json";
            return http.Response.WriteAsync(Containers);
        });
        engine.MapGet("/networks", http =>
        {
            http.Response.ContentType = "application/json";
            return http.Response.WriteAsync(Networks);
        });
        await engine.StartAsync(Cancel);
        return engine;
    }
}
