using Pharos.Collector.Discovery;
using Pharos.Core;
using static Pharos.Collector.Tests.Discovery.TargetAssert;

namespace Pharos.Collector.Tests.Discovery;

/// <summary>Clouds whose API is a paged list of servers, each answered as its documentation says.</summary>
public sealed class ServerCloudTests
{
    private static readonly HttpClientOptions Token = HttpClientOptions.Default with { Authorization = new AuthorizationOptions("Bearer", "abc", "") };

    [Fact]
    public async Task DigitalOcean_droplets_over_pages()
    {
        await using var api = new FakeApi()
            .Get("/v2/droplets?per_page=200", """
                {"droplets":[{"id":138661,"name":"web","status":"active","vpc_uuid":"v-1","size":{"slug":"s-1"},"image":{"slug":"ubuntu-24","name":"24.04"},"region":{"slug":"fra1"},
                  "features":["backups","ipv6"],"tags":[],"networks":{"v4":[{"ip_address":"10.0.0.2","type":"private"},{"ip_address":"192.0.2.1","type":"public"}],"v6":[{"ip_address":"2001:db8::1","type":"public"}]}},
                 {"id":2,"name":"without","networks":{"v4":[],"v6":[]}}],
                 "links":{"pages":{"next":"https://api.digitalocean.com/v2/droplets?page=2&per_page=200"}}}
                """)
            .Get("/v2/droplets?page=2&per_page=200", """{"droplets":[{"id":3,"name":"db","networks":{"v4":[{"ip_address":"192.0.2.3","type":"public"}]}}],"links":{}}""");
        var targets = await api.FindAsync(new DigitalOceanOptions(9100, Token) { RefreshInterval = TimeSpan.FromMinutes(1) });
        Same(targets[0], "192.0.2.1:9100", "__meta_digitalocean_", """
            droplet_id 138661
            droplet_name web
            features ,backups,ipv6,
            image ubuntu-24
            image_name 24.04
            private_ipv4 10.0.0.2
            public_ipv4 192.0.2.1
            public_ipv6 2001:db8::1
            region fra1
            size s-1
            status active
            vpc v-1
            """);
        Assert.Equal(["192.0.2.1:9100", "192.0.2.3:9100"], Addresses(targets));
        Assert.All(api.Requests, r => Assert.Equal("Bearer abc", r.Headers["Authorization"]));
        Assert.All(api.Requests, r => Assert.Equal("https://api.digitalocean.com", r.Host));
    }

    [Fact]
    public async Task Linode_instances_with_the_details_of_their_addresses()
    {
        await using var api = new FakeApi()
            .Get("/v4/linode/instances?page=1&page_size=500", """
                {"data":[{"id":26838044,"label":"prod","group":"g","status":"running","type":"g6-standard-2","region":"us-east","image":"linode/arch","hypervisor":"kvm","tags":["web","eu"],
                  "ipv4":["45.33.82.151","96.126.108.16","192.168.170.51"],"ipv6":"2600:3c03::1/128","backups":{"enabled":true},"specs":{"disk":81920,"memory":4096,"vcpus":2,"gpus":0,"transfer":4000}}],
                 "page":1,"pages":1,"results":1}
                """)
            .Get("/v4/networking/ips?page=1&page_size=500", """{"data":[{"address":"45.33.82.151","public":true,"rdns":"a.example","linode_id":26838044}],"page":1,"pages":2}""")
            .Get("/v4/networking/ips?page=2&page_size=500", """
                {"data":[{"address":"96.126.108.16","public":true,"rdns":"b.example"},{"address":"192.168.170.51","public":false,"rdns":null},{"address":"2600:3c03::1","public":true,"rdns":"six.example"}],"page":2,"pages":2}
                """)
            .Get("/v4/networking/ipv6/ranges?page=1&page_size=500", """{"data":[{"range":"2600:3c03:e000::","prefix":64,"route_target":"2600:3c03::1"}],"page":1,"pages":1}""");
        var targets = await api.FindAsync(new LinodeOptions(80, "us-east", ",", Token) { RefreshInterval = TimeSpan.FromMinutes(1) });
        Same(Assert.Single(targets), "45.33.82.151:80", "__meta_linode_", """
            backups enabled
            extra_ips ,96.126.108.16,
            gpus 0
            group g
            hypervisor kvm
            image linode/arch
            instance_id 26838044
            instance_label prod
            ipv6_ranges ,2600:3c03:e000::/64,
            private_ipv4 192.168.170.51
            public_ipv4 45.33.82.151
            public_ipv4_rdns a.example
            public_ipv6 2600:3c03::1
            public_ipv6_rdns six.example
            region us-east
            specs_disk_bytes 85899345920
            specs_memory_bytes 4294967296
            specs_transfer_bytes 4194304000
            specs_vcpus 2
            status running
            tags ,web,eu,
            type g6-standard-2
            """);
        Assert.All(api.Requests, r => Assert.Equal("""{"region":"us-east"}""", r.Headers["X-Filter"]));
    }

