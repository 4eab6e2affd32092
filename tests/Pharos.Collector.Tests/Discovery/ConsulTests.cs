using Pharos.Collector.Discovery;
using Pharos.Core;
using static Pharos.Collector.Tests.Discovery.TargetAssert;

namespace Pharos.Collector.Tests.Discovery;

/// <summary>A Consul agent's catalogue and health API, with blocking queries.</summary>
public sealed class ConsulTests
{
    private const string Web = """
        [{"Node":{"Node":"node1","Address":"1.1.1.1","Datacenter":"test-dc","TaggedAddresses":{"lan":"192.168.10.10"},"Meta":{"rack_name":"2304"}},
          "Service":{"ID":"web-1","Service":"web","Tags":["tag1","tag2"],"Meta":{"version":"1.0.0"},"Address":"","Port":3341,"Namespace":"ns","Partition":"part"},
          "Checks":[{"CheckID":"a","Status":"passing"},{"CheckID":"b","Status":"warning"}]},
         {"Node":{"Node":"node2","Address":"1.1.1.2"},"Service":{"ID":"web-2","Tags":[],"Address":"10.0.0.2","Port":80},"Checks":[{"CheckID":"_node_maintenance","Status":"critical"}]}]
        """;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task All_services_with_labels_of_node_and_service()
    {
        await using var api = new FakeApi()
            .Get("/consul/v1/agent/self", """{"Config":{"Datacenter":"test-dc"}}""")
            .Get("/consul/v1/catalog/services?dc=test-dc&stale=&node-meta=rack%3A1", """{"web":["tag1","tag2"],"db":[]}""", ("X-Consul-Index", "1"))
            .Get("/consul/v1/health/service/web?dc=test-dc&stale=&node-meta=rack%3A1&filter=a%20%3D%3D%20b&tag=tag1", Web, ("X-Consul-Index", "1"));
        var options = Options(api) with { Server = api.Address + "consul", Tags = ["tag1"], NodeMeta = new Dictionary<string, string> { ["rack"] = "1" }, HealthFilter = "a == b", Token = "t0ken" };
        var targets = await api.FindAsync(options);
        Same(targets[0], "1.1.1.1:3341", "__meta_consul_", """
            address 1.1.1.1
            dc test-dc
            health warning
            metadata_rack_name 2304
            namespace ns
            node node1
            partition part
            service web
            service_id web-1
            service_metadata_version 1.0.0
            service_port 3341
            tagged_address_lan 192.168.10.10
            tags ,tag1,tag2,
            """);
        Assert.Equal("10.0.0.2:80", targets[1]["__address__"]);
        Assert.Equal("maintenance", targets[1]["__meta_consul_health"]);
        Assert.Equal(2, targets.Count);
        Assert.All(api.Requests, r => Assert.Equal("t0ken", r.Headers["X-Consul-Token"]));
    }

