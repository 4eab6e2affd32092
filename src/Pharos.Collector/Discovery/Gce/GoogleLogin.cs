using System.Text.Json;

namespace Pharos.Collector.Discovery;

/// <summary>
/// Google's default credentials: the file that GOOGLE_APPLICATION_CREDENTIALS names, the one of the gcloud tool, the metadata server of
/// the machine. Files of service accounts and of users.
/// </summary>
internal sealed class GoogleLogin(DiscoveryHttp http, TimeProvider time, string scope, Func<string, string?>? environment = null)
{
    private const string Grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";

    private readonly Func<string, string?> environment = environment ?? Environment.GetEnvironmentVariable;
    private readonly AccessToken token = new(http, time);

    public Task<string> TokenAsync(CancellationToken cancel) => token.GetAsync(AskAsync, cancel);

    private async Task<HttpRequestMessage> AskAsync(CancellationToken cancel)
    {
        string? file = environment("GOOGLE_APPLICATION_CREDENTIALS") is { Length: > 0 } named ? named : null;
        if (file is null)
        {
            string wellKnown = Path.Combine(environment("HOME") ?? "/", ".config", "gcloud", "application_default_credentials.json");
            if (File.Exists(wellKnown)) file = wellKnown;
        }
        if (file is null)
        {
            string host = environment("GCE_METADATA_HOST") is { Length: > 0 } other ? other : "metadata.google.internal";
            return DiscoveryHttp.Request(HttpMethod.Get, $"http://{host}/computeMetadata/v1/instance/service-accounts/default/token?scopes={Uri.EscapeDataString(scope)}", ("Metadata-Flavor", "Google"));
        }
        using var document = JsonDocument.Parse(await File.ReadAllTextAsync(file, cancel));
        var account = document.RootElement;
        string url = account.Text("token_uri") is { Length: > 0 } given ? given : "https://oauth2.googleapis.com/token";
        return account.Text("type") switch
        {
            "service_account" => Form(url, ("grant_type", Grant), ("assertion", Assertion(account, url))),
            "authorized_user" => Form(
                url, ("grant_type", "refresh_token"), ("client_id", account.Text("client_id")), ("client_secret", account.Text("client_secret")), ("refresh_token", account.Text("refresh_token"))),
            var type => throw new DiscoveryException($"{file}: credentials of type \"{type}\" are not supported; use service_account or authorized_user"),
        };
    }

    private string Assertion(JsonElement account, string audience)
    {
        long now = time.GetUtcNow().ToUnixTimeSeconds();
        return JsonWebToken.Sign("RS256", account.Text("private_key_id"), account.Text("private_key"), new Dictionary<string, object>
        {
            ["iss"] = account.Text("client_email"), ["scope"] = scope, ["aud"] = audience, ["iat"] = now, ["exp"] = now + 3600,
        });
    }

    private static HttpRequestMessage Form(string url, params (string Name, string Value)[] fields) =>
        new(HttpMethod.Post, url) { Content = new FormUrlEncodedContent(fields.Select(f => KeyValuePair.Create(f.Name, f.Value))) };
}
