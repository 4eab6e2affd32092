using Pharos.Wire.Signing;

namespace Pharos.Collector.Http;

internal static class SignedRequest
{
    /// <summary>Signs the request: sets its date, the session's token and the authorization.</summary>
    /// <param name="body">The bytes of the request's content; empty for none.</param>
    public static void Sign(this SignatureV4 signature, HttpRequestMessage request, ReadOnlySpan<byte> body, AwsCredentials credentials, DateTimeOffset now)
    {
        var headers = request.Headers.Concat(request.Content?.Headers ?? Enumerable.Empty<KeyValuePair<string, IEnumerable<string>>>())
            .Select(h => (h.Key, string.Join(',', h.Value)));
        foreach (var (name, value) in signature.Sign(request.Method.Method, request.RequestUri!, headers, body, credentials, now))
        {
            request.Headers.Remove(name);
            request.Headers.TryAddWithoutValidation(name, value);
        }
    }
}
