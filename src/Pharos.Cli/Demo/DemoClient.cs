using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Pharos.Core;

namespace Pharos.Cli.Demo;

/// <summary>Talks to the server over its real HTTP routes, as an operator's tools would.</summary>
internal sealed class DemoClient : IDisposable
{
    private readonly HttpClient http;

    public DemoClient(Uri server, Func<HttpMessageHandler> handlers)
    {
        http = new HttpClient(handlers()) { BaseAddress = server };
        http.DefaultRequestHeaders.Add("X-Scope-OrgID", DemoTexts.Tenant);
    }

    /// <summary>Loads pipelines, rules and alert routing through the APIs of Fleet, Mimir and Loki.</summary>
    public async Task LoadAsync(DemoTexts texts, CancellationToken cancel)
    {
        foreach (var (name, contents, matchers) in texts.Pipelines)
        {
            using var content = JsonContent.Create(new { pipeline = new { name, contents, matchers, enabled = true } });
            await SendAsync(HttpMethod.Post, "/pipeline.v1.PipelineService/UpsertPipeline", content, cancel);
        }
        await PostYamlAsync("/prometheus/config/v1/rules/checkout", texts.MetricRules, cancel);
        await PostYamlAsync("/loki/api/v1/rules/checkout", texts.LogRules, cancel);
        await PostYamlAsync("/api/v1/alerts", texts.AlertRouting, cancel);
    }

    /// <summary>The first value of an instant vector, or null where the vector is empty.</summary>
    public Task<double?> MetricAsync(string query, CancellationToken cancel) => ValueAsync("/prometheus/api/v1/query", query, cancel);

    /// <summary>The first value of an instant LogQL vector, or null where the vector is empty.</summary>
    public Task<double?> LogMetricAsync(string query, CancellationToken cancel) => ValueAsync("/loki/api/v1/query", query, cancel);

    /// <summary>How many lines a log query finds, at most 100.</summary>
    public async Task<int> LinesAsync(string query, CancellationToken cancel)
    {
        using var answer = await GetAsync($"/loki/api/v1/query_range?limit=100&query={Uri.EscapeDataString(query)}", cancel);
        return answer.RootElement.GetProperty("data").GetProperty("result").EnumerateArray().Sum(s => s.GetProperty("values").GetArrayLength());
    }

    /// <summary>What happened to alerts of one name, oldest first: step, reason and the time of it.</summary>
    public async Task<IReadOnlyList<(string Step, string Because, DateTimeOffset At)>> JournalAsync(string alertName, CancellationToken cancel)
    {
        using var answer = await GetAsync("/api/pharos/v1/alerts/journal?limit=20000", cancel);
        var events = new List<(string, string, DateTimeOffset)>();
        foreach (var happened in answer.RootElement.EnumerateArray())
        {
            var labels = happened.GetProperty("labels");
            if (!labels.TryGetProperty("alertname", out var name) || name.GetString() != alertName) continue;
            events.Add((happened.GetProperty("step").GetString()!.ToLowerInvariant(), happened.GetProperty("because").GetString()!, happened.GetProperty("at").GetDateTimeOffset()));
        }
        return events;
    }

    /// <summary>Receivers that were reached for alerts of one name, as the page shows them.</summary>
    public async Task<IReadOnlyList<string>> NotifiedAsync(string alertName, CancellationToken cancel)
    {
        using var answer = await GetAsync("/api/pharos/v1/notifications?limit=1000", cancel);
        var names = new List<string>();
        foreach (var sent in answer.RootElement.EnumerateArray())
        {
            bool about = sent.GetProperty("alerts").EnumerateArray().Any(a => a.TryGetProperty("alertname", out var n) && n.GetString() == alertName);
            if (about && sent.GetProperty("delivered").GetBoolean()) names.Add($"{sent.GetProperty("receiver").GetString()}/{sent.GetProperty("integration").GetString()}");
        }
        return names;
    }

    /// <summary>Attributes of the demo's collector as the fleet knows them; null while it has not registered.</summary>
    public async Task<string?> CollectorAsync(CancellationToken cancel)
    {
        using var content = JsonContent.Create(new { matchers = Array.Empty<string>() });
        using var answer = await SendAsync(HttpMethod.Post, "/collector.v1.CollectorService/ListCollectors", content, cancel);
        if (!answer.RootElement.TryGetProperty("collectors", out var collectors)) return null;
        foreach (var collector in collectors.EnumerateArray())
        {
            if (collector.GetProperty("id").GetString() != DemoTexts.CollectorId) continue;
            var attributes = collector.GetProperty("localAttributes").EnumerateObject()
                .Where(a => !a.Name.StartsWith("collector.", StringComparison.Ordinal))
                .Select(a => $"{a.Name}={a.Value.GetString()}");
            return string.Join(' ', attributes);
        }
        return null;
    }

    /// <summary>Sum of the server's own samples of one metric whose label text holds all the given parts.</summary>
    public async Task<double> OwnMetricAsync(string name, string[] parts, CancellationToken cancel)
    {
        string text = await http.GetStringAsync("/metrics", cancel);
        double sum = 0;
        foreach (string line in text.Split('\n'))
        {
            if (!line.StartsWith(name, StringComparison.Ordinal) || line.Length <= name.Length || line[name.Length] is not ('{' or ' ')) continue;
            if (parts.All(p => line.Contains(p, StringComparison.Ordinal)) && double.TryParse(line[(line.LastIndexOf(' ') + 1)..], out double value)) sum += value;
        }
        return sum;
    }

    public void Dispose() => http.Dispose();

    private async Task<double?> ValueAsync(string path, string query, CancellationToken cancel)
    {
        using var answer = await GetAsync($"{path}?query={Uri.EscapeDataString(query)}", cancel);
        var result = answer.RootElement.GetProperty("data").GetProperty("result");
        if (result.GetArrayLength() == 0) return null;
        return double.Parse(result[0].GetProperty("value")[1].GetString()!);
    }

    private Task<JsonDocument> GetAsync(string path, CancellationToken cancel) => SendAsync(HttpMethod.Get, path, null, cancel);

    private async Task PostYamlAsync(string path, string yaml, CancellationToken cancel)
    {
        using var content = new StringContent(yaml, Encoding.UTF8, new MediaTypeHeaderValue("application/yaml"));
        await SendAsync(HttpMethod.Post, path, content, cancel);
    }

    private async Task<JsonDocument> SendAsync(HttpMethod method, string path, HttpContent? content, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        using var response = await http.SendAsync(request, cancel);
        string body = await response.Content.ReadAsStringAsync(cancel);
        if (!response.IsSuccessStatusCode) throw new DemoException($"{method} {path} answered {(int)response.StatusCode}: {body.Trim()}");
        return JsonDocument.Parse(body.Length == 0 || (body[0] != '{' && body[0] != '[') ? "{}" : body);
    }
}

/// <summary>The demo cannot go on; the message is for the person who runs it.</summary>
internal sealed class DemoException(string message) : Exception(message);
