using System.Threading.Channels;
using Microsoft.AspNetCore.Http;
using Pharos.Collector.Discovery;
using Pharos.Core;
using static Pharos.Collector.Tests.Discovery.TargetAssert;

namespace Pharos.Collector.Tests.Discovery;

/// <summary>A cluster's API server: lists in pages, watches that stream changes.</summary>
public sealed class KubernetesTests
{
    private const string Watch = "watch=true&allowWatchBookmarks=true&resourceVersion=";
    private const string End = "&timeoutSeconds=300";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Nodes_by_their_first_address()
    {
        await using var api = new FakeApi().Get("/api/v1/nodes?limit=500&labelSelector=a%3Db&fieldSelector=metadata.name%3Dn", List("""
            {"metadata":{"name":"n1","labels":{"kubernetes.io/os":"linux"},"annotations":{"a.b":"c"}},"spec":{"providerID":"aws:///i-1"},
             "status":{"addresses":[{"type":"Hostname","address":"h"},{"type":"ExternalIP","address":"192.0.2.1"},{"type":"InternalIP","address":"1.2.3.4"}],"daemonEndpoints":{"kubeletEndpoint":{"Port":10250}}}}
            """));
        var options = Options(api, "node") with { Selectors = new Dictionary<string, KubernetesSelector> { ["node"] = new("a=b", "metadata.name=n") }, Client = HttpClientOptions.Default with { Authorization = new AuthorizationOptions("Bearer", "tok", "") } };
        Same(Assert.Single(await api.FindAsync(options)), "1.2.3.4:10250", "__meta_kubernetes_node_", """
            address_ExternalIP 192.0.2.1
            address_Hostname h
            address_InternalIP 1.2.3.4
            annotation_a_b c
            annotationpresent_a_b true
            label_kubernetes_io_os linux
            labelpresent_kubernetes_io_os true
            name n1
            provider_id aws:///i-1
            .instance n1
            """);
        Assert.Equal("Bearer tok", api.Requests[0].Headers["Authorization"]);
    }

    [Fact]
    public async Task Services_of_every_type_by_namespace()
    {
        await using var api = new FakeApi()
            .Get("/api/v1/namespaces/default/services?limit=500", List(
                """{"metadata":{"name":"lb","namespace":"default"},"spec":{"type":"LoadBalancer","clusterIP":"10.0.0.1","loadBalancerIP":"127.0.0.1","ports":[{"name":"p","port":30900}]}}""",
                """{"metadata":{"name":"ext","namespace":"default"},"spec":{"type":"ExternalName","externalName":"foo.example.com","ports":[{"name":"q","port":53,"protocol":"UDP"}]}}"""))
            .Get("/api/v1/namespaces/own/services?limit=500", List())
            .Get("/api/v1/namespaces?limit=500", List("""{"metadata":{"name":"default","labels":{"team":"x"}}}"""));
        var options = Options(api, "service") with { Namespaces = ["default", "own"], AttachNamespace = true };
        var targets = await api.FindAsync(options);
        Same(targets[0], "ext.default.svc:53", "__meta_kubernetes_", """
            namespace default
            namespace_label_team x
            namespace_labelpresent_team true
            service_external_name foo.example.com
            service_name ext
            service_port_name q
            service_port_number 53
            service_port_protocol UDP
            service_type ExternalName
            """);
        Same(targets[1], "lb.default.svc:30900", "__meta_kubernetes_", """
            namespace default
            namespace_label_team x
            namespace_labelpresent_team true
            service_cluster_ip 10.0.0.1
            service_loadbalancer_ip 127.0.0.1
            service_name lb
            service_port_name p
            service_port_number 30900
            service_port_protocol TCP
            service_type LoadBalancer
            """);
    }

