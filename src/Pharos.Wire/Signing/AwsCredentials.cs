namespace Pharos.Wire.Signing;

/// <param name="SessionToken">Empty for keys that do not expire.</param>
/// <param name="Expires">Null: never.</param>
public sealed record AwsCredentials(string AccessKey, string SecretKey, string SessionToken = "", DateTimeOffset? Expires = null)
{
    /// <summary>Never shows the secret.</summary>
    public override string ToString() => $"access key {AccessKey}";
}
