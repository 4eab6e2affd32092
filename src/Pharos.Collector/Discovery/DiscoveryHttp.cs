using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Pharos.Collector.Discovery;

/// <summary>The HTTP client of one discovery. Each request may take <c>timeout</c>; bodies and pages are bounded.</summary>
internal sealed class DiscoveryHttp : IAsyncDisposable
{
    /// <summary>A large cluster's list; nothing honest is longer.</summary>
    private const int BodyBytesMax = 256 << 20;

    private const int PagesMax = 10_000;
    private const int ErrorCharsMax = 300;

    private readonly HttpClient client;
    private readonly TimeSpan timeout;
    private readonly TimeProvider time;

    public DiscoveryHttp(DiscoveryContext context, HttpClientOptions options, TimeSpan timeout)
        : this(context.Http(options), context.Time, timeout)
    {
    }

    public DiscoveryHttp(HttpMessageHandler handler, TimeProvider time, TimeSpan timeout)
    {
        client = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = BodyBytesMax };
        this.timeout = timeout;
        this.time = time;
    }

    public ValueTask DisposeAsync()
    {
        client.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <exception cref="HttpRequestException">No answer, or one without success.</exception>
    /// <exception cref="JsonException">The answer is no JSON.</exception>
    public async Task<JsonElement> GetAsync(string url, CancellationToken cancel, params (string Name, string Value)[] headers)
    {
        using var request = Request(HttpMethod.Get, url, headers);
        return await SendAsync(request, cancel);
    }

    /// <inheritdoc cref="GetAsync"/>
    public async Task<JsonElement> SendAsync(HttpRequestMessage request, CancellationToken cancel) => (await SendForHeadersAsync(request, cancel)).Body;

    /// <summary>The answer and its headers.</summary>
    /// <inheritdoc cref="GetAsync"/>
    public async Task<(JsonElement Body, HttpResponseHeaders Headers)> SendForHeadersAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        using var response = await AnswerAsync(request, cancel);
        using var document = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(cancel));
        return (document.RootElement.Clone(), response.Headers);
    }

    /// <summary>An answer with success, its body read; the caller disposes of it.</summary>
    /// <param name="also">A status that counts as success too.</param>
    /// <exception cref="HttpRequestException">No answer, or one without success.</exception>
    public async Task<HttpResponseMessage> AnswerAsync(HttpRequestMessage request, CancellationToken cancel, HttpStatusCode? also = null)
    {
        using var limit = new CancellationTokenSource(timeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancel, limit.Token);
        HttpResponseMessage response;
        try
        {
            response = await client.SendAsync(request, both.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new HttpRequestException($"{Place(request)} did not answer within {timeout.TotalSeconds} s");
        }
        if (response.IsSuccessStatusCode || response.StatusCode == also) return response;
        using (response)
        {
            string body = (await response.Content.ReadAsStringAsync(cancel)).Trim();
            throw new HttpRequestException(
                $"{Place(request)} answered HTTP status {(int)response.StatusCode}{(body.Length == 0 ? "" : ": " + (body.Length > ErrorCharsMax ? body[..ErrorCharsMax] : body))}", null, response.StatusCode);
        }
    }

    /// <summary>An answer whose body goes on for as long as the server likes: only its start is waited for at most <c>timeout</c>.</summary>
    /// <exception cref="HttpRequestException">No answer, or one without success.</exception>
    public async Task<HttpResponseMessage> OpenStreamAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        using var limit = new CancellationTokenSource(timeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancel, limit.Token);
        var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, both.Token);
        if (response.IsSuccessStatusCode) return response;
        using (response) throw new HttpRequestException($"{Place(request)} answered HTTP status {(int)response.StatusCode}", null, response.StatusCode);
    }

    /// <summary>Pages of a list, each found from the one before.</summary>
    /// <param name="next">The address after a page; null or empty after the last.</param>
    public async IAsyncEnumerable<JsonElement> PagesAsync(
        string first, Func<JsonElement, string?> next, [EnumeratorCancellation] CancellationToken cancel, params (string Name, string Value)[] headers)
    {
        string? url = first;
        for (int pages = 0; !string.IsNullOrEmpty(url); pages++)
        {
            if (pages == PagesMax) throw new DiscoveryException($"{first}: the list has more than {PagesMax} pages");
            var page = await GetAsync(url, cancel, headers);
            yield return page;
            url = next(page);
        }
    }

    public static HttpRequestMessage Request(HttpMethod method, string url, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(method, url);
        request.Headers.TryAddWithoutValidation("Accept", "application/json");
        request.Headers.TryAddWithoutValidation("User-Agent", "Pharos");
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        return request;
    }

    /// <summary>The address without its query, which may hold what nobody should read in a log.</summary>
    private static string Place(HttpRequestMessage request) => request.RequestUri!.GetLeftPart(UriPartial.Path);
}