    [Fact]
    public async Task Hetzner_cloud_servers_with_their_networks()
    {
        await using var api = new FakeApi()
            .Get("/v1/servers?page=1&per_page=50&label_selector=env%3Dprod", """
                {"servers":[{"id":42,"name":"my-server","status":"running","labels":{"my.key":"v","empty":""},"public_net":{"ipv4":{"ip":"1.2.3.4"},"ipv6":{"ip":"2001:db8::/64"}},
                  "private_net":[{"network":4711,"ip":"10.0.0.2"}],"server_type":{"name":"cx11","cores":1,"cpu_type":"shared","memory":1.0,"disk":25},
                  "datacenter":{"name":"fsn1-dc8","location":{"name":"fsn1","network_zone":"eu-central"}},"image":{"name":"ubuntu-20.04","description":"Ubuntu","os_flavor":"ubuntu","os_version":"20.04"}}],
                 "meta":{"pagination":{"page":1,"next_page":2}}}
                """)
            .Get("/v1/servers?page=2&per_page=50&label_selector=env%3Dprod", """{"servers":[{"id":43,"public_net":{"ipv4":{"ip":"1.2.3.5"}}}],"meta":{"pagination":{"page":2,"next_page":null}}}""")
            .Get("/v1/networks?page=1&per_page=50", """{"networks":[{"id":4711,"name":"my net"}],"meta":{"pagination":{"next_page":null}}}""");
        var targets = await api.FindAsync(new HetznerOptions("hcloud", 80, "env=prod", Token) { RefreshInterval = TimeSpan.FromMinutes(1) });
        Same(targets[0], "1.2.3.4:80", "__meta_hetzner_", """
            datacenter fsn1-dc8
            hcloud_cpu_cores 1
            hcloud_cpu_type shared
            hcloud_datacenter_location fsn1
            hcloud_datacenter_location_network_zone eu-central
            hcloud_disk_size_gb 25
            hcloud_image_description Ubuntu
            hcloud_image_name ubuntu-20.04
            hcloud_image_os_flavor ubuntu
            hcloud_image_os_version 20.04
            hcloud_label_my_key v
            hcloud_labelpresent_empty true
            hcloud_labelpresent_my_key true
            hcloud_location fsn1
            hcloud_location_network_zone eu-central
            hcloud_memory_size_gb 1
            hcloud_private_ipv4_my_net 10.0.0.2
            hcloud_server_type cx11
            public_ipv4 1.2.3.4
            public_ipv6_network 2001:db8::/64
            role hcloud
            server_id 42
            server_name my-server
            server_status running
            """);
        Assert.Equal(["1.2.3.4:80", "1.2.3.5:80"], Addresses(targets));
    }

