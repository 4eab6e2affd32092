using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Pharos.Collector.Discovery;

/// <summary>
/// Signs requests with Signature Version 4: of AWS, or of a provider that names headers and scope after itself.
/// </summary>
/// <param name="provider">AWS, or for example OSC.</param>
internal sealed class SignatureV4(string region, string service, string provider = "AWS")
{
    /// <summary>Adds the headers of the date, the session and the signature.</summary>
    /// <param name="body">The body's bytes; empty for none.</param>
    public void Sign(HttpRequestMessage request, ReadOnlySpan<byte> body, AwsCredentials credentials, DateTimeOffset now)
    {
        string prefix = provider == "AWS" ? "X-Amz-" : $"X-{char.ToUpperInvariant(provider[0])}{provider[1..].ToLowerInvariant()}-";
        string at = now.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture), day = at[..8];
        request.Headers.Remove(prefix + "Date");
        request.Headers.TryAddWithoutValidation(prefix + "Date", at);
        if (credentials.SessionToken.Length > 0) request.Headers.TryAddWithoutValidation(prefix + "Security-Token", credentials.SessionToken);

        var url = request.RequestUri!;
        var headers = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["host"] = url.IsDefaultPort ? url.Host : $"{url.Host}:{url.Port}" };
        foreach (var (name, values) in request.Headers.Concat(request.Content?.Headers ?? Enumerable.Empty<KeyValuePair<string, IEnumerable<string>>>()))
        {
            string lower = name.ToLowerInvariant();
            if (lower == "content-type" || lower.StartsWith(prefix.ToLowerInvariant(), StringComparison.Ordinal)) headers[lower] = string.Join(',', values).Trim();
        }
        string names = string.Join(';', headers.Keys);
        string canonical = string.Join('\n',
            request.Method.Method, Path(url), Query(url), string.Concat(headers.Select(h => $"{h.Key}:{h.Value}\n")), names, Hex(SHA256.HashData(body)));
        string algorithm = $"{provider}4-HMAC-SHA256", scope = $"{day}/{region}/{service}/{provider.ToLowerInvariant()}4_request";
        string toSign = string.Join('\n', algorithm, at, scope, Hex(SHA256.HashData(Encoding.UTF8.GetBytes(canonical))));
        byte[] key = Encoding.UTF8.GetBytes($"{provider}4{credentials.SecretKey}");
        foreach (string part in (string[])[day, region, service, $"{provider.ToLowerInvariant()}4_request"]) key = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(part));
        string signature = Hex(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(toSign)));
        request.Headers.TryAddWithoutValidation("Authorization", $"{algorithm} Credential={credentials.AccessKey}/{scope}, SignedHeaders={names}, Signature={signature}");
    }

    private static string Path(Uri url) => string.Join('/', url.AbsolutePath.Split('/').Select(Uri.EscapeDataString));

    private static string Query(Uri url) => string.Join('&', url.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries)
        .Select(p => p.Contains('=', StringComparison.Ordinal) ? p : p + "=").Order(StringComparer.Ordinal));

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}
