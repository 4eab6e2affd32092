using System.Text.Json;

namespace Pharos.Collector.Discovery;

/// <summary>A token that is asked for anew shortly before it ends.</summary>
internal sealed class AccessToken(DiscoveryHttp http, TimeProvider time)
{
    private static readonly TimeSpan Margin = TimeSpan.FromMinutes(1);

    private string token = "";
    private DateTimeOffset until;

    /// <param name="ask">Makes the request whose answer holds <c>access_token</c> and its lifetime.</param>
    /// <exception cref="DiscoveryException">The answer holds no token.</exception>
    public async Task<string> GetAsync(Func<CancellationToken, Task<HttpRequestMessage>> ask, CancellationToken cancel)
    {
        if (token.Length > 0 && time.GetUtcNow() < until) return token;
        using var request = await ask(cancel);
        var answer = await http.SendAsync(request, cancel);
        if (answer.Text("access_token") is not { Length: > 0 } given) throw new DiscoveryException($"{request.RequestUri!.GetLeftPart(UriPartial.Path)} gave no access token");
        token = given;
        until = time.GetUtcNow() + Lifetime(answer) - Margin;
        return token;
    }

    /// <summary>Some give it as a number, some as a text.</summary>
    private static TimeSpan Lifetime(JsonElement answer) => TimeSpan.FromSeconds(double.TryParse(answer.Text("expires_in"), out double seconds) ? seconds : 300);
}
