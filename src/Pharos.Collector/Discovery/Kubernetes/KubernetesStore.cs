using System.Net;
using System.Text.Json;

namespace Pharos.Collector.Discovery;

/// <summary>
/// The objects of one kind in one namespace or all: listed once, then kept by a watch. A watch that is too old for the server is
/// followed by a new list.
/// </summary>
/// <param name="path">Of the collection, for example <c>/api/v1/pods</c>.</param>
/// <param name="selector">As query parameters, each with an ampersand before it.</param>
internal sealed class KubernetesStore(DiscoveryHttp http, Uri server, string path, string selector, Watches watches)
{
    private const int PageSize = 500;

    /// <summary>The server ends a watch after this time, so that connections spread anew.</summary>
    private const int WatchSeconds = 300;

    private readonly Lock gate = new();
    private readonly Dictionary<(string Namespace, string Name), JsonElement> objects = [];
    private string version = "";

    /// <summary>All objects, in the order of their names.</summary>
    public IReadOnlyList<JsonElement> All
    {
        get
        {
            lock (gate) return [.. objects.OrderBy(o => o.Key.Namespace, StringComparer.Ordinal).ThenBy(o => o.Key.Name, StringComparer.Ordinal).Select(o => o.Value)];
        }
    }

    /// <summary>An object; of kind Undefined where there is none.</summary>
    public JsonElement Find(string space, string name)
    {
        lock (gate) return objects.GetValueOrDefault((space, name));
    }

    public async Task ListAsync(CancellationToken cancel)
    {
        var found = new Dictionary<(string, string), JsonElement>();
        string newest = "";
        string first = Url($"limit={PageSize}");
        await foreach (var page in http.PagesAsync(first, p => p.Text("metadata", "continue") is { Length: > 0 } next ? Url($"limit={PageSize}&continue={Uri.EscapeDataString(next)}") : null, cancel))
        {
            newest = page.Text("metadata", "resourceVersion");
            foreach (var item in page.Items("items")) found[Key(item)] = item;
        }
        lock (gate)
        {
            objects.Clear();
            foreach (var (key, item) in found) objects[key] = item;
            version = newest;
        }
    }

    /// <summary>Follows the changes until the server ends the watch.</summary>
    public async Task WatchAsync(CancellationToken cancel)
    {
        if (version.Length == 0)
        {
            await ListAsync(cancel);
            watches.Changed();
        }
        using var request = DiscoveryHttp.Request(HttpMethod.Get, Url($"watch=true&allowWatchBookmarks=true&resourceVersion={version}&timeoutSeconds={WatchSeconds}"));
        HttpResponseMessage response;
        try
        {
            response = await http.OpenStreamAsync(request, cancel);
        }
        catch (HttpRequestException e) when (e.StatusCode == HttpStatusCode.Gone)
        {
            version = "";
            return;
        }
        using (response)
        {
            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancel));
            while (await reader.ReadLineAsync(cancel) is { } line)
            {
                if (line.Length == 0) continue;
                using var change = JsonDocument.Parse(line);
                if (!Take(change.RootElement)) return;
            }
        }
    }

    /// <summary>False where the watch must start from a new list.</summary>
    private bool Take(JsonElement change)
    {
        var item = change.At("object");
        string type = change.Text("type");
        if (type == "ERROR")
        {
            version = "";
            // The version became too old: that is no fault.
            if (item.Number("code") == 410) return false;
            throw new DiscoveryException($"{path}: the watch ended: {item.Text("message")}");
        }
        lock (gate)
        {
            if (item.Text("metadata", "resourceVersion") is { Length: > 0 } now) version = now;
            if (type == "BOOKMARK") return true;
            if (type == "DELETED") objects.Remove(Key(item));
            else objects[Key(item)] = item.Clone();
        }
        watches.Changed();
        return true;
    }

    private string Url(string query) => $"{server.ToString().TrimEnd('/')}{path}?{query}{selector}";

    private static (string, string) Key(JsonElement item) => (item.Text("metadata", "namespace"), item.Text("metadata", "name"));
}
