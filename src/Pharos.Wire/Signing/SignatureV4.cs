using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Pharos.Wire.Signing;

/// <summary>
/// Signs requests with Signature Version 4: of AWS, or of a provider that names headers and scope after itself.
/// Source: "Signing AWS API requests" in the IAM User Guide. Not for S3, which alone does not escape the path a second time.
/// </summary>
/// <param name="provider">AWS, or for example OSC.</param>
public sealed class SignatureV4(string region, string service, string provider = "AWS")
{
    private readonly string prefix = provider == "AWS" ? "X-Amz-" : $"X-{char.ToUpperInvariant(provider[0])}{provider[1..].ToLowerInvariant()}-";
    private readonly string termination = $"{provider.ToLowerInvariant()}4_request";

    /// <summary>The headers to add to a request: its date, the session's token if there is one, and the authorization.</summary>
    /// <param name="url">As it is sent: with its escapes.</param>
    /// <param name="headers">What the request has: of these the content's type and the provider's own headers are signed, the others ignored.</param>
    /// <param name="body">The body's bytes; empty for none.</param>
    public IReadOnlyList<(string Name, string Value)> Sign(
        string method, Uri url, IEnumerable<(string Name, string Value)> headers, ReadOnlySpan<byte> body, AwsCredentials credentials, DateTimeOffset now)
    {
        string at = now.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture), day = at[..8];
        var added = new List<(string Name, string Value)> { (prefix + "Date", at) };
        if (credentials.SessionToken.Length > 0) added.Add((prefix + "Security-Token", credentials.SessionToken));

        var signed = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["host"] = url.IsDefaultPort ? url.Host : $"{url.Host}:{url.Port}" };
        foreach (var (name, value) in headers.Concat(added))
        {
            string lower = name.ToLowerInvariant();
            if (lower == "content-type" || name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)) signed[lower] = value.Trim();
        }
        string names = string.Join(';', signed.Keys);
        string canonical = string.Join('\n', method, Path(url), Query(url), string.Concat(signed.Select(h => $"{h.Key}:{h.Value}\n")), names, Hash(body));
        string algorithm = $"{provider}4-HMAC-SHA256", scope = $"{day}/{region}/{service}/{termination}";
        string toSign = string.Join('\n', algorithm, at, scope, Hash(Encoding.UTF8.GetBytes(canonical)));
        byte[] key = Encoding.UTF8.GetBytes($"{provider}4{credentials.SecretKey}");
        foreach (string part in (string[])[day, region, service, termination]) key = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(part));
        string signature = Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(toSign)));
        added.Add(("Authorization", $"{algorithm} Credential={credentials.AccessKey}/{scope}, SignedHeaders={names}, Signature={signature}"));
        return added;
    }

    private static string Path(Uri url) => string.Join('/', url.AbsolutePath.Split('/').Select(Uri.EscapeDataString));

    /// <summary>Names and values escaped alike, ordered by name and then by value, with <c>=</c> also where there is no value.</summary>
    private static string Query(Uri url) => string.Join('&', url.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries)
        .Select(p => p.Split('=', 2))
        .Select(p => (Name: Escaped(p[0]), Value: p.Length > 1 ? Escaped(p[1]) : ""))
        .OrderBy(p => p.Name, StringComparer.Ordinal).ThenBy(p => p.Value, StringComparer.Ordinal)
        .Select(p => $"{p.Name}={p.Value}"));

    private static string Escaped(string text) => Uri.EscapeDataString(Uri.UnescapeDataString(text));

    private static string Hash(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
