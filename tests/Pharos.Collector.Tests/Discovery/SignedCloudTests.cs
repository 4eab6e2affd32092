using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Pharos.Collector.Discovery;
using Pharos.Core;
using static Pharos.Collector.Tests.Discovery.TargetAssert;

namespace Pharos.Collector.Tests.Discovery;

/// <summary>Clouds whose requests are signed or whose service accounts sign for a token; the signatures are checked.</summary>
public sealed class SignedCloudTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private static readonly DateTimeOffset When = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Ovh_private_servers_with_the_time_of_the_api()
    {
        long apiTime = When.ToUnixTimeSeconds() + 100;
        await using var api = new FakeApi()
            .Get("/1.0/auth/time", $"{apiTime}")
            .Get("/1.0/vps", """["abc","broken"]""")
            .Get("/1.0/vps/abc", """
                {"maximumAdditionalIp":1,"keymap":null,"zone":"zone","model":{"maximumAdditionnalIp":2,"offer":"VPS abc","datacenter":["dc1","dc2"],"vcore":1,"version":"2019v1","name":"vps-value","disk":40,"memory":2048},
                 "displayName":"abc.name","monitoringIpBlocks":[],"cluster":"cluster_test","state":"running","name":"abc","netbootMode":"local","memoryLimit":2048,"offerType":"ssd","vcore":1}
                """)
            .Get("/1.0/vps/abc/ips", """["192.0.2.1","2001:db8::1/128","192.0.2.0/24"]""");
        var options = new OvhCloudOptions("https://eu.api.ovh.com/1.0", "ak", "as", "ck", "vps") { RefreshInterval = Minute };
        var targets = await api.FindAsync(options, new SimulatedTimeProvider(When));
        Same(Assert.Single(targets), "192.0.2.1", "__meta_ovhcloud_vps_", """
            cluster cluster_test
            datacenter [dc1 dc2]
            disk 40
            display_name abc.name
            ipv4 192.0.2.1
            ipv6 2001:db8::1
            maximum_additional_ip 2
            memory 2048
            memory_limit 2048
            model_name vps-value
            model_vcore 1
            monitoring_ip_blocks []
            name abc
            netboot_mode local
            offer VPS abc
            offer_type ssd
            state running
            vcore 1
            version 2019v1
            zone zone
            .instance abc
            """);
        var list = api.Requests[1];
        Assert.Equal(("ak", "ck", $"{apiTime}"), (list.Headers["X-Ovh-Application"], list.Headers["X-Ovh-Consumer"], list.Headers["X-Ovh-Timestamp"]));
#pragma warning disable CA5350 // As the API defines it.
        Assert.Equal("$1$" + Convert.ToHexStringLower(SHA1.HashData(Encoding.UTF8.GetBytes($"as+ck+GET+https://eu.api.ovh.com/1.0/vps++{apiTime}"))), list.Headers["X-Ovh-Signature"]);
#pragma warning restore CA5350
    }

    [Fact]
    public async Task Ovh_dedicated_servers()
    {
        await using var api = new FakeApi()
            .Get("/1.0/auth/time", $"{When.ToUnixTimeSeconds()}")
            .Get("/1.0/dedicated/server", """["abcde"]""")
            .Get("/1.0/dedicated/server/abcde", """{"commercialRange":"Advance-1","datacenter":"gra3","rack":"TESTRACK","os":"debian11_64","state":"ok","reverse":"abcde-rev","serverId":1234,"linkSpeed":123,"name":"abcde","supportLevel":"pro","noIntervention":false}""")
            .Get("/1.0/dedicated/server/abcde/ips", """["1.2.3.4/32","2001:0db8::1/64"]""");
        var options = new OvhCloudOptions("https://eu.api.ovh.com/1.0", "ak", "as", "ck", "dedicated_server") { RefreshInterval = Minute };
        Same(Assert.Single(await api.FindAsync(options, new SimulatedTimeProvider(When))), "1.2.3.4", "__meta_ovhcloud_dedicated_server_", """
            commercial_range Advance-1
            datacenter gra3
            ipv4 1.2.3.4
            link_speed 123
            name abcde
            no_intervention false
            os debian11_64
            rack TESTRACK
            reverse abcde-rev
            server_id 1234
            state ok
            support_level pro
            .instance abcde
            """);
    }

    [Fact]
    public async Task Stackit_servers_with_a_service_account_key()
    {
        using var key = RSA.Create(2048);
        string assertion = "";
        await using var api = new FakeApi()
            .On("POST /token", (_, body) =>
            {
                assertion = Uri.UnescapeDataString(body.Split("assertion=")[1]);
                return new FakeApi.Reply("""{"access_token":"tok","expires_in":3600}""");
            })
            .Get("/v1/projects/p/servers?details=true", """
                {"items":[{"id":"s1","name":"runcommandtest","availabilityZone":"eu01-3","status":"ACTIVE","powerStatus":"RUNNING","machineType":"t1.1","labels":{"provisionSTACKITServerAgent":"true","n":1},
                  "nics":[{"networkName":"my net","ipv4":"10.0.0.153","publicIp":"192.0.2.1"}]},{"id":"s2","nics":[{"networkName":"x","ipv4":"10.0.0.160"}]},{"id":"s3"}]}
                """);
        string account = JsonSerializer.Serialize(new { credentials = new { kid = "k", iss = "me", sub = "sub", aud = "https://stackit.example", privateKey = key.ExportPkcs8PrivateKeyPem() } });
        var options = new StackitOptions("server", "p", "eu01", "", account, "", "", "", "", 80, HttpClientOptions.Default) { RefreshInterval = Minute };
        var targets = await api.FindAsync(options, new SimulatedTimeProvider(When));
        Same(targets[0], "192.0.2.1:80", "__meta_stackit_", """
            availability_zone eu01-3
            id s1
            label_provisionSTACKITServerAgent true
            labelpresent_provisionSTACKITServerAgent true
            name runcommandtest
            power_status RUNNING
            private_ipv4_my_net 10.0.0.153
            project p
            public_ipv4 192.0.2.1
            status ACTIVE
            type t1.1
            """);
        Assert.Equal(["192.0.2.1:80", "10.0.0.160:80"], Addresses(targets));
        Assert.Equal(("https://iaas.api.eu01.stackit.cloud", "Bearer tok"), (api.Requests[1].Host, api.Requests[1].Headers["Authorization"]));
        string[] parts = assertion.Split('.');
        Assert.True(key.VerifyData(Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"), System.Buffers.Text.Base64Url.DecodeFromChars(parts[2]), HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1));
    }

    [Fact]
    public async Task Stackit_postgres_instances_at_the_endpoint_of_their_metrics()
    {
        await using var api = new FakeApi().Get("/v2/projects/p/regions/eu01/instances?details=true", """{"items":[{"id":"pg1","name":"db","status":"Ready"}]}""");
        var client = HttpClientOptions.Default with { Authorization = new AuthorizationOptions("Bearer", "abc", "") };
        var options = new StackitOptions("postgres", "p", "eu01", "", "", "", "", "", "", 80, client) { RefreshInterval = Minute };
        Same(Assert.Single(await api.FindAsync(options)), "postgres-flex-metrics.api.stackit.cloud:443", "__meta_stackit_", """
            id pg1
            name db
            project p
            status Ready
            type postgres
            .__metrics_path__ /v1alpha1/projects/p/regions/eu01/instances/pg1/advanced/metrics
            .__scheme__ https
            """);
        Assert.Equal("Bearer abc", api.Requests[0].Headers["Authorization"]);
    }

    [Fact]
    public async Task Outscale_machines_over_pages()
    {
        await using var api = new FakeApi().On("POST /api/v1/ReadVms", (_, body) => new FakeApi.Reply(body == "{}"
            ? """{"Vms":[{"VmId":"i-1","State":"running","PrivateIp":"10.0.0.1","PublicIp":"192.0.2.1","Placement":{"SubregionName":"eu-west-2a"},"Tags":[{"Key":"Na me","Value":"web"}]},{"VmId":"i-2"}],"NextPageToken":"n"}"""
            : """{"Vms":[{"VmId":"i-3","PublicIp":"192.0.2.3"}]}"""));
        var options = new OutscaleOptions("https://api.eu-west-2.outscale.com/api/v1", "eu-west-2", "AK", "SK", "", 80, HttpClientOptions.Default) { RefreshInterval = Minute };
        var targets = await api.FindAsync(options, new SimulatedTimeProvider(When));
        Same(targets[0], "10.0.0.1:80", "__meta_outscale_vm_", """
            instance_id i-1
            private_ip 10.0.0.1
            public_ip 192.0.2.1
            region eu-west-2
            state running
            subregion eu-west-2a
            tag_Na_me web
            """);
        Assert.Equal(["10.0.0.1:80", "192.0.2.3:80"], Addresses(targets));
        Assert.Equal("20260102T030405Z", api.Requests[0].Headers["X-Osc-Date"]);
        Assert.StartsWith("OSC4-HMAC-SHA256 Credential=AK/20260102/eu-west-2/api/osc4_request, SignedHeaders=content-type;host;x-osc-date, Signature=", api.Requests[0].Headers["Authorization"], StringComparison.Ordinal);
        Assert.Equal("""{"NextPageToken":"n"}""", api.Requests[1].Body);
    }

    [Theory]
    [InlineData("")]
    [InlineData("secret")]
    public async Task Oci_instances_with_signed_requests(string passphrase)
    {
        using var folder = Places.NewFolder();
        using var key = RSA.Create(2048);
        string file = Path.Combine(folder, "key.pem");
        var encryption = new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000);
        await File.WriteAllTextAsync(file, passphrase.Length == 0 ? key.ExportPkcs8PrivateKeyPem() : key.ExportEncryptedPkcs8PrivateKeyPem(passphrase, encryption), Cancel);
        await using var api = new FakeApi()
            .Get("/20160918/vnicAttachments?compartmentId=c1", """[{"instanceId":"i1","vnicId":"v0","lifecycleState":"ATTACHED"},{"instanceId":"i1","vnicId":"v1","lifecycleState":"ATTACHED"}]""")
            .Get("/20160918/instances?compartmentId=c1", """
                [{"id":"i1","displayName":"one","compartmentId":"c1","availabilityDomain":"AD-1","faultDomain":"FD-1","lifecycleState":"RUNNING","shape":"VM.E4","imageId":"im","freeformTags":{"my tag":"v"},"definedTags":{"Ops":{"Cost":"42"}}}]
                """, ("opc-next-page", "p2"))
            .Get("/20160918/instances?compartmentId=c1&page=p2", """[{"id":"i2","displayName":"without"}]""")
            .Get("/20160918/vnics/v0", """{"isPrimary":false,"privateIp":"10.0.0.1"}""")
            .Get("/20160918/vnics/v1", """{"isPrimary":true,"privateIp":"10.0.0.2","publicIp":"192.0.2.2","subnetId":"sn","hostnameLabel":"one"}""");
        var options = new OciOptions("us-ashburn-1", "ten", "usr", "aa:bb", file, passphrase, ["c1"], 9100, HttpClientOptions.Default) { RefreshInterval = Minute };
        Same(Assert.Single(await api.FindAsync(options, new SimulatedTimeProvider(When))), "10.0.0.2:9100", "__meta_oci_", """
            availability_domain AD-1
            compartment_id c1
            defined_tag_Ops_Cost 42
            fault_domain FD-1
            freeform_tag_my_tag v
            hostname one
            image_id im
            instance_id i1
            instance_name one
            instance_state RUNNING
            private_ip 10.0.0.2
            public_ip 192.0.2.2
            region us-ashburn-1
            shape VM.E4
            subnet_id sn
            """);
        foreach (var request in api.Requests)
        {
            Assert.Equal("https://iaas.us-ashburn-1.oraclecloud.com", request.Host);
            string authorization = request.Headers["Authorization"];
            Assert.StartsWith("Signature version=\"1\",keyId=\"ten/usr/aa:bb\",algorithm=\"rsa-sha256\",headers=\"date (request-target) host\"", authorization, StringComparison.Ordinal);
            string signed = $"date: Fri, 02 Jan 2026 03:04:05 GMT\n(request-target): get {request.Url}\nhost: iaas.us-ashburn-1.oraclecloud.com";
            Assert.True(key.VerifyData(Encoding.ASCII.GetBytes(signed), Convert.FromBase64String(authorization.Split("signature=\"")[1].TrimEnd('"')), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
        }
    }
}