    [Fact]
    public async Task Hetzner_robot_servers_by_basic_authentication()
    {
        await using var api = new FakeApi().Get("/server", """
            [{"server":{"server_ip":"123.123.123.123","server_number":321,"server_name":"server1","product":"DS 3000","dc":"NBG1-DC1","status":"ready","cancelled":false,
              "subnet":[{"ip":"2a01:4f8:111:4221::","mask":"64"}]}}]
            """);
        var client = HttpClientOptions.Default with { BasicAuth = new BasicAuthOptions("u", "p", "") };
        var targets = await api.FindAsync(new HetznerOptions("robot", 80, "", client) { RefreshInterval = TimeSpan.FromMinutes(1) });
        Same(Assert.Single(targets), "123.123.123.123:80", "__meta_hetzner_", """
            datacenter nbg1-dc1
            public_ipv4 123.123.123.123
            public_ipv6_network 2a01:4f8:111:4221::/64
            robot_cancelled false
            robot_product DS 3000
            role robot
            server_id 321
            server_name server1
            server_status ready
            """);
        Assert.Equal("Basic dTpw", api.Requests[0].Headers["Authorization"]);
    }

    [Fact]
    public async Task Vultr_instances_by_cursor()
    {
        await using var api = new FakeApi()
            .Get("/v2/instances?per_page=500", """
                {"instances":[{"id":"i-1","os":"CentOS","ram":1024,"disk":25,"main_ip":"192.0.2.9","vcpu_count":1,"region":"ewr","plan":"vc2","allowed_bandwidth":1000,"v6_main_ip":"2001:db8::9","hostname":"h",
                  "label":"l","internal_ip":"10.1.0.9","server_status":"ok","os_id":362,"features":["ddos"],"tags":["a","b"]}],"meta":{"links":{"next":"bmV4dA==","prev":""}}}
                """)
            .Get("/v2/instances?per_page=500&cursor=bmV4dA%3D%3D", """{"instances":[{"id":"i-2","main_ip":"192.0.2.10"}],"meta":{"links":{"next":"","prev":"x"}}}""");
        var targets = await api.FindAsync(new VultrOptions(80, Token) { RefreshInterval = TimeSpan.FromMinutes(1) });
        Same(targets[0], "192.0.2.9:80", "__meta_vultr_instance_", """
            allowed_bandwidth_gb 1000
            disk_gb 25
            features ,ddos,
            hostname h
            id i-1
            internal_ip 10.1.0.9
            label l
            main_ip 192.0.2.9
            main_ipv6 2001:db8::9
            os CentOS
            os_id 362
            plan vc2
            ram_mb 1024
            region ewr
            server_status ok
            tags ,a,b,
            vcpu_count 1
            """);
        Assert.Equal(2, targets.Count);
    }

    [Fact]
    public async Task Ionos_servers_by_their_first_address()
    {
        await using var api = new FakeApi().Get("/cloudapi/v6/datacenters/dc-1/servers?depth=3&offset=0&limit=1000", """
            {"id":"dc-1/servers","offset":0,"items":[
             {"id":"s-1","metadata":{"state":"AVAILABLE"},"properties":{"name":"one","availabilityZone":"ZONE_1","cpuFamily":"INTEL","vmState":"RUNNING","type":"ENTERPRISE","bootVolume":{"id":"v-1"}},
              "entities":{"nics":{"items":[{"properties":{"name":"a nic","ips":["192.0.2.4","192.0.2.5"]}},{"properties":{"ips":["10.0.0.4"]}}]},"volumes":{"items":[{"id":"v-1","properties":{"image":"im-1"}}]}}},
             {"id":"s-2","entities":{"nics":{"items":[]}}}]}
            """);
        var targets = await api.FindAsync(new IonosOptions("dc-1", 80, Token) { RefreshInterval = TimeSpan.FromMinutes(1) });
        Same(Assert.Single(targets), "192.0.2.4:80", "__meta_ionos_server_", """
            availability_zone ZONE_1
            boot_image_id im-1
            boot_volume_id v-1
            cpu_family INTEL
            id s-1
            ip ,192.0.2.4,192.0.2.5,10.0.0.4,
            lifecycle AVAILABLE
            name one
            nic_ip_a_nic ,192.0.2.4,192.0.2.5,
            nic_ip_unnamed ,10.0.0.4,
            servers_id dc-1/servers
            state RUNNING
            type ENTERPRISE
            """);
    }