    [Fact]
    public async Task Pods_by_container_ports_with_the_labels_of_their_node()
    {
        await using var api = new FakeApi()
            .Get("/api/v1/pods?limit=500", """{"metadata":{"resourceVersion":"5","continue":"more"},"items":[{"metadata":{"name":"starting","namespace":"default"},"spec":{"containers":[{"name":"c"}]},"status":{}}]}""")
            .Get("/api/v1/pods?limit=500&continue=more", List(Pod))
            .Get("/api/v1/nodes?limit=500", List("""{"metadata":{"name":"node1","labels":{"zone":"z1"}}}"""));
        var targets = await api.FindAsync(Options(api, "pod") with { AttachNode = true });
        Assert.Equal(["1.2.3.4:9000", "1.2.3.4:9001", "1.2.3.4"], Addresses(targets));
        Same(targets[0], "1.2.3.4:9000", "__meta_kubernetes_", """
            namespace default
            node_label_zone z1
            node_labelpresent_zone true
            node_name node1
            pod_annotation_prometheus_io_scrape true
            pod_annotationpresent_prometheus_io_scrape true
            pod_container_id docker://a1b2
            pod_container_image web:1
            pod_container_init false
            pod_container_name web
            pod_container_port_name http
            pod_container_port_number 9000
            pod_container_port_protocol TCP
            pod_controller_kind ReplicaSet
            pod_controller_name rs
            pod_host_ip 2.3.4.5
            pod_ip 1.2.3.4
            pod_label_app web
            pod_labelpresent_app true
            pod_name testpod
            pod_node_name node1
            pod_phase Running
            pod_ready true
            pod_uid abc123
            """);
        Assert.Equal("true", targets[2]["__meta_kubernetes_pod_container_init"]);
        Assert.Equal("", targets[2]["__meta_kubernetes_pod_container_port_number"]);
    }

    [Fact]
    public async Task Endpoints_with_their_service_and_their_pods()
    {
        await using var api = new FakeApi()
            .Get("/api/v1/endpoints?limit=500", List("""
                {"metadata":{"name":"svc","namespace":"default","labels":{"e":"1"}},"subsets":[{"addresses":[{"ip":"1.2.3.4","nodeName":"node1","targetRef":{"kind":"Pod","name":"testpod","namespace":"default"}}],
                  "notReadyAddresses":[{"ip":"2.3.4.5","hostname":"hh"}],"ports":[{"name":"http","port":9000,"protocol":"TCP"}]}]}
                """))
            .Get("/api/v1/services?limit=500", List("""{"metadata":{"name":"svc","namespace":"default","labels":{"app/name":"test"}}}"""))
            .Get("/api/v1/pods?limit=500", List(Pod));
        var targets = await api.FindAsync(Options(api, "endpoints"));
        Assert.Equal(["1.2.3.4:9000", "2.3.4.5:9000", "1.2.3.4:9001"], Addresses(targets));
        Assert.Equal(
            ["true", "node1", "Pod", "testpod", "http", "web", "9000", "test", "1"],
            new[] { "endpoint_ready", "endpoint_node_name", "endpoint_address_target_kind", "endpoint_address_target_name", "endpoint_port_name", "pod_container_name", "pod_container_port_number", "service_label_app_name", "endpoints_label_e" }
                .Select(n => targets[0]["__meta_kubernetes_" + n]));
        Same(targets[1], "2.3.4.5:9000", "__meta_kubernetes_", """
            endpoint_hostname hh
            endpoint_port_name http
            endpoint_port_protocol TCP
            endpoint_ready false
            endpoints_label_e 1
            endpoints_labelpresent_e true
            endpoints_name svc
            namespace default
            service_label_app_name test
            service_labelpresent_app_name true
            service_name svc
            """);
        // The pod's other port is a target too, without the labels of an endpoint.
        Assert.Equal("9001", targets[2]["__meta_kubernetes_pod_container_port_number"]);
        Assert.Equal("", targets[2]["__meta_kubernetes_endpoint_ready"]);
        Assert.Equal("svc", targets[2]["__meta_kubernetes_service_name"]);
    }

    [Fact]
    public async Task Endpoint_slices_with_conditions_and_topology()
    {
        await using var api = new FakeApi()
            .Get("/apis/discovery.k8s.io/v1/endpointslices?limit=500", List("""
                {"metadata":{"name":"slice","namespace":"default","labels":{"kubernetes.io/service-name":"svc"}},"addressType":"IPv6",
                 "endpoints":[{"addresses":["2001:db8::1"],"conditions":{"ready":true,"serving":true,"terminating":false},"hostname":"hh","nodeName":"node1","zone":"z","deprecatedTopology":{"topology.x/y":"v"},
                   "targetRef":{"kind":"Node","name":"node1"}}],
                 "ports":[{"name":"http","port":9000,"protocol":"TCP","appProtocol":"h2c"}]}
                """))
            .Get("/api/v1/services?limit=500", List("""{"metadata":{"name":"svc","namespace":"default"}}"""))
            .Get("/api/v1/pods?limit=500", List());
        Same(Assert.Single(await api.FindAsync(Options(api, "endpointslice"))), "[2001:db8::1]:9000", "__meta_kubernetes_", """
            endpointslice_address_target_kind Node
            endpointslice_address_target_name node1
            endpointslice_address_type IPv6
            endpointslice_endpoint_conditions_ready true
            endpointslice_endpoint_conditions_serving true
            endpointslice_endpoint_conditions_terminating false
            endpointslice_endpoint_hostname hh
            endpointslice_endpoint_node_name node1
            endpointslice_endpoint_topology_present_topology_x_y true
            endpointslice_endpoint_topology_topology_x_y v
            endpointslice_endpoint_zone z
            endpointslice_label_kubernetes_io_service_name svc
            endpointslice_labelpresent_kubernetes_io_service_name true
            endpointslice_name slice
            endpointslice_port 9000
            endpointslice_port_app_protocol h2c
            endpointslice_port_name http
            endpointslice_port_protocol TCP
            namespace default
            service_name svc
            """);
    }

