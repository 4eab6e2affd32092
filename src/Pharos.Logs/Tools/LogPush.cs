using System.Net;
using System.Net.Http.Headers;
using Pharos.Core;

namespace Pharos.Logs.Tools;

/// <summary>Sends lines of JSON in the form of Loki's push API, as <see cref="LogExport"/> writes them, to a running Pharos or Loki. Its limits hold.</summary>
public sealed class LogPush(HttpClient http, Uri server)
{
    private const int AnswerCharsMax = 500;

    /// <param name="tenant">Sent as X-Scope-OrgID; null for none.</param>
    /// <param name="progress">Called with lines so far and 0.</param>
    /// <returns>Entries are not counted: 0.</returns>
    /// <exception cref="IOException">The server cannot be reached, or does not take logs now; lines before were sent.</exception>
    public async Task<LogImported> RunAsync(TenantId? tenant, Stream input, Action<long, long>? progress, CancellationToken cancel)
    {
        var target = new Uri($"{server.AbsoluteUri.TrimEnd('/')}/loki/api/v1/push");
        var problems = new List<string>();
        long line = 0;
        await foreach (byte[] body in PushLines.ReadAsync(input, cancel))
        {
            line++;
            if (body.Length == 0) continue;
            using var request = new HttpRequestMessage(HttpMethod.Post, target) { Content = new ByteArrayContent(body) };
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            if (tenant is { } whose) request.Headers.Add("X-Scope-OrgID", whose.Name);
            try
            {
                using var response = await http.SendAsync(request, cancel);
                if (!response.IsSuccessStatusCode)
                {
                    string said = (await response.Content.ReadAsStringAsync(cancel)).Trim();
                    string problem = $"line {line}: {target} answered {(int)response.StatusCode}: {(said.Length > AnswerCharsMax ? said[..AnswerCharsMax] + "…" : said)}";
                    // 400: some entries break a limit; the others were taken.
                    if (response.StatusCode != HttpStatusCode.BadRequest) throw new IOException($"{problem}; repeat the import from this line");
                    problems.Add(problem);
                }
            }
            catch (HttpRequestException failure)
            {
                throw new IOException($"line {line}: cannot reach {target}: {failure.Message}; repeat the import from this line", failure);
            }
            progress?.Invoke(line, 0);
        }
        return new LogImported(line, 0, problems);
    }
}