    [Fact]
    public async Task Changes_come_through_blocking_queries()
    {
        var time = new SimulatedTimeProvider();
        // Watches go on as soon as they were answered, and may be there before the look.
        bool hasChanged = false;
        await using var api = new FakeApi()
            .Get("/v1/catalog/services?dc=dc1&stale=", """{"web":[]}""", ("X-Consul-Index", "7"))
            .Get("/v1/health/service/web?dc=dc1&stale=", Instance("1.1.1.1"), ("X-Consul-Index", "3"))
            .Get("/v1/catalog/services?dc=dc1&stale=&index=7&wait=120000ms", """{"web":[],"db":[]}""", ("X-Consul-Index", "8"))
            .Get("/v1/health/service/db?dc=dc1&stale=", Instance("1.1.1.9"), ("X-Consul-Index", "1"))
            // Nothing happened while it waited: the index is the same.
            .Get("/v1/health/service/web?dc=dc1&stale=&index=3&wait=120000ms", Instance("1.1.1.2"), ("X-Consul-Index", "3"))
            .On("GET /v1/catalog/services?dc=dc1&stale=&index=8&wait=120000ms", (_, _) =>
                hasChanged ? new FakeApi.Reply("""{"db":[]}""", Headers: ("X-Consul-Index", "9")) : new FakeApi.Reply("""{"web":[],"db":[]}""", Headers: ("X-Consul-Index", "8")))
            .Get("/v1/catalog/services?dc=dc1&stale=&index=9&wait=120000ms", """{"db":[]}""", ("X-Consul-Index", "9"))
            .On("GET /v1/health/service/db?dc=dc1&stale=&index=1&wait=120000ms", (_, _) =>
                hasChanged ? new FakeApi.Reply(Instance("1.1.1.8"), Headers: ("X-Consul-Index", "2")) : new FakeApi.Reply(Instance("1.1.1.9"), Headers: ("X-Consul-Index", "1")))
            .Get("/v1/health/service/db?dc=dc1&stale=&index=2&wait=120000ms", Instance("1.1.1.8"), ("X-Consul-Index", "2"));
        await using var discoverer = (Options(api) with { Datacenter = "dc1" }).Open(api.NewContext(time));
        Assert.Equal(["1.1.1.1:80"], Addresses((await discoverer.RefreshAsync(Cancel)).Targets));
        Assert.Equal(["1.1.1.9:80", "1.1.1.1:80"], Addresses((await LookAsync(discoverer, time)).Targets));
        hasChanged = true;
        var found = new HashSet<string>(StringComparer.Ordinal);
        while (!found.SetEquals(["1.1.1.8:80"])) found = [.. Addresses((await LookAsync(discoverer, time)).Targets)];
    }

    [Fact]
    public async Task A_watch_that_fails_is_an_error_of_the_next_look_and_goes_on()
    {
        var time = new SimulatedTimeProvider();
        int asked = 0;
        await using var api = new FakeApi()
            .Get("/v1/health/service/web?dc=dc1&stale=", Instance("1.1.1.1"), ("X-Consul-Index", "3"))
            .On("GET /v1/health/service/web?dc=dc1&stale=&index=3&wait=120000ms", (_, _) =>
                asked++ == 0 ? new FakeApi.Reply("no leader", 500) : new FakeApi.Reply(Instance("1.1.1.2"), Headers: ("X-Consul-Index", "4")))
            // The watch goes on at once, and may be there before the look: nothing happened while it waited.
            .Get("/v1/health/service/web?dc=dc1&stale=&index=4&wait=120000ms", Instance("1.1.1.2"), ("X-Consul-Index", "4"));
        await using var discoverer = (Options(api) with { Datacenter = "dc1", Services = ["web"] }).Open(api.NewContext(time));
        await discoverer.RefreshAsync(Cancel);
        var failure = await Assert.ThrowsAsync<DiscoveryException>(() => LookAsync(discoverer, time));
        Assert.Contains("500: no leader", failure.Message, StringComparison.Ordinal);
        Assert.Equal(["1.1.1.2:80"], Addresses((await LookAsync(discoverer, time)).Targets));
    }

    /// <summary>
    /// The next look, which comes from a watch that ended its pause. Watches start their pauses on threads of their own, so the clock goes on
    /// while one of them pauses, and stands still while a request is open, whose time-out is due later than any pause.
    /// </summary>
    private static async Task<FoundTargets> LookAsync(IDiscoverer discoverer, SimulatedTimeProvider time)
    {
        var pause = TimeSpan.FromSeconds(30);
        var look = discoverer.RefreshAsync(Cancel);
        while (!look.IsCompleted)
        {
            if (time.LastDue - time.GetUtcNow() <= pause) time.Advance(pause);
            await Task.Yield();
        }
        return await look;
    }

    private static string Instance(string address) => $$"""[{"Node":{"Address":"{{address}}"},"Service":{"Port":80},"Checks":[]}]""";

    private static ConsulOptions Options(FakeApi api) =>
        new(api.Address.ToString().TrimEnd('/'), "", "", "", "", [], [], new Dictionary<string, string>(), "", "", ",", true, HttpClientOptions.Default) { RefreshInterval = TimeSpan.FromSeconds(30) };
}