    [Fact]
    public async Task Scaleway_instances_and_bare_metal()
    {
        using var folder = Places.NewFolder();
        string secret = Path.Combine(folder, "secret");
        await File.WriteAllTextAsync(secret, "s3cret\n");
        await using var api = new FakeApi()
            .Get("/instance/v1/zones/fr-par-1/servers?page=1&per_page=100&project=p-1&name=web&tags=a%2Cb", """
                {"servers":[{"id":"i-1","name":"n","hostname":"h","commercial_type":"DEV1-S","state":"running","zone":"fr-par-1","project":"p-1","organization":"o-1","boot_type":"local","tags":["a","b"],
                  "image":{"id":"im","name":"Debian","arch":"x86_64"},"location":{"cluster_id":"14","hypervisor_id":"201","node_id":"15"},"security_group":{"id":"sg","name":"default"},
                  "private_ip":"10.70.60.57","public_ip":{"address":"51.158.183.115"},"public_ips":[{"address":"51.158.183.115","family":"inet"},{"address":"2001:bc8::1","family":"inet6"}]},
                 {"id":"i-2","zone":"fr-par-1"}]}
                """)
            .Get("/baremetal/v1/zones/fr-par-1/servers?page=1&page_size=100&project_id=p-1", """
                {"servers":[{"id":"b-1","name":"bn","project_id":"p-1","offer_id":"of","status":"ready","zone":"fr-par-1","tags":["t"],"install":{"os_id":"os-1"},
                  "ips":[{"address":"51.158.1.1","version":"IPv4"},{"address":"2001:bc8::2","version":"IPv6"}]}],"total_count":1}
                """)
            .Get("/baremetal/v1/zones/fr-par-1/os?page=1&page_size=100", """{"os":[{"id":"os-1","name":"Ubuntu","version":"20.04"}]}""")
            .Get("/baremetal/v1/zones/fr-par-1/offers?page=1&page_size=100", """{"offers":[{"id":"of","name":"EM-A"}]}""");
        var options = new ScalewayOptions("instance", "https://api.scaleway.com", "fr-par-1", "p-1", "SCW", "", secret, "web", ["a", "b"], 80, HttpClientOptions.Default) { RefreshInterval = TimeSpan.FromMinutes(1) };
        var targets = await api.FindAsync(options);
        Same(Assert.Single(targets), "10.70.60.57:80", "__meta_scaleway_instance_", """
            boot_type local
            hostname h
            id i-1
            image_arch x86_64
            image_id im
            image_name Debian
            location_cluster_id 14
            location_hypervisor_id 201
            location_node_id 15
            name n
            organization_id o-1
            private_ipv4 10.70.60.57
            project_id p-1
            public_ipv4 51.158.183.115
            public_ipv4_addresses ,51.158.183.115,
            public_ipv6 2001:bc8::1
            public_ipv6_addresses ,2001:bc8::1,
            region fr-par
            security_group_id sg
            security_group_name default
            status running
            tags ,a,b,
            type DEV1-S
            zone fr-par-1
            """);
        targets = await api.FindAsync(options with { Role = "baremetal", SecretKey = "k", SecretKeyFile = "", NameFilter = "", TagsFilter = [] });
        Same(Assert.Single(targets), "51.158.1.1:80", "__meta_scaleway_baremetal_", """
            id b-1
            name bn
            os_name Ubuntu
            os_version 20.04
            project_id p-1
            public_ipv4 51.158.1.1
            public_ipv6 2001:bc8::2
            status ready
            tags ,t,
            type EM-A
            zone fr-par-1
            """);
        Assert.Equal(["s3cret", "k"], api.Requests.Select(r => r.Headers["X-Auth-Token"]).Distinct());
    }
}