    [Fact]
    public async Task Ingresses_by_host_and_path()
    {
        await using var api = new FakeApi().Get("/apis/networking.k8s.io/v1/ingresses?limit=500", List("""
            {"metadata":{"name":"in","namespace":"default"},"spec":{"ingressClassName":"nginx","tls":[{"hosts":["*.example.com"]}],
             "rules":[{"host":"a.example.com","http":{"paths":[{"path":"/"},{"path":"/foo"}]}},{"host":"b.c.example.com"}]}}
            """));
        var targets = await api.FindAsync(Options(api, "ingress"));
        Assert.Equal(["a.example.com", "a.example.com", "b.c.example.com"], Addresses(targets));
        Same(targets[1], "a.example.com", "__meta_kubernetes_", """
            ingress_class_name nginx
            ingress_host a.example.com
            ingress_name in
            ingress_path /foo
            ingress_scheme https
            namespace default
            """);
        Assert.Equal(("http", "/"), (targets[2]["__meta_kubernetes_ingress_scheme"], targets[2]["__meta_kubernetes_ingress_path"]));
    }

    [Fact]
    public async Task A_watch_follows_changes_and_lists_anew_when_it_is_too_old()
    {
        var changes = Channel.CreateUnbounded<string>();
        int lists = 0;
        await using var api = new FakeApi()
            .On("GET /api/v1/services?limit=500", (_, _) => new FakeApi.Reply(lists++ == 0 ? List(Service("a")) : ListAt("20", Service("z"))))
            .Stream($"GET /api/v1/services?{Watch}10{End}", StreamAsync)
            .Stream($"GET /api/v1/services?{Watch}14{End}", (http, _) =>
            {
                http.Response.StatusCode = 410;
                return Task.CompletedTask;
            })
            .Stream($"GET /api/v1/services?{Watch}20{End}", StreamAsync);
        await using var discoverer = Options(api, "service").Open(api.NewContext());
        Assert.Equal(["a.default.svc:80"], await LookAsync());
        await changes.Writer.WriteAsync(Event("ADDED", "11", "b"), Cancel);
        Assert.Equal(["a.default.svc:80", "b.default.svc:80"], await LookAsync());
        await changes.Writer.WriteAsync(Event("DELETED", "12", "a"), Cancel);
        Assert.Equal(["b.default.svc:80"], await LookAsync());
        // A bookmark moves the version only; then the server ends the watch, and the next is too old.
        await changes.Writer.WriteAsync("""{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"14"}}}""", Cancel);
        await changes.Writer.WriteAsync("", Cancel);
        Assert.Equal(["z.default.svc:80"], await LookAsync());
        Assert.Equal(2, lists);
        await changes.Writer.WriteAsync("""{"type":"ERROR","object":{"code":500,"message":"etcd is away"}}""", Cancel);
        Assert.Contains("etcd is away", (await Assert.ThrowsAsync<DiscoveryException>(LookAsync)).Message, StringComparison.Ordinal);

        async Task<IEnumerable<string>> LookAsync() => Addresses((await discoverer.RefreshAsync(Cancel)).Targets);

        async Task StreamAsync(HttpContext http, string body)
        {
            await http.Response.StartAsync(http.RequestAborted);
            await foreach (string change in changes.Reader.ReadAllAsync(http.RequestAborted))
            {
                if (change.Length == 0) return;
                await http.Response.WriteAsync(change + "\n", http.RequestAborted);
                await http.Response.Body.FlushAsync(http.RequestAborted);
            }
        }
    }

