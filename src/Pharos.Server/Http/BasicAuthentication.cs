using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Pharos.Server.Http;

/// <summary>Asks every request for one of the users of a list, whose passwords are kept as bcrypt hashes.</summary>
internal sealed class BasicAuthentication(Func<IReadOnlyDictionary<string, string>> users)
{
    private const int KnownMax = 100;

    /// <summary>Checked where there is no such user, so that the answer takes as long: nobody learns which users exist.</summary>
    private const string NobodysHash = "$2b$10$abcdefghijklmnopqrstuuQ7ZG3dPCUdPcYHTfvTLD1bAGp0NfP3O";

    /// <summary>A hash takes tens of milliseconds on purpose; answers to what was asked before are kept, by a digest of it.</summary>
    private readonly ConcurrentDictionary<string, bool> known = new(StringComparer.Ordinal);

    public async Task InvokeAsync(HttpContext http, RequestDelegate next)
    {
        var list = users();
        if (list.Count == 0 || Allows(list, http.Request.Headers.Authorization.ToString()))
        {
            await next(http);
            return;
        }
        http.Response.StatusCode = StatusCodes.Status401Unauthorized;
        http.Response.Headers.WWWAuthenticate = "Basic";
        await http.Response.WriteAsync("Unauthorized\n");
    }

    private bool Allows(IReadOnlyDictionary<string, string> list, string header)
    {
        if (!header.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase)) return false;
        var bytes = new byte[header.Length];
        if (!Convert.TryFromBase64String(header[6..].Trim(), bytes, out int length)) return false;
        string given = Encoding.UTF8.GetString(bytes, 0, length);
        int colon = given.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0) return false;
        string user = given[..colon];
        bool exists = list.TryGetValue(user, out string? hash);
        hash ??= NobodysHash;
        string digest = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes($"{hash}\n{given}")));
        if (known.TryGetValue(digest, out bool before)) return before;
        bool right = BCrypt.Net.BCrypt.Verify(given[(colon + 1)..], hash) && exists;
        if (known.Count >= KnownMax) known.Clear();
        known[digest] = right;
        return right;
    }
}
