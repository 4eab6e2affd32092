using System.Text;

namespace Pharos.Collector.Components;

internal sealed record HttpFetchOptions(Uri Url, string Method, string Body, TimeSpan Frequency, TimeSpan Timeout, HttpClientOptions Client);

/// <summary>Reads a text from a web server; only status 200 counts.</summary>
internal static class HttpFetch
{
    /// <summary>No configuration is larger.</summary>
    private const int BytesMax = 16 << 20;

    /// <exception cref="IOException">There is no answer, or not 200.</exception>
    public static async ValueTask<string> ReadAsync(ComponentContext context, HttpFetchOptions options, CancellationToken cancel)
    {
        using var client = new HttpClient(context.Http(options.Client)) { MaxResponseContentBufferSize = BytesMax, Timeout = System.Threading.Timeout.InfiniteTimeSpan };
        using var limit = new CancellationTokenSource(options.Timeout, context.Time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancel, limit.Token);
        using var request = new HttpRequestMessage(new HttpMethod(options.Method), options.Url);
        if (options.Body.Length > 0) request.Content = new StringContent(options.Body, Encoding.UTF8);
        try
        {
            using var response = await client.SendAsync(request, both.Token).ConfigureAwait(false);
            if (response.StatusCode != System.Net.HttpStatusCode.OK) throw new IOException($"{options.Url} answered {(int)response.StatusCode} {response.ReasonPhrase}");
            return await response.Content.ReadAsStringAsync(both.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new IOException($"{options.Url} did not answer within {Runtime.GoDuration.Format(options.Timeout)}");
        }
        catch (HttpRequestException failure)
        {
            throw new IOException($"{options.Url}: {failure.Message}", failure);
        }
    }
}
