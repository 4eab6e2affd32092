using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Pharos.Collector.Http;

/// <summary>Adds credentials and fixed headers to each request. Files are read anew each time, so rotated secrets take effect at once.</summary>
/// <param name="tokens">Carries the requests for OAuth 2 tokens; null without those.</param>
internal sealed class CredentialsHandler(HttpClientOptions options, HttpMessageHandler? tokens, TimeProvider time) : DelegatingHandler
{
    private readonly SemaphoreSlim tokenGate = new(1, 1);
    private readonly HttpMessageInvoker? tokenClient = tokens is null ? null : new HttpMessageInvoker(tokens);
    private string token = "";
    private DateTimeOffset tokenUntil;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        foreach (var (name, value) in options.Headers)
        {
            request.Headers.Remove(name);
            request.Headers.TryAddWithoutValidation(name, value);
        }
        // Also a form of it that HTTP does not know, as Marathon's, is one.
        if (!request.Headers.Contains("Authorization")) request.Headers.Authorization = await CredentialsAsync(cancel);
        return await base.SendAsync(request, cancel);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            tokenGate.Dispose();
            tokenClient?.Dispose();
        }
        base.Dispose(disposing);
    }

    private async ValueTask<AuthenticationHeaderValue?> CredentialsAsync(CancellationToken cancel)
    {
        if (options.BasicAuth is { } basic)
        {
            string password = basic.PasswordFile.Length > 0 ? await SecretAsync(basic.PasswordFile, cancel) : basic.Password;
            string username = basic.UsernameFile.Length > 0 ? await SecretAsync(basic.UsernameFile, cancel) : basic.Username;
            return new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{username}:{password}")));
        }
        if (options.Authorization is { } authorization)
        {
            string credentials = authorization.CredentialsFile.Length > 0 ? await SecretAsync(authorization.CredentialsFile, cancel) : authorization.Credentials;
            return new AuthenticationHeaderValue(authorization.Type.Length > 0 ? authorization.Type : "Bearer", credentials);
        }
        return options.OAuth2 is { } oauth ? new AuthenticationHeaderValue("Bearer", await TokenAsync(oauth, cancel)) : null;
    }

    /// <summary>The client credentials grant; the token is kept until shortly before it ends.</summary>
    private async ValueTask<string> TokenAsync(OAuth2Options oauth, CancellationToken cancel)
    {
        await tokenGate.WaitAsync(cancel);
        try
        {
            if (token.Length > 0 && time.GetUtcNow() < tokenUntil) return token;
            string secret = oauth.ClientSecretFile.Length > 0 ? await SecretAsync(oauth.ClientSecretFile, cancel) : oauth.ClientSecret;
            var form = new Dictionary<string, string>(oauth.EndpointParams) { ["grant_type"] = "client_credentials" };
            if (oauth.Scopes.Count > 0) form["scope"] = string.Join(' ', oauth.Scopes);
            using var request = new HttpRequestMessage(HttpMethod.Post, oauth.TokenUrl) { Content = new FormUrlEncodedContent(form) };
            request.Headers.Authorization = new AuthenticationHeaderValue("Basic",
                Convert.ToBase64String(Encoding.UTF8.GetBytes($"{Uri.EscapeDataString(oauth.ClientId)}:{Uri.EscapeDataString(secret)}")));
            using var response = await tokenClient!.SendAsync(request, cancel);
            string body = await response.Content.ReadAsStringAsync(cancel);
            if (!response.IsSuccessStatusCode) throw new HttpRequestException($"the token endpoint {oauth.TokenUrl} answered {(int)response.StatusCode}");
            using var json = JsonDocument.Parse(body);
            token = json.RootElement.GetProperty("access_token").GetString() ?? "";
            double seconds = json.RootElement.TryGetProperty("expires_in", out var lifetime) && lifetime.TryGetDouble(out double given) ? given : 300;
            tokenUntil = time.GetUtcNow() + TimeSpan.FromSeconds(Math.Max(1, seconds - 10));
            return token;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new HttpRequestException($"the token endpoint {oauth.TokenUrl} gave no access token", e);
        }
        finally
        {
            tokenGate.Release();
        }
    }

    private static async ValueTask<string> SecretAsync(string path, CancellationToken cancel) => (await File.ReadAllTextAsync(path, cancel)).Trim();
}
