namespace Pharos.Collector.Discovery;

/// <summary>What every discovery at AWS is told of its access.</summary>
/// <param name="Region">Empty: from the environment, the profile, or the instance on which this process runs.</param>
/// <param name="Endpoint">Of the service; empty: the region's.</param>
/// <param name="AccessKey">Empty: from the environment, the profile, or the instance.</param>
/// <param name="Profile">In the shared files of AWS's tools; empty: the default one.</param>
/// <param name="RoleArn">Assumed with the credentials; empty: none.</param>
/// <param name="ExternalId">For the role; empty: none.</param>
internal sealed record AwsAccess(string Region, string Endpoint, string AccessKey, string SecretKey, string Profile, string RoleArn, string ExternalId)
{
    public static AwsAccess Read(IDiscoverySection section) => new(
        section.Text("region"), section.Text("endpoint").TrimEnd('/'), section.Text("access_key"), section.Secret("secret_key"), section.Text("profile"), section.Text("role_arn"), section.Text("external_id"));

    /// <summary>Never shows the secret.</summary>
    public override string ToString() => $"region {Region}, access key {AccessKey}";
}
