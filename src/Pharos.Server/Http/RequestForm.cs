using Microsoft.AspNetCore.Http;
using Pharos.Core;

namespace Pharos.Server.Http;

/// <summary>The form in a request's body, read under a limit.</summary>
internal static class RequestForm
{
    /// <summary>Bytes of a body that holds a form; long enough for any query.</summary>
    public const int BytesMax = 4 << 20;

    /// <summary>Null where the body is no form.</summary>
    /// <exception cref="QueryException">The form is malformed, or too large.</exception>
    public static async ValueTask<IFormCollection?> ReadAsync(HttpContext http)
    {
        if (!http.Request.HasFormContentType) return null;
        // Read here, not under the bound of the host: there who sends more loses the connection, and the answer with it.
        using var body = await PooledBody.ReadAsync(http, BytesMax, http.RequestAborted)
            ?? throw new QueryException(QueryErrorKind.BadData, http.Request.ContentLength is { } length
                ? $"error parsing form values: the body is {length} bytes, at most {BytesMax} are read" : $"error parsing form values: of the body at most {BytesMax} bytes are read");
        http.Request.Body = body.ToStream();
        try
        {
            return await http.Request.ReadFormAsync(http.RequestAborted);
        }
        catch (InvalidDataException e)
        {
            throw new QueryException(QueryErrorKind.BadData, $"error parsing form values: {e.Message}", inner: e);
        }
    }
}
