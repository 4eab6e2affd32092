using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Pharos.Collector.Discovery;
using Pharos.Core;
using static Pharos.Collector.Tests.Discovery.TargetAssert;

namespace Pharos.Collector.Tests.Discovery;

/// <summary>Azure, Google Compute Engine and OpenStack, answered as their documentation says.</summary>
public sealed class CloudTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Azure_machines_and_scale_sets_with_one_login()
    {
        const string root = "/subscriptions/sub/resourceGroups/rg/providers/Microsoft.Compute/";
        const string version = "api-version=2022-03-01";
        string nic = "/subscriptions/sub/resourceGroups/rg/providers/Microsoft.Network/networkInterfaces/nic1";
        string set = $"{root}virtualMachineScaleSets/vmss";
        string form = "";
        await using var api = new FakeApi()
            .On("POST /tenant/oauth2/v2.0/token", (_, body) =>
            {
                form = body;
                return new FakeApi.Reply("""{"token_type":"Bearer","expires_in":3599,"access_token":"tok"}""");
            })
            .Get($"{root}virtualMachines?{version}", $$$$$"""
                {"value":[{"id":"{{{{{root}}}}}virtualMachines/vm1","name":"vm1","location":"westeurope","tags":{"my tag":"v"},"properties":{"hardwareProfile":{"vmSize":"B1s"},"osProfile":{"computerName":"host1"},
                  "storageProfile":{"osDisk":{"osType":"Linux"}},"networkProfile":{"networkInterfaces":[{"id":"{{{{{nic}}}}}"}]}}}],"nextLink":"https://management.azure.com{{{{{root}}}}}virtualMachines?{{{{{version}}}}}&$skiptoken=x"}
                """)
            .Get($"{root}virtualMachines?{version}&$skiptoken=x", """{"value":[{"id":"/x","name":"gone","properties":{"networkProfile":{"networkInterfaces":[{"id":"/nowhere"}]}}}]}""")
            .Get($"{root}virtualMachineScaleSets?{version}", $$"""{"value":[{"id":"{{set}}","name":"vmss"}]}""")
            .Get($"{set}/virtualMachines?{version}", $$$$$"""{"value":[{"id":"{{{{{set}}}}}/virtualMachines/0","name":"vmss_0","location":"westeurope","sku":{"name":"B2s"},"properties":{"networkProfile":{"networkInterfaces":[{"id":"/ssnic"}]}}}]}""")
            .Get($"{nic}?api-version=2021-08-01&$expand=IPConfigurations/PublicIPAddress", """
                {"properties":{"primary":true,"virtualMachine":{"id":"vm1"},"ipConfigurations":[{"properties":{"privateIPAddress":"10.0.0.4","publicIPAddress":{"properties":{"ipAddress":"20.0.0.4"}}}}]}}
                """)
            .Get("/ssnic?api-version=2018-10-01&$expand=IPConfigurations/PublicIPAddress", """{"properties":{"primary":true,"virtualMachine":{"id":"0"},"ipConfigurations":[{"properties":{"privateIPAddress":"10.0.0.5"}}]}}""");
        var options = new AzureOptions(AzureCloud.Public, "OAuth", "sub", "tenant", "cid", "sec", "rg", 80, HttpClientOptions.Default) { RefreshInterval = Minute };
        await using var discoverer = options.Open(api.NewContext());
        var targets = (await discoverer.RefreshAsync(Cancel)).Targets;
        Same(targets[0], "10.0.0.4:80", "__meta_azure_", $"""
            machine_computer_name host1
            machine_id {root}virtualMachines/vm1
            machine_location westeurope
            machine_name vm1
            machine_os_type Linux
            machine_private_ip 10.0.0.4
            machine_public_ip 20.0.0.4
            machine_resource_group rg
            machine_size B1s
            machine_tag_my_tag v
            subscription_id sub
            tenant_id tenant
            """);
        Assert.Equal(["10.0.0.4:80", "10.0.0.5:80"], Addresses(targets));
        Assert.Equal("vmss", targets[1]["__meta_azure_machine_scale_set"]);
        Assert.Equal("client_id=cid&client_secret=sec&grant_type=client_credentials&scope=https%3A%2F%2Fmanagement.azure.com%2F.default", form);
        await discoverer.RefreshAsync(Cancel);
        Assert.Single(api.Requests, r => r.Host == "https://login.microsoftonline.com");
        Assert.All(api.Requests.Where(r => r.Host == "https://management.azure.com"), r => Assert.Equal("Bearer tok", r.Headers["Authorization"]));
    }

    [Fact]
    public async Task Azure_logs_in_by_the_identity_of_machine_or_workload()
    {
        using var folder = Places.NewFolder();
        string file = Path.Combine(folder, "token");
        await File.WriteAllTextAsync(file, "assertion\n");
        const string empty = """{"value":[]}""";
        await using var api = new FakeApi()
            .Get("/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fmanagement.azure.com%2F&client_id=cid", """{"access_token":"m","expires_in":"3600"}""")
            .On("POST /ten/oauth2/v2.0/token", (_, _) => new FakeApi.Reply("""{"access_token":"w","expires_in":3600}"""))
            .Get("/subscriptions/sub/providers/Microsoft.Compute/virtualMachines?api-version=2022-03-01", empty)
            .Get("/subscriptions/sub/providers/Microsoft.Compute/virtualMachineScaleSets?api-version=2022-03-01", empty);
        var options = new AzureOptions(AzureCloud.Public, "ManagedIdentity", "sub", "", "cid", "", "", 80, HttpClientOptions.Default) { RefreshInterval = Minute };
        Assert.Equal("Bearer m", await AuthorizationAsync(options, _ => null));
        Assert.Equal("true", api.Requests[0].Headers["Metadata"]);
        string? Workload(string name) => name switch { "AZURE_FEDERATED_TOKEN_FILE" => file, "AZURE_TENANT_ID" => "ten", _ => null };
        Assert.Equal("Bearer w", await AuthorizationAsync(options with { Authentication = "WorkloadIdentity" }, Workload));
        Assert.Contains("client_assertion=assertion", api.Requests.Last(r => r.Method == "POST").Body, StringComparison.Ordinal);
        Assert.Equal("Bearer w", await AuthorizationAsync(options with { Authentication = "SDK" }, Workload));
        Assert.Equal("Bearer m", await AuthorizationAsync(options with { Authentication = "SDK" }, _ => null));

        async Task<string> AuthorizationAsync(AzureOptions how, Func<string, string?> environment)
        {
            await using var discoverer = new AzureDiscoverer(how, api.NewContext(), environment);
            await discoverer.RefreshAsync(Cancel);
            return api.Requests[^1].Headers["Authorization"];
        }
    }

    [Fact]
    public async Task Gce_instances_with_a_service_account()
    {
        using var folder = Places.NewFolder();
        using var key = RSA.Create(2048);
        string file = Path.Combine(folder, "account.json");
        await File.WriteAllTextAsync(file, JsonSerializer.Serialize(new { type = "service_account", client_email = "me@p", private_key_id = "k1", private_key = key.ExportPkcs8PrivateKeyPem(), token_uri = "https://oauth2.googleapis.com/token" }));
        string assertion = "";
        await using var api = new FakeApi()
            .On("POST /token", (_, body) =>
            {
                assertion = Uri.UnescapeDataString(body.Split("assertion=")[1]);
                return new FakeApi.Reply("""{"access_token":"tok","expires_in":3600,"token_type":"Bearer"}""");
            })
            .Get("/compute/v1/projects/p/zones/z/instances?maxResults=500&filter=status%3DRUNNING", """
                {"items":[{"id":"42","name":"one","status":"RUNNING","zone":"https://www.googleapis.com/z","machineType":"mt","tags":{"items":["a","b"]},"labels":{"my-label":"v"},"metadata":{"items":[{"key":"startup","value":"x"}]},
                  "networkInterfaces":[{"name":"nic0","network":"net","subnetwork":"sub","networkIP":"10.0.0.2","accessConfigs":[{"type":"ONE_TO_ONE_NAT","natIP":"35.0.0.2"}]},{"name":"nic1","networkIP":"10.1.0.2"}]}],
                 "nextPageToken":"n/1"}
                """)
            .Get("/compute/v1/projects/p/zones/z/instances?maxResults=500&filter=status%3DRUNNING&pageToken=n%2F1", """{"items":[{"name":"two","networkInterfaces":[{"networkIP":"10.0.0.3"}]},{"name":"three"}]}""");
        var options = new GceOptions("p", "z", "status=RUNNING", 80, ",") { RefreshInterval = Minute };
        await using var discoverer = new GceDiscoverer(options, api.NewContext(), name => name == "GOOGLE_APPLICATION_CREDENTIALS" ? file : null);
        var targets = (await discoverer.RefreshAsync(Cancel)).Targets;
        Same(targets[0], "10.0.0.2:80", "__meta_gce_", """
            instance_id 42
            instance_name one
            instance_status RUNNING
            interface_ipv4_nic0 10.0.0.2
            interface_ipv4_nic1 10.1.0.2
            label_my_label v
            machine_type mt
            metadata_startup x
            network net
            private_ip 10.0.0.2
            project p
            public_ip 35.0.0.2
            subnetwork sub
            tags ,a,b,
            zone https://www.googleapis.com/z
            """);
        Assert.Equal(["10.0.0.2:80", "10.0.0.3:80"], Addresses(targets));
        Assert.Equal("Bearer tok", api.Requests[^1].Headers["Authorization"]);
        // The assertion is signed with the account's key and says who asks for what.
        string[] parts = assertion.Split('.');
        Assert.True(key.VerifyData(Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"), System.Buffers.Text.Base64Url.DecodeFromChars(parts[2]), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
        using var claims = JsonDocument.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(parts[1]));
        Assert.Equal(("me@p", "https://oauth2.googleapis.com/token", "https://www.googleapis.com/auth/compute.readonly"), (claims.RootElement.Text("iss"), claims.RootElement.Text("aud"), claims.RootElement.Text("scope")));
    }

    [Fact]
    public async Task Gce_asks_the_metadata_server_where_there_is_no_file()
    {
        using var home = Places.NewFolder();
        await using var api = new FakeApi()
            .Get("/computeMetadata/v1/instance/service-accounts/default/token?scopes=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcompute.readonly", """{"access_token":"meta","expires_in":300}""")
            .Get("/compute/v1/projects/p/zones/z/instances?maxResults=500", "{}");
        await using var discoverer = new GceDiscoverer(new GceOptions("p", "z", "", 80, ",") { RefreshInterval = Minute }, api.NewContext(), name => name == "HOME" ? home.Path : null);
        Assert.Empty((await discoverer.RefreshAsync(Cancel)).Targets);
        Assert.Equal(("http://metadata.google.internal", "Google"), (api.Requests[0].Host, api.Requests[0].Headers["Metadata-Flavor"]));
        Assert.Equal("Bearer meta", api.Requests[1].Headers["Authorization"]);
    }

    [Fact]
    public async Task OpenStack_instances_with_their_floating_addresses()
    {
        string login = "";
        await using var api = OpenStack(body => login = body)
            .Get("/network/v2.0/ports", """{"ports":[{"id":"p1","device_id":"s1"}]}""")
            .Get("/network/v2.0/floatingips", """{"floatingips":[{"port_id":"p1","fixed_ip_address":"10.0.0.31","floating_ip_address":"203.0.113.31"},{"port_id":null,"floating_ip_address":"203.0.113.99"}]}""")
            .Get("/compute/v2.1/servers/detail?all_tenants=true", """
                {"servers":[{"id":"s1","name":"herp","status":"ACTIVE","tenant_id":"t1","user_id":"u1","flavor":{"id":"1","original_name":"m1.small"},"image":{"id":"im1"},"metadata":{"env.x":"prod"},
                  "addresses":{"private":[{"addr":"10.0.0.31","version":4},{"addr":"203.0.113.31","version":4}]}}],"servers_links":[{"rel":"next","href":"https://cloud.example/compute/v2.1/servers/detail?marker=s1"}]}
                """)
            .Get("/compute/v2.1/servers/detail?marker=s1", """{"servers":[{"id":"s2","flavor":{"id":"4"},"image":"","addresses":{"other":[{"addr":"10.0.0.32"}]}},{"id":"s3","addresses":{}}]}""");
        var targets = await api.FindAsync(Options("instance") with { AllTenants = true });
        Same(targets[0], "10.0.0.31:80", "__meta_openstack_", """
            address_pool private
            instance_flavor m1.small
            instance_id s1
            instance_image im1
            instance_name herp
            instance_status ACTIVE
            private_ip 10.0.0.31
            project_id t1
            public_ip 203.0.113.31
            tag_env_x prod
            user_id u1
            """);
        Assert.Equal(["10.0.0.31:80", "10.0.0.32:80"], Addresses(targets));
        Assert.Equal("4", targets[1]["__meta_openstack_instance_flavor"]);
        Assert.Equal("""{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"u","password":"pw","domain":{"name":"Default"}}}},"scope":{"project":{"name":"proj","domain":{"name":"Default"}}}}}""", login);
        Assert.All(api.Requests.Skip(1), r => Assert.Equal("the-token", r.Headers["X-Auth-Token"]));
    }

    [Fact]
    public async Task OpenStack_hypervisors_and_load_balancers_with_an_application_credential()
    {
        string login = "";
        await using var api = OpenStack(body => login = body)
            .Get("/compute/v2.1/os-hypervisors/detail", """{"hypervisors":[{"id":1,"host_ip":"172.16.70.14","hypervisor_hostname":"nc14","state":"up","status":"enabled","hypervisor_type":"QEMU"}]}""")
            .Get("/lb/v2.0/lbaas/loadbalancers", """
                {"loadbalancers":[{"id":"lb1","name":"one","operating_status":"ONLINE","provisioning_status":"ACTIVE","availability_zone":"az1","vip_address":"10.0.0.50","vip_port_id":"vp","provider":"amphora","project_id":"t","tags":["a","b"]},{"id":"lb2"}]}
                """)
            .Get("/lb/v2.0/lbaas/listeners", """{"listeners":[{"protocol":"HTTP","protocol_port":80,"loadbalancers":[{"id":"lb2"}]},{"protocol":"PROMETHEUS","protocol_port":9273,"loadbalancers":[{"id":"lb1"}]}]}""")
            .Get("/network/v2.0/floatingips", """{"floatingips":[{"port_id":"vp","floating_ip_address":"203.0.113.50"}]}""");
        var identity = new OpenStackIdentity { ApplicationCredentialId = "ac", ApplicationCredentialSecret = "s" };
        Same(Assert.Single(await api.FindAsync(Options("hypervisor") with { Identity = identity })), "172.16.70.14:80", "__meta_openstack_hypervisor_", """
            host_ip 172.16.70.14
            hostname nc14
            id 1
            state up
            status enabled
            type QEMU
            """);
        Assert.Equal("""{"auth":{"identity":{"methods":["application_credential"],"application_credential":{"id":"ac","secret":"s"}}}}""", login);
        Same(Assert.Single(await api.FindAsync(Options("loadbalancer"))), "10.0.0.50:9273", "__meta_openstack_", """
            loadbalancer_availability_zone az1
            loadbalancer_floating_ip 203.0.113.50
            loadbalancer_id lb1
            loadbalancer_name one
            loadbalancer_operating_status ONLINE
            loadbalancer_provider amphora
            loadbalancer_provisioning_status ACTIVE
            loadbalancer_tags a,b
            loadbalancer_vip 10.0.0.50
            project_id t
            """);
        var failure = await Assert.ThrowsAsync<DiscoveryException>(() => api.FindAsync(Options("hypervisor") with { Region = "Elsewhere" }));
        Assert.Contains("no public endpoint of compute in region Elsewhere", failure.Message, StringComparison.Ordinal);
    }

    private static OpenStackOptions Options(string role) => new(
        role, "RegionOne", "https://cloud.example/identity", new OpenStackIdentity { Username = "u", Password = "pw", DomainName = "Default", ProjectName = "proj" }, false, "public", 80, null) { RefreshInterval = Minute };

    private static FakeApi OpenStack(Action<string> login) => new FakeApi().On("POST /identity/v3/auth/tokens", (_, body) =>
    {
        login(body);
        return new FakeApi.Reply("""
            {"token":{"catalog":[{"type":"compute","endpoints":[{"interface":"admin","region":"RegionOne","url":"https://no.example"},{"interface":"public","region":"RegionOne","url":"https://cloud.example/compute/v2.1"}]},
              {"type":"network","endpoints":[{"interface":"public","region_id":"RegionOne","url":"https://cloud.example/network/"}]},
              {"type":"load-balancer","endpoints":[{"interface":"public","region":"RegionOne","url":"https://cloud.example/lb"}]}]}}
            """, 201, Headers: ("X-Subject-Token", "the-token"));
    });
}
