using Pharos.Collector.Discovery;
using Pharos.Core;
using static Pharos.Collector.Tests.Discovery.TargetAssert;

namespace Pharos.Collector.Tests.Discovery;

/// <summary>Platforms and registries of services, each answered as its documentation says.</summary>
public sealed class PlatformTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task Nomad_services_with_all_instances()
    {
        await using var api = new FakeApi()
            .Get("/v1/services?namespace=default&region=global&stale=", """[{"Namespace":"default","Services":[{"ServiceName":"cache","Tags":["db"]}]}]""")
            .Get("/v1/service/cache?namespace=default&region=global&stale=", """
                [{"Address":"127.0.0.1","Port":29702,"Datacenter":"dc1","ID":"_nomad-1","JobID":"example","Namespace":"default","NodeID":"n-1","ServiceName":"cache","Tags":["db","cache"]}]
                """);
        var targets = await api.FindAsync(new NomadOptions(api.Address.ToString().TrimEnd('/'), "default", "global", true, ",", HttpClientOptions.Default) { RefreshInterval = Minute });
        Same(Assert.Single(targets), "127.0.0.1:29702", "__meta_nomad_", """
            address 127.0.0.1
            dc dc1
            namespace default
            node_id n-1
            service cache
            service_address 127.0.0.1
            service_id _nomad-1
            service_port 29702
            tags ,db,cache,
            """);
    }

    [Fact]
    public async Task Eureka_applications_from_xml()
    {
        await using var api = new FakeApi().On("GET /eureka/apps", (_, _) => new FakeApi.Reply("""
            <applications><versions__delta>1</versions__delta>
              <application><name>META</name>
                <instance><instanceId>meta0.javacloud.com:metadata:8080</instanceId><hostName>meta0.javacloud.com</hostName><app>META</app><ipAddr>192.0.2.6</ipAddr><status>UP</status>
                  <port enabled="true">8080</port><securePort enabled="false">8443</securePort><countryId>1</countryId>
                  <dataCenterInfo class="x"><name>MyOwn</name><metadata><ami-id>ami-1</ami-id></metadata></dataCenterInfo>
                  <metadata><prometheus.path>/m</prometheus.path></metadata>
                  <homePageUrl>http://meta0/</homePageUrl><statusPageUrl>http://meta0/info</statusPageUrl><healthCheckUrl>http://meta0/health</healthCheckUrl>
                  <vipAddress>meta</vipAddress><secureVipAddress>smeta</secureVipAddress></instance>
              </application>
            </applications>
            """, ContentType: "application/xml"));
        var targets = await api.FindAsync(new EurekaOptions(api.Address + "eureka", HttpClientOptions.Default) { RefreshInterval = Minute });
        Same(Assert.Single(targets), "meta0.javacloud.com:8080", "__meta_eureka_app_", """
            name META
            instance_country_id 1
            instance_datacenterinfo_metadata_ami_id ami-1
            instance_datacenterinfo_name MyOwn
            instance_healthcheck_url http://meta0/health
            instance_homepage_url http://meta0/
            instance_hostname meta0.javacloud.com
            instance_id meta0.javacloud.com:metadata:8080
            instance_ip_addr 192.0.2.6
            instance_metadata_prometheus_path /m
            instance_port 8080
            instance_port_enabled true
            instance_secure_port 8443
            instance_secure_port_enabled false
            instance_secure_vip_address smeta
            instance_status UP
            instance_statuspage_url http://meta0/info
            instance_vip_address meta
            .instance meta0.javacloud.com:metadata:8080
            """);
    }

    [Fact]
    public async Task Marathon_tasks_by_every_way_of_naming_ports()
    {
        await using var api = new FakeApi().Get("/v2/apps/?embed=apps.tasks", """
            {"apps":[
             {"id":"/web","labels":{"team.x":"a"},"container":{"docker":{"image":"nginx"},"portMappings":[{"containerPort":80,"hostPort":0,"labels":{"prom":"yes"}},{"containerPort":81,"hostPort":31001}]},
              "networks":[{"mode":"container/bridge"}],"tasks":[{"id":"t1","host":"mesos-1","ports":[31000,31001]}]},
             {"id":"/overlay","container":{"portMappings":[{"containerPort":8080,"hostPort":0}]},"networks":[{"mode":"container","name":"net"}],
              "tasks":[{"id":"t2","host":"mesos-2","ports":[],"ipAddresses":[{"ipAddress":"9.0.0.2","protocol":"IPv4"}]}]},
             {"id":"/defined","requirePorts":true,"portDefinitions":[{"port":10000,"labels":{"x":"y"}}],"tasks":[{"id":"t3","host":"mesos-3","ports":[31005]}]},
             {"id":"/plain","tasks":[{"id":"t4","host":"mesos-4","ports":[31007,31008]}]},
             {"id":"/none","portDefinitions":[{"port":0}],"tasks":[]}]}
            """);
        var targets = await api.FindAsync(new MarathonOptions([api.Address.ToString().TrimEnd('/')], "tok", "", HttpClientOptions.Default) { RefreshInterval = Minute });
        Assert.Equal(["mesos-1:31000", "mesos-1:31001", "9.0.0.2:8080", "mesos-3:10000", "mesos-4:31007", "mesos-4:31008"], Addresses(targets));
        Same(targets[0], "mesos-1:31000", "__meta_marathon_", """
            app /web
            app_label_team_x a
            image nginx
            port_index 0
            port_mapping_label_prom yes
            task t1
            """);
        Assert.Equal("y", targets[3]["__meta_marathon_port_definition_label_x"]);
        Assert.Equal("token=tok", api.Requests[0].Headers["Authorization"]);
    }

    [Fact]
    public async Task PuppetDb_resources_with_their_parameters()
    {
        string asked = "";
        await using var api = new FakeApi().On("POST /pdb/query/v4", (_, body) =>
        {
            asked = body;
            return new FakeApi.Reply("""
                [{"certname":"edinburgh.example.com","resource":"49af83866dc5a1518968b68e58a25319107afe11","type":"Class","title":"Apache","exported":false,"tags":["apache","class"],"file":"/etc/a.pp",
                  "environment":"prod","line":384,"parameters":{"port":8080,"opts":["x","y"],"deep":{"a b":true},"none":null}}]
                """);
        });
        var options = new PuppetDbOptions(api.Address, "resources { type = \"Class\" }", true, 9100, HttpClientOptions.Default) { RefreshInterval = Minute };
        Same(Assert.Single(await api.FindAsync(options)), "edinburgh.example.com:9100", "__meta_puppetdb_", """
            certname edinburgh.example.com
            environment prod
            exported false
            file /etc/a.pp
            parameter_deep_a_b true
            parameter_opts ,x,y,
            parameter_port 8080
            query resources { type = "Class" }
            resource 49af83866dc5a1518968b68e58a25319107afe11
            tags ,apache,class,
            title Apache
            type Class
            """);
        Assert.Equal("""{"query":"resources { type = \u0022Class\u0022 }"}""", asked);
        Assert.DoesNotContain("parameter", Assert.Single(await api.FindAsync(options with { IncludeParameters = false })).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Triton_containers_and_compute_nodes()
    {
        await using var api = new FakeApi()
            .Get("/v1/discover?groups=a%2Cb", """
                {"containers":[{"groups":["foo","bar"],"server_uuid":"44454c4c","vm_alias":"server01","vm_brand":"lx","vm_image_uuid":"7b27a514","vm_uuid":"ad466fbf"}]}
                """)
            .Get("/v1/gz/discover", """{"cns":[{"server_uuid":"44454c4c","server_hostname":"server01"}]}""");
        var options = new TritonOptions("acc", "container", "triton.example.com", "cmon.example.com", ["a", "b"], 9163, 1, null) { RefreshInterval = Minute };
        Same(Assert.Single(await api.FindAsync(options)), "ad466fbf.triton.example.com:9163", "__meta_triton_", """
            groups ,foo,bar,
            machine_alias server01
            machine_brand lx
            machine_id ad466fbf
            machine_image 7b27a514
            server_id 44454c4c
            """);
        Same(Assert.Single(await api.FindAsync(options with { Role = "cn" })), "44454c4c.triton.example.com:9163", "__meta_triton_", """
            machine_alias server01
            machine_id 44454c4c
            """);
        Assert.Equal("https://cmon.example.com:9163", api.Requests[0].Host);
    }

    [Fact]
    public async Task Uyuni_endpoints_over_xml_rpc_with_one_login()
    {
        var calls = new List<string>();
        await using var api = new FakeApi().On("POST /rpc/api", (_, body) =>
        {
            string method = body.Split("<methodName>")[1].Split("</")[0];
            calls.Add(method);
            return new FakeApi.Reply($"""<?xml version="1.0"?><methodResponse><params><param><value>{Answer(method)}</value></param></params></methodResponse>""", ContentType: "text/xml");
        });
        var options = new UyuniOptions(api.Address.ToString().TrimEnd('/'), "gopher", "hole", "monitoring_entitled", ",", HttpClientOptions.Default) { RefreshInterval = Minute };
        await using var discoverer = options.Open(api.NewContext());
        var targets = (await discoverer.RefreshAsync(TestContext.Current.CancellationToken)).Targets;
        Same(Assert.Single(targets), "example.com:9100", "__meta_uyuni_", """
            endpoint_name endpoint_name
            exporter exporter_name
            groups group-1,group-2
            metrics_path /metrics
            minion_hostname example.com
            primary_fqdn pfqdn.example.com
            proxy_module node
            scheme https
            system_id 1000
            """);
        await discoverer.RefreshAsync(TestContext.Current.CancellationToken);
        Assert.Single(calls, "auth.login");
        Assert.Contains("<int>600</int>", api.Requests[0].Body, StringComparison.Ordinal);
        Assert.Contains("<string>tok</string>", api.Requests[1].Body, StringComparison.Ordinal);

        static string Answer(string method) => method switch
        {
            "auth.login" => "tok",
            "system.listSystemGroupsForSystemsWithEntitlement" => Array($"{Member("id", "<i4>1000</i4>")}{Member("system_groups", Array(Member("name", "group-1"), Member("name", "group-2")))}"),
            "system.getNetworkForSystems" => Array($"{Member("system_id", "<i4>1000</i4>")}{Member("hostname", "example.com")}{Member("primary_fqdn", "pfqdn.example.com")}{Member("ip", "192.0.2.1")}"),
            _ => Array($"""
                {Member("system_id", "<i4>1000</i4>")}{Member("endpoint_name", "endpoint_name")}{Member("port", "<i4>9100</i4>")}{Member("path", "/metrics")}{Member("module", "node")}
                {Member("exporter_name", "exporter_name")}{Member("tls_enabled", "<boolean>1</boolean>")}
                """),
        };
        static string Array(params string[] structs) => $"<array><data>{string.Concat(structs.Select(s => $"<value><struct>{s}</struct></value>"))}</data></array>";
        static string Member(string name, string value) => $"<member><name>{name}</name><value>{(value.StartsWith('<') ? value : $"<string>{value}</string>")}</value></member>";
    }

    [Fact]
    public async Task A_fault_of_uyuni_is_an_error_and_leads_to_a_new_login()
    {
        await using var api = new FakeApi().On("POST /rpc/api", (_, body) => new FakeApi.Reply(body.Contains("auth.login", StringComparison.Ordinal)
            ? "<methodResponse><params><param><value>tok</value></param></params></methodResponse>"
            : "<methodResponse><fault><value><struct><member><name>faultCode</name><value><int>2950</int></value></member><member><name>faultString</name><value>session expired</value></member></struct></value></fault></methodResponse>"));
        var options = new UyuniOptions(api.Address.ToString().TrimEnd('/'), "u", "p", "monitoring_entitled", ",", HttpClientOptions.Default) { RefreshInterval = Minute };
        await using var discoverer = options.Open(api.NewContext());
        for (int i = 0; i < 2; i++)
        {
            var failure = await Assert.ThrowsAsync<DiscoveryException>(() => discoverer.RefreshAsync(TestContext.Current.CancellationToken));
            Assert.Contains("session expired", failure.Message, StringComparison.Ordinal);
        }
        Assert.Equal(2, api.Requests.Count(r => r.Body.Contains("auth.login", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Kuma_assignments_until_the_version_changes()
    {
        await using var api = new FakeApi().On("POST /v3/discovery:monitoringassignments?fetch-timeout=2m", (_, body) => body.Contains("\"version_info\":\"\"", StringComparison.Ordinal)
            ? new FakeApi.Reply("""
                {"version_info":"v1","type_url":"type.googleapis.com/kuma.observability.v1.MonitoringAssignment","nonce":"n1","resources":[
                  {"@type":"type.googleapis.com/kuma.observability.v1.MonitoringAssignment","mesh":"default","service":"prometheus","labels":{"kuma_io_zone":"zone-1","team":"infra"},
                   "targets":[{"name":"prometheus-01","scheme":"http","address":"10.1.4.32:9090","metrics_path":"/custom-metrics","labels":{"node":"n"}}]}]}
                """)
            : new FakeApi.Reply("", 304));
        var options = new KumaOptions(api.Address.ToString().TrimEnd('/'), "main", TimeSpan.FromMinutes(2), HttpClientOptions.Default) { RefreshInterval = Minute };
        await using var discoverer = options.Open(api.NewContext());
        for (int i = 0; i < 2; i++)
        {
            var targets = (await discoverer.RefreshAsync(TestContext.Current.CancellationToken)).Targets;
            Same(Assert.Single(targets), "10.1.4.32:9090", "__meta_kuma_", """
                dataplane prometheus-01
                label_kuma_io_zone zone-1
                label_node n
                label_team infra
                mesh default
                service prometheus
                .__metrics_path__ /custom-metrics
                .__scheme__ http
                .instance prometheus-01
                """);
        }
        Assert.Contains("\"version_info\":\"v1\"", api.Requests[1].Body, StringComparison.Ordinal);
        Assert.Contains("\"response_nonce\":\"n1\"", api.Requests[1].Body, StringComparison.Ordinal);
        Assert.Contains("\"node\":{\"id\":\"main\"}", api.Requests[1].Body, StringComparison.Ordinal);
    }
}
