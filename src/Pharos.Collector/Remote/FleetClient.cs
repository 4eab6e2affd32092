using System.Net.Http.Headers;
using System.Text.Json;
using Pharos.Collector.Hosting;

namespace Pharos.Collector.Remote;

/// <summary>The fleet did not answer, or refused.</summary>
internal sealed class FleetException(string message, Exception? inner = null) : Exception(message, inner);

internal sealed record FleetAnswer(string Content, string Hash, bool NotModified);

/// <summary>Speaks collector.v1.CollectorService by Connect with JSON.</summary>
internal sealed class FleetClient : IDisposable
{
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(30);

    private readonly RemoteOptions remote;
    private readonly TimeProvider time;
    private readonly HttpClient http;

    public FleetClient(RemoteOptions remote, CollectorOptions options)
    {
        this.remote = remote;
        time = options.Time;
        http = new HttpClient(options.Http(remote.Client)) { Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = 32 << 20 };
    }

    /// <param name="hash">Of the last answer; empty for none.</param>
    /// <param name="status">What became of the last configuration, where that is news.</param>
    /// <exception cref="FleetException">There is no answer.</exception>
    public async Task<FleetAnswer> GetConfigAsync(string hash, (string Status, string Message)? status, CancellationToken cancel)
    {
        using var answer = await CallAsync("GetConfig", writer =>
        {
            writer.WriteString("id", remote.Id);
            if (hash.Length > 0) writer.WriteString("hash", hash);
            Attributes(writer);
            if (status is not { } news) return;
            writer.WriteStartObject("remoteConfigStatus");
            writer.WriteString("status", "RemoteConfigStatuses_" + news.Status);
            if (news.Message.Length > 0) writer.WriteString("errorMessage", news.Message);
            writer.WriteEndObject();
        }, RequestTimeout, cancel).ConfigureAwait(false);
        var root = answer.RootElement;
        return new FleetAnswer(Text("content"), Text("hash"), (root.TryGetProperty("notModified", out var same) || root.TryGetProperty("not_modified", out same)) && same.ValueKind == JsonValueKind.True);

        string Text(string name) => root.TryGetProperty(name, out var value) ? value.GetString() ?? "" : "";
    }

    /// <exception cref="FleetException">There is no answer.</exception>
    public async Task RegisterAsync(CancellationToken cancel)
    {
        using var _ = await CallAsync("RegisterCollector", writer =>
        {
            writer.WriteString("id", remote.Id);
            writer.WriteString("name", remote.Name);
            Attributes(writer);
        }, RequestTimeout, cancel).ConfigureAwait(false);
    }

    /// <summary>Says that this collector stops. Takes a second at most and never fails.</summary>
    public async Task LeaveAsync()
    {
        try
        {
            using var _ = await CallAsync("UnregisterCollector", w => w.WriteString("id", remote.Id), TimeSpan.FromSeconds(1), CancellationToken.None).ConfigureAwait(false);
        }
        catch (FleetException)
        {
            // The fleet notices by itself that nobody asks any more.
        }
    }

    public void Dispose() => http.Dispose();

    private void Attributes(Utf8JsonWriter writer)
    {
        writer.WriteStartObject("localAttributes");
        foreach (var (key, value) in remote.Attributes) writer.WriteString(key, value);
        writer.WriteEndObject();
    }

    private async Task<JsonDocument> CallAsync(string method, Action<Utf8JsonWriter> write, TimeSpan timeout, CancellationToken cancel)
    {
        using var body = new MemoryStream();
        await using (var writer = new Utf8JsonWriter(body))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }
        var url = new Uri(remote.Url.ToString().TrimEnd('/') + "/collector.v1.CollectorService/" + method);
        using var limit = new CancellationTokenSource(timeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancel, limit.Token);
        using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(body.ToArray()) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.TryAddWithoutValidation("Connect-Protocol-Version", "1");
        try
        {
            using var response = await http.SendAsync(request, both.Token).ConfigureAwait(false);
            var bytes = await response.Content.ReadAsByteArrayAsync(both.Token).ConfigureAwait(false);
            if (!response.IsSuccessStatusCode) throw new FleetException($"{method}: the fleet at {remote.Url} answered {(int)response.StatusCode}{Reason(bytes)}");
            return JsonDocument.Parse(bytes.Length == 0 ? "{}"u8.ToArray() : bytes);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new FleetException($"{method}: the fleet at {remote.Url} did not answer within {timeout.TotalSeconds} s");
        }
        catch (Exception failure) when (failure is HttpRequestException or JsonException or IOException)
        {
            throw new FleetException($"{method}: the fleet at {remote.Url} cannot be asked: {failure.Message}", failure);
        }
    }

    private static string Reason(byte[] body)
    {
        try
        {
            using var error = JsonDocument.Parse(body);
            return error.RootElement.TryGetProperty("message", out var message) ? $": {message.GetString()}" : "";
        }
        catch (Exception notJson) when (notJson is JsonException or InvalidOperationException)
        {
            return "";
        }
    }
}
