namespace Pharos.Collector.Discovery;

/// <summary>Every kind of discovery, in the order of their names.</summary>
public static class DiscoveryTypes
{
    public static IReadOnlyList<DiscoveryType> All { get; } =
    [
        new("digitalocean", "Finds DigitalOcean's droplets.", DigitalOceanOptions.Read),
        new("dns", "Looks targets up in DNS.", DnsOptions.Read, "names"),
        new("docker", "Finds the containers of a Docker engine.", DockerOptions.Read, "host"),
        new("dockerswarm", "Finds the services, tasks or nodes of a Docker swarm.", DockerSwarmOptions.Read, "host", "role"),
        new("eureka", "Finds the instances of the applications that a Eureka server knows.", EurekaOptions.Read, "server"),
        new("file", "Reads targets from JSON and YAML files.", FileOptions.Read, "files"),
        new("hetzner", "Finds the servers of Hetzner Cloud or Hetzner Robot.", HetznerOptions.Read, "role"),
        new("http", "Reads targets from a web server.", HttpOptions.Read, "url"),
        new("ionos", "Finds the servers of an IONOS data centre.", IonosOptions.Read, "datacenter_id"),
        new("kuma", "Finds the proxies of a Kuma mesh.", KumaOptions.Read, "server"),
        new("linode", "Finds Linode's instances.", LinodeOptions.Read),
        new("marathon", "Finds the tasks of Marathon's applications.", MarathonOptions.Read, "servers"),
        new("nomad", "Finds the instances of Nomad's services.", NomadOptions.Read),
        new("puppetdb", "Finds the resources that a PuppetDB query gives.", PuppetDbOptions.Read, "url", "query"),
        new("scaleway", "Finds Scaleway's instances or bare metal servers.", ScalewayOptions.Read, "project_id", "role", "access_key"),
        new("triton", "Finds the containers or compute nodes of a Triton account.", TritonOptions.Read, "account", "dns_suffix", "endpoint"),
        new("uyuni", "Finds the systems that a Uyuni server manages.", UyuniOptions.Read, "server", "username", "password"),
        new("vultr", "Finds Vultr's instances.", VultrOptions.Read),
    ];
}