    [Fact]
    public void The_cluster_around_is_found_by_its_environment()
    {
        using var folder = Places.NewFolder();
        File.WriteAllText(Path.Combine(folder, "namespace"), "mine\n");
        var access = KubernetesAccess.InCluster("10.0.0.1", "443", folder);
        Assert.Equal(("https://10.0.0.1/", "mine"), (access.Server.ToString(), access.Namespace));
        Assert.Equal(Path.Combine(folder, "token"), access.Client.Authorization!.CredentialsFile);
        Assert.Equal(Path.Combine(folder, "ca.crt"), access.Client.Tls!.CaFile);
        Assert.Throws<DiscoveryException>(() => KubernetesAccess.InCluster(null, null, folder));
    }

    [Fact]
    public void A_kubeconfig_gives_server_and_user_of_the_current_context()
    {
        const string text = """
            apiVersion: v1
            kind: Config
            current-context: prod
            contexts:
            - name: dev
              context: {cluster: x, user: y}
            - name: prod
              context: {cluster: c1, user: u1}
            clusters:
            - name: c1
              cluster: {server: "https://k8s.example:6443", certificate-authority-data: Q0E=, tls-server-name: sn}
            users:
            - name: u1
              user: {token: tok, client-certificate: certs/me.pem, client-key: /abs/key.pem}
            - name: u2
              user: {exec: {command: aws}}
            """;
        var access = Kubeconfig.Read(text, "/home/me/.kube/config");
        Assert.Equal("https://k8s.example:6443/", access.Server.ToString());
        Assert.Equal("tok", access.Client.Authorization!.Credentials);
        Assert.Equal(("CA", "/home/me/.kube/certs/me.pem", "/abs/key.pem", "sn"), (access.Client.Tls!.CaPem, access.Client.Tls.CertFile, access.Client.Tls.KeyFile, access.Client.Tls.ServerName));
        Assert.Contains("exec are not supported", Assert.Throws<DiscoveryException>(() => Kubeconfig.Read(text.Replace("user: u1}", "user: u2}", StringComparison.Ordinal), "/c")).Message, StringComparison.Ordinal);
        Assert.Contains("no entry \"dev2\"", Assert.Throws<DiscoveryException>(() => Kubeconfig.Read(text.Replace("current-context: prod", "current-context: dev2", StringComparison.Ordinal), "/c")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("foo in (bar,baz)", true)]
    [InlineData("a=b,!c,d notin (x),e!=f,g", true)]
    [InlineData("a b", false)]
    [InlineData("a in bar", false)]
    public void Label_selectors_are_checked(string selector, bool valid) => Assert.Equal(valid, KubernetesSelector.LabelFault(selector) is null);

    private const string Pod = """
        {"metadata":{"name":"testpod","namespace":"default","uid":"abc123","labels":{"app":"web"},"annotations":{"prometheus.io/scrape":"true"},"ownerReferences":[{"kind":"ReplicaSet","name":"rs","controller":true}]},
         "spec":{"nodeName":"node1","containers":[{"name":"web","image":"web:1","ports":[{"name":"http","containerPort":9000,"protocol":"TCP"},{"containerPort":9001}]}],"initContainers":[{"name":"init","image":"i:1"}]},
         "status":{"podIP":"1.2.3.4","hostIP":"2.3.4.5","phase":"Running","conditions":[{"type":"Ready","status":"True"}],"containerStatuses":[{"name":"web","containerID":"docker://a1b2"}]}}
        """;

    private static string Service(string name) => $$$"""{"metadata":{"name":"{{{name}}}","namespace":"default"},"spec":{"type":"ClusterIP","ports":[{"port":80}]}}""";

    private static string Event(string type, string version, string name) =>
        $$$$"""{"type":"{{{{type}}}}","object":{"metadata":{"name":"{{{{name}}}}","namespace":"default","resourceVersion":"{{{{version}}}}"},"spec":{"type":"ClusterIP","ports":[{"port":80}]}}}""";

    private static string List(params string[] items) => ListAt("10", items);

    private static string ListAt(string version, params string[] items) => $$$"""{"metadata":{"resourceVersion":"{{{version}}}"},"items":[{{{string.Join(',', items)}}}]}""";

    private static KubernetesOptions Options(FakeApi api, string role) =>
        new(api.Address, role, "", [], false, new Dictionary<string, KubernetesSelector>(), false, false, HttpClientOptions.Default) { RefreshInterval = TimeSpan.FromMinutes(1) };
}
