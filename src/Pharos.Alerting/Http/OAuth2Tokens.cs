using System.Globalization;
using System.Text.Json.Nodes;

namespace Pharos.Alerting;

/// <summary>Fetches access tokens by client credentials and keeps one until shortly before it lapses.</summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1001", Justification = "A semaphore whose wait handle is not used holds nothing to dispose.")]
internal sealed class OAuth2Tokens(HttpClient client, OAuth2Options options, TimeProvider time)
{
    private readonly SemaphoreSlim gate = new(1, 1);
    private string? token;
    private DateTimeOffset lapsesAt;

    public async ValueTask<string> GetAsync(CancellationToken cancel)
    {
        await gate.WaitAsync(cancel);
        try
        {
            if (token is not null && time.GetUtcNow() < lapsesAt) return token;
            var form = new Dictionary<string, string>
            {
                ["grant_type"] = "client_credentials",
                ["client_id"] = options.ClientId,
                ["client_secret"] = options.ClientSecret is null ? "" : await options.ClientSecret.ReadAsync(cancel),
            };
            if (options.Scopes.Count > 0) form["scope"] = string.Join(' ', options.Scopes);
            foreach (var (name, value) in options.EndpointParams) form[name] = value;
            using var content = new FormUrlEncodedContent(form);
            using var reply = await client.PostAsync(new Uri(options.TokenUrl), content, cancel);
            string body = await reply.Content.ReadAsStringAsync(cancel);
            if (!reply.IsSuccessStatusCode)
                throw new NotifyException($"oauth2: token endpoint answered {(int)reply.StatusCode}", (int)reply.StatusCode >= 500, FailureReason.AuthError);
            var json = Json.Parse(body) as JsonObject;
            token = json?["access_token"]?.ToString() ?? throw new NotifyException("oauth2: the answer holds no access_token", reason: FailureReason.AuthError);
            double seconds = double.TryParse(json["expires_in"]?.ToString(), CultureInfo.InvariantCulture, out double s) ? s : 3600;
            lapsesAt = time.GetUtcNow() + TimeSpan.FromSeconds(Math.Max(0, seconds - 10));
            return token;
        }
        finally
        {
            gate.Release();
        }
    }
}
