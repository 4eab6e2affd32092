using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Pharos.Core;

namespace Pharos.Alerting;

/// <summary>A service's answer.</summary>
internal readonly record struct HttpReply(int Status, string Body, string ContentType)
{
    public SendResult ToResult(params ReadOnlySpan<int> retryAlso) => SendResult.FromStatus(Status, Body, retryAlso);
}

/// <summary>Makes the HTTP requests of one integration: authorisation, headers, a bound on the answer's size.</summary>
internal sealed class HttpSender(HttpClient client, HttpClientOptions options, OAuth2Tokens? tokens, string userAgent)
{
    /// <summary>More of an answer is not read.</summary>
    public const int ReplyBytesMax = 64 * 1024;

    /// <summary>Posts a JSON body and notes it in the notification.</summary>
    public Task<HttpReply> PostJsonAsync(Notification n, string url, JsonNode body, CancellationToken cancel, params (string Name, string Value)[] headers) =>
        SendJsonAsync(n, HttpMethod.Post, url, body, cancel, headers);

    public Task<HttpReply> SendJsonAsync(
        Notification n, HttpMethod method, string url, JsonNode body, CancellationToken cancel, params (string Name, string Value)[] headers)
    {
        string text = Json.Write(body);
        n.SentBody = text;
        return SendAsync(method, url, new StringContent(text, Encoding.UTF8, new MediaTypeHeaderValue("application/json")), cancel, headers);
    }

    /// <exception cref="HttpRequestException">No answer came.</exception>
    public async Task<HttpReply> SendAsync(
        HttpMethod method, string url, HttpContent? content, CancellationToken cancel, params (string Name, string Value)[] headers)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var target) || target.Scheme is not ("http" or "https"))
            throw new NotifyException("the address is no http or https URL");
        using var request = new HttpRequestMessage(method, target) { Content = content };
        request.Headers.TryAddWithoutValidation("User-Agent", userAgent);
        await AuthorizeAsync(request, cancel);
        foreach (var (name, value) in options.Headers) request.Headers.TryAddWithoutValidation(name, await value.ReadAsync(cancel));
        foreach (var (name, value) in headers)
        {
            request.Headers.Remove(name);
            request.Headers.TryAddWithoutValidation(name, value);
        }
        using var reply = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel);
        return new HttpReply((int)reply.StatusCode, await ReadAsync(reply, cancel), reply.Content.Headers.ContentType?.MediaType ?? "");
    }

    private async Task AuthorizeAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        if (options.BasicUser is not null)
        {
            string user = options.BasicUserFile is null ? options.BasicUser : await options.BasicUserFile.ReadAsync(cancel);
            string password = options.BasicPassword is null ? "" : await options.BasicPassword.ReadAsync(cancel);
            request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}")));
        }
        else if (options.AuthorizationCredentials is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", $"{options.AuthorizationType} {await options.AuthorizationCredentials.ReadAsync(cancel)}");
        }
        else if (tokens is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await tokens.GetAsync(cancel));
        }
    }

    private static async Task<string> ReadAsync(HttpResponseMessage reply, CancellationToken cancel)
    {
        await using var stream = await reply.Content.ReadAsStreamAsync(cancel);
        var buffer = new byte[ReplyBytesMax];
        int read = await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancel);
        return Encoding.UTF8.GetString(buffer, 0, read);
    }
}
