using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Pharos.Core;

namespace Pharos.Logs.Tools;

/// <summary>
/// Sends lines of JSON as <see cref="LogExport"/> writes them, in any of its forms, by Loki's push API to a running Pharos or Loki. Its limits hold. Where it
/// asks for patience (429, 503), a line is sent again after the time that it names, or after a wait that doubles from 1 s to 30 s.
/// </summary>
public sealed class LogPush(HttpClient http, Uri server, TimeProvider time)
{
    private const int AnswerCharsMax = 500;

    private static readonly TimeSpan FirstWait = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(30);

    /// <summary>How long a server may refuse one line.</summary>
    private static readonly TimeSpan PatienceMax = TimeSpan.FromMinutes(10);

    private readonly Uri target = new($"{server.AbsoluteUri.TrimEnd('/')}/loki/api/v1/push");

    /// <param name="tenant">Sent as X-Scope-OrgID; null for none.</param>
    /// <param name="progress">Called with lines so far and 0.</param>
    /// <param name="waiting">Told of each wait and its reason.</param>
    /// <returns>Entries are not counted: 0.</returns>
    /// <exception cref="IOException">The server cannot be reached, or does not take logs for too long; lines before were sent.</exception>
    public async Task<LogImported> RunAsync(TenantId? tenant, Stream input, Action<long, long>? progress, Action<string>? waiting, CancellationToken cancel)
    {
        var problems = new List<string>();
        long line = 0;
        await foreach (var body in PushLines.ReadAsync(input, cancel))
        {
            line = body.Last;
            if (await SendAsync(tenant, body, waiting, cancel) is { } problem) problems.Add(problem);
            progress?.Invoke(line, 0);
        }
        return new LogImported(line, 0, problems);
    }

    /// <summary>Sends a body until it is taken; what was left out of it, or null.</summary>
    private async Task<string?> SendAsync(TenantId? tenant, PushBody body, Action<string>? waiting, CancellationToken cancel)
    {
        var waited = TimeSpan.Zero;
        for (var next = FirstWait; ; next = TimeSpan.FromTicks(Math.Min(next.Ticks * 2, WaitMax.Ticks)))
        {
            var (status, problem, asked) = await TryAsync(tenant, body, cancel);
            if (problem is null) return null;
            // 400: some entries break a limit; the others were taken.
            if (status == HttpStatusCode.BadRequest) return problem;
            var wait = asked ?? next;
            if (status is not (HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable) || waited + wait > PatienceMax)
                throw new IOException($"{problem}; {(waited > TimeSpan.Zero ? $"waited {waited.TotalSeconds.ToString("0", CultureInfo.InvariantCulture)} s in all; " : "")}repeat the import from this line");
            waiting?.Invoke($"{problem}; again in {wait.TotalSeconds.ToString("0.#", CultureInfo.InvariantCulture)} s");
            await Task.Delay(wait, time, cancel);
            waited += wait;
        }
    }

    private async Task<(HttpStatusCode Status, string? Problem, TimeSpan? RetryAfter)> TryAsync(TenantId? tenant, PushBody body, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, target) { Content = new ByteArrayContent(body.Bytes) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        if (tenant is { } whose) request.Headers.Add("X-Scope-OrgID", whose.Name);
        try
        {
            using var response = await http.SendAsync(request, cancel);
            if (response.IsSuccessStatusCode) return (response.StatusCode, null, null);
            string said = (await response.Content.ReadAsStringAsync(cancel)).Trim();
            string problem = $"{body}: {target} answered {(int)response.StatusCode}: {(said.Length > AnswerCharsMax ? said[..AnswerCharsMax] + "…" : said)}";
            var after = response.Headers.RetryAfter;
            var asked = after?.Delta ?? (after?.Date is { } at ? at - time.GetUtcNow() : null);
            return (response.StatusCode, problem, asked < TimeSpan.Zero ? TimeSpan.Zero : asked);
        }
        catch (HttpRequestException failure)
        {
            throw new IOException($"{body}: cannot reach {target}: {failure.Message}; repeat the import from this line", failure);
        }
    }
}
