namespace Pharos.Collector.Discovery;

/// <summary><c>aws_sd_configs</c>: one section for every discovery at AWS, by its role.</summary>
internal static class AwsRole
{
    public static DiscoveryOptions? Read(IDiscoverySection section)
    {
        string role = section.Text("role");
        // Each role takes a part of the keys; the others may stand there too.
        section.Texts("clusters");
        section.Number("request_concurrency", 10);
        section.Filters();
        switch (role)
        {
            case "ec2": return Ec2Options.Read(section);
            case "ecs": return AwsGroupOptions.ReadEcs(section);
            case "elasticache": return AwsGroupOptions.ReadElastiCache(section);
            case "lightsail": return LightsailOptions.Read(section);
            case "msk": return AwsGroupOptions.ReadMsk(section);
            case "rds": return AwsGroupOptions.ReadRds(section);
            default:
                section.Error("role", $"unknown AWS SD role \"{role}\"", "write ec2, ecs, elasticache, lightsail, msk or rds");
                // What else stands there is no mistake of its own.
                LightsailOptions.Read(section);
                return null;
        }
    }
}
