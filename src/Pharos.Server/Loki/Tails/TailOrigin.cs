using Microsoft.AspNetCore.Http;

namespace Pharos.Server.Loki.Tails;

/// <summary>
/// Which web pages may open a tail. Browsers open a WebSocket to any address for any page, name the page's origin, and leave it to the server
/// (RFC 6455, 10.2); what is no browser sends no origin.
/// </summary>
internal static class TailOrigin
{
    /// <summary>Null: the request may go on. Else why it may not.</summary>
    /// <param name="externalUrl">Where the page is opened besides the address of the request; null for nowhere.</param>
    public static string? Refusal(HttpRequest request, string? externalUrl)
    {
        string origin = request.Headers.Origin.ToString();
        if (origin.Length == 0) return null;
        if (Uri.TryCreate(origin, UriKind.Absolute, out var page) && page.Scheme is "http" or "https")
        {
            // A proxy may have taken TLS off: the scheme is the page's.
            if (Same(page.Host, request.Host.Host) && page.Port == (request.Host.Port ?? (page.Scheme == "https" ? 443 : 80))) return null;
            if (Uri.TryCreate(externalUrl, UriKind.Absolute, out var external) && page.Scheme == external.Scheme && Same(page.Host, external.Host) && page.Port == external.Port) return null;
        }
        return $"pages of the origin {(origin.Length > 200 ? origin[..200] + "…" : origin)} may not open a tail here: open the page at {request.Host}, or set external_url to the address that it is opened at";
    }

    private static bool Same(string a, string b) => string.Equals(a, b, StringComparison.OrdinalIgnoreCase);
}
