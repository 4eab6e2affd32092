namespace Pharos.Collector.Discovery;

/// <summary>Every kind of discovery, in the order of their names.</summary>
public static class DiscoveryTypes
{
    public static IReadOnlyList<DiscoveryType> All { get; } =
    [
        new("aws", "Finds what a role of AWS has: EC2, ECS, ElastiCache, Lightsail, MSK or RDS.", AwsRole.Read, "role"),
        new("azure", "Finds Azure's virtual machines.", AzureOptions.Read, "subscription_id"),
        new("consul", "Finds the instances of Consul's services.", ConsulOptions.Read),
        new("digitalocean", "Finds DigitalOcean's droplets.", DigitalOceanOptions.Read),
        new("dns", "Looks targets up in DNS.", DnsOptions.Read, "names"),
        new("docker", "Finds the containers of a Docker engine.", DockerOptions.Read, "host"),
        new("dockerswarm", "Finds the services, tasks or nodes of a Docker swarm.", DockerSwarmOptions.Read, "host", "role"),
        new("ec2", "Finds the instances of EC2.", Ec2Options.Read),
        new("ecs", "Finds the tasks of ECS's services.", AwsGroupOptions.ReadEcs),
        new("elasticache", "Finds the caches of ElastiCache.", AwsGroupOptions.ReadElastiCache),
        new("eureka", "Finds the instances of the applications that a Eureka server knows.", EurekaOptions.Read, "server"),
        new("file", "Reads targets from JSON and YAML files.", FileOptions.Read, "files"),
        new("gce", "Finds the instances of a zone of Google Compute Engine.", GceOptions.Read, "project", "zone"),
        new("hetzner", "Finds the servers of Hetzner Cloud or Hetzner Robot.", HetznerOptions.Read, "role"),
        new("http", "Reads targets from a web server.", HttpOptions.Read, "url"),
        new("ionos", "Finds the servers of an IONOS data centre.", IonosOptions.Read, "datacenter_id"),
        new("kubernetes", "Finds the nodes, services, pods, endpoints or ingresses of a Kubernetes cluster.", KubernetesOptions.Read, "role"),
        new("kuma", "Finds the proxies of a Kuma mesh.", KumaOptions.Read, "server"),
        new("lightsail", "Finds the instances of Lightsail.", LightsailOptions.Read),
        new("linode", "Finds Linode's instances.", LinodeOptions.Read),
        new("marathon", "Finds the tasks of Marathon's applications.", MarathonOptions.Read, "servers"),
        new("msk", "Finds the brokers and controllers of MSK's clusters.", AwsGroupOptions.ReadMsk),
        new("nerve", "Finds the members that Nerve keeps in ZooKeeper.", ZooKeeperOptions.ReadNerve, "servers", "paths"),
        new("nomad", "Finds the instances of Nomad's services.", NomadOptions.Read),
        new("oci", "Finds the instances in compartments of Oracle Cloud.", OciOptions.Read, "region", "tenancy", "user", "fingerprint", "key_file", "compartments"),
        new("openstack", "Finds the hypervisors, instances or load balancers of an OpenStack region.", OpenStackOptions.Read, "role", "region"),
        new("outscale", "Finds Outscale's virtual machines.", OutscaleOptions.Read, "access_key"),
        new("ovhcloud", "Finds OVHcloud's virtual private or dedicated servers.", OvhCloudOptions.Read, "application_key", "application_secret", "consumer_key", "service"),
        new("puppetdb", "Finds the resources that a PuppetDB query gives.", PuppetDbOptions.Read, "url", "query"),
        new("rds", "Finds the instances of RDS's clusters.", AwsGroupOptions.ReadRds),
        new("scaleway", "Finds Scaleway's instances or bare metal servers.", ScalewayOptions.Read, "project_id", "role", "access_key"),
        new("serverset", "Finds the members of serversets in ZooKeeper.", ZooKeeperOptions.ReadServerset, "servers", "paths"),
        new("stackit", "Finds STACKIT's servers or PostgreSQL instances.", StackitOptions.Read, "project"),
        new("triton", "Finds the containers or compute nodes of a Triton account.", TritonOptions.Read, "account", "dns_suffix", "endpoint"),
        new("uyuni", "Finds the systems that a Uyuni server manages.", UyuniOptions.Read, "server", "username", "password"),
        new("vultr", "Finds Vultr's instances.", VultrOptions.Read),
    ];
}
