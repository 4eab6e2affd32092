using System.Text.Json;

namespace Pharos.Collector.Discovery;

/// <summary>Tokens for a STACKIT service account, by its key.</summary>
internal sealed class StackitLogin(StackitOptions options, DiscoveryHttp http, TimeProvider time)
{
    private const string TokenUrl = "https://service-account.api.stackit.cloud/token";

    private readonly AccessToken token = new(http, time);

    /// <summary>Headers that say who asks; none where no key is configured.</summary>
    public async Task<(string Name, string Value)[]> HeadersAsync(CancellationToken cancel) =>
        options.ServiceAccountKey.Length + options.ServiceAccountKeyPath.Length == 0 ? [] : [("Authorization", "Bearer " + await token.GetAsync(AskAsync, cancel))];

    private async Task<HttpRequestMessage> AskAsync(CancellationToken cancel)
    {
        string text = options.ServiceAccountKeyPath.Length > 0 ? await File.ReadAllTextAsync(options.ServiceAccountKeyPath, cancel) : options.ServiceAccountKey;
        using var document = JsonDocument.Parse(text);
        var credentials = document.RootElement.At("credentials");
        long now = time.GetUtcNow().ToUnixTimeSeconds();
        string assertion = JsonWebToken.Sign("RS512", credentials.Text("kid"), await PrivateKeyAsync(credentials, cancel), new Dictionary<string, object>
        {
            ["iss"] = credentials.Text("iss"), ["sub"] = credentials.Text("sub"), ["aud"] = credentials.Text("aud"), ["jti"] = Guid.NewGuid().ToString(), ["iat"] = now, ["exp"] = now + 600,
        });
        return new HttpRequestMessage(HttpMethod.Post, TokenUrl)
        {
            Content = new FormUrlEncodedContent(new Dictionary<string, string> { ["grant_type"] = "urn:ietf:params:oauth:grant-type:jwt-bearer", ["assertion"] = assertion }),
        };
    }

    private async Task<string> PrivateKeyAsync(JsonElement credentials, CancellationToken cancel)
    {
        if (options.PrivateKey.Length > 0) return options.PrivateKey;
        if (options.PrivateKeyPath.Length > 0) return await File.ReadAllTextAsync(options.PrivateKeyPath, cancel);
        if (credentials.Text("privateKey") is { Length: > 0 } held) return held;
        if (options.CredentialsFilePath.Length > 0)
        {
            using var document = JsonDocument.Parse(await File.ReadAllTextAsync(options.CredentialsFilePath, cancel));
            if (document.RootElement.Text("STACKIT_PRIVATE_KEY") is { Length: > 0 } named) return named;
            if (document.RootElement.Text("STACKIT_PRIVATE_KEY_PATH") is { Length: > 0 } path) return await File.ReadAllTextAsync(path, cancel);
        }
        throw new DiscoveryException("the service account key holds no private key; give private_key or private_key_path");
    }
}
