using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pharos.Alerting;
using Pharos.Core;
using Pharos.Server.Http;

namespace Pharos.Server.Alertmanager;

/// <summary>
/// Alertmanager's API v2 under <c>/api/v2</c>. A listing that finds too many others running is answered 503.
/// Wrong types and missing fields are answered 4xx with <c>{code, message}</c>, all else that fails with a bare JSON text.
/// </summary>
internal sealed class AlertmanagerV2Routes : IDisposable
{
    private const string ApiVersion = "0.34.0";

    private readonly AlertRouter router;
    private readonly TimeProvider time;
    private readonly SemaphoreSlim listings;
    private readonly Core.Counter tooMany;

    private AlertmanagerV2Routes(AlertRouter router, TimeProvider time, Instruments instruments, int listingsMax)
    {
        this.router = router;
        this.time = time;
        listings = new SemaphoreSlim(listingsMax, listingsMax);
        tooMany = instruments.Counter("alertmanager_http_concurrency_limit_exceeded_total", "Total number of times an HTTP request failed because the concurrency limit was reached.", "method");
    }

    /// <param name="listingsMax">GET requests answered at the same time; 0: the number of processors, at least 8.</param>
    public static void Map(IEndpointRouteBuilder routes, AlertRouter router, TimeProvider time, Instruments instruments, int listingsMax = 0)
    {
        var v2 = new AlertmanagerV2Routes(router, time, instruments, listingsMax > 0 ? listingsMax : Math.Max(Environment.ProcessorCount, 8));
        v2.MapPath(routes, "status", ("GET", v2.StatusAsync));
        v2.MapPath(routes, "receivers", ("GET", v2.ReceiversAsync));
        v2.MapPath(routes, "alerts", ("GET", v2.AlertsAsync), ("POST", v2.PostAlertsAsync));
        v2.MapPath(routes, "alerts/groups", ("GET", v2.GroupsAsync));
        v2.MapPath(routes, "silences", ("GET", v2.SilencesAsync), ("POST", v2.PostSilenceAsync));
        v2.MapPath(routes, "silence/{silenceID}", ("GET", v2.SilenceAsync), ("DELETE", v2.DeleteSilenceAsync));
        routes.Map("/api/v2/{**rest}", http =>
            AlertmanagerReply.RefuseAsync(http, new ApiRefusal(404, 404, $"path {http.Request.PathBase}{http.Request.Path} was not found")));
    }

    public void Dispose() => listings.Dispose();

    private void MapPath(IEndpointRouteBuilder routes, string path, params (string Method, Func<HttpContext, Task> Handle)[] methods)
    {
        string allowed = string.Join(',', methods.Select(m => m.Method));
        routes.Map($"/api/v2/{path}", async http =>
        {
            string method = HttpMethods.IsHead(http.Request.Method) ? "GET" : http.Request.Method;
            if (HttpMethods.IsOptions(method))
            {
                http.Response.Headers.Allow = $"{allowed},OPTIONS";
                return;
            }
            var handle = Array.Find(methods, m => m.Method == method).Handle;
            if (handle is null)
            {
                http.Response.Headers.Allow = allowed;
                await AlertmanagerReply.RefuseAsync(http, new ApiRefusal(405, 405, $"method {method} is not allowed, but [{allowed}] are"));
                return;
            }
            await GuardAsync(http, method, handle);
        });
    }

    private async Task GuardAsync(HttpContext http, string method, Func<HttpContext, Task> handle)
    {
        bool counted = method == "GET";
        if (counted && !await listings.WaitAsync(TimeSpan.Zero, http.RequestAborted))
        {
            tooMany.With("get").Add(1);
            await AlertmanagerReply.TextAsync(http, 503, "Limit of concurrent GET requests reached, try again later.\n");
            return;
        }
        try
        {
            await handle(http);
        }
        catch (ApiRefusalException e)
        {
            await AlertmanagerReply.RefuseAsync(http, e.Refusal);
        }
        catch (FormatException e)
        {
            await AlertmanagerReply.ErrorAsync(http, 400, e.Message);
        }
        catch (Exception e) when (e is IOException or System.Data.Common.DbException or StoreUnavailableException)
        {
            await AlertmanagerReply.ErrorAsync(http, 500, e.Message);
        }
        finally
        {
            if (counted) listings.Release();
        }
    }

    private Task StatusAsync(HttpContext http) => AlertmanagerReply.JsonAsync(http, json =>
    {
        json.WriteStartObject();
        json.WriteStartObject("cluster");
        json.WriteStartArray("peers");
        json.WriteEndArray();
        json.WriteString("status", "disabled");
        json.WriteEndObject();
        json.WriteStartObject("config");
        json.WriteString("original", router.Config(http.Tenant()).MaskedText);
        json.WriteEndObject();
        json.WriteString("uptime", AlertmanagerReply.Time(router.StartedAt));
        json.WriteStartObject("versionInfo");
        json.WriteString("branch", "");
        json.WriteString("buildDate", "");
        json.WriteString("buildUser", "");
        json.WriteString("goVersion", $".NET {Environment.Version}");
        json.WriteString("revision", $"pharos-{typeof(AlertRouter).Assembly.GetName().Version?.ToString(3)}");
        // The Alertmanager release whose API this is: clients decide by it what they may ask for.
        json.WriteString("version", ApiVersion);
        json.WriteEndObject();
        json.WriteEndObject();
    });

    private async Task ReceiversAsync(HttpContext http)
    {
        var filters = AlertmanagerFilters.Read(http.Request.Query);
        var receivers = router.Config(http.Tenant()).Receivers.Where(filters.MatchesReceiver).ToList();
        await AlertmanagerReply.JsonAsync(http, json =>
        {
            json.WriteStartArray();
            foreach (var receiver in receivers)
            {
                json.WriteStartObject();
                Map(json, "labels", receiver.Labels);
                json.WriteString("name", receiver.Name);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        });
    }

    private async Task AlertsAsync(HttpContext http)
    {
        var query = http.Request.Query;
        var filters = AlertmanagerFilters.Read(query);
        bool active = AlertmanagerFilters.Flag(query, "active"), silenced = AlertmanagerFilters.Flag(query, "silenced"), inhibited = AlertmanagerFilters.Flag(query, "inhibited");
        var config = router.Config(http.Tenant());
        var alerts = router.Alerts(http.Tenant()).Where(a => Wanted(a, active, silenced, inhibited) && filters.MatchesReceivers(a.Receivers, config) && filters.Matches(a.Alert.Labels)).ToList();
        await AlertmanagerReply.JsonAsync(http, json => List(json, alerts));
    }

    private async Task GroupsAsync(HttpContext http)
    {
        var query = http.Request.Query;
        var filters = AlertmanagerFilters.Read(query);
        bool active = AlertmanagerFilters.Flag(query, "active"), silenced = AlertmanagerFilters.Flag(query, "silenced"), inhibited = AlertmanagerFilters.Flag(query, "inhibited");
        bool muted = AlertmanagerFilters.Flag(query, "muted");
        var config = router.Config(http.Tenant());
        var groups = new List<(GroupView Group, List<AlertView> Alerts)>();
        foreach (var group in router.Groups(http.Tenant()))
        {
            if (!filters.MatchesReceivers([group.Route.Receiver], config) || (!muted && group.MutedBy.Count > 0)) continue;
            var alerts = group.Alerts.Where(a => Wanted(a, active, silenced, inhibited) && filters.Matches(a.Alert.Labels)).ToList();
            if (alerts.Count > 0) groups.Add((group, alerts));
        }
        await AlertmanagerReply.JsonAsync(http, json =>
        {
            json.WriteStartArray();
            foreach (var (group, alerts) in groups)
            {
                json.WriteStartObject();
                json.WritePropertyName("alerts");
                List(json, alerts);
                Map(json, "labels", group.Labels);
                json.WriteStartObject("receiver");
                json.WriteString("name", group.Route.Receiver);
                json.WriteEndObject();
                Map(json, "routeLabels", group.RouteLabels);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        });
    }

    private async Task PostAlertsAsync(HttpContext http)
    {
        using var body = await AlertmanagerBodies.ReadAsync(http, "alerts") ?? throw new ApiRefusalException(ApiRefusal.Required("alerts"));
        var errors = router.Receive(http.Tenant(), AlertmanagerBodies.Alerts(body.RootElement));
        if (errors.Count > 0) await AlertmanagerReply.ErrorAsync(http, 400, string.Join("; ", errors));
        else http.Response.ContentLength = 0;
    }

    private async Task SilencesAsync(HttpContext http)
    {
        var query = http.Request.Query;
        var filters = AlertmanagerFilters.Read(query);
        var now = time.GetUtcNow();
        var wanted = new HashSet<SilenceState>();
        if (AlertmanagerFilters.Flag(query, "active")) wanted.Add(SilenceState.Active);
        if (AlertmanagerFilters.Flag(query, "pending")) wanted.Add(SilenceState.Pending);
        if (AlertmanagerFilters.Flag(query, "expired")) wanted.Add(SilenceState.Expired);
        var silences = router.Silences(http.Tenant()).Where(s => wanted.Contains(s.StateAt(now)) && filters.Matches(s)).ToList();
        silences.Sort((a, b) => Compare(a, b, now));
        await AlertmanagerReply.JsonAsync(http, json =>
        {
            json.WriteStartArray();
            foreach (var silence in silences) Write(json, silence, now);
            json.WriteEndArray();
        });
    }

    private async Task PostSilenceAsync(HttpContext http)
    {
        using var body = await AlertmanagerBodies.ReadAsync(http, "silence") ?? throw new ApiRefusalException(ApiRefusal.Required("silence"));
        Silence silence;
        try
        {
            silence = AlertmanagerBodies.Silence(body.RootElement);
        }
        catch (FormatException e)
        {
            throw new FormatException($"invalid silence: invalid label matcher: {e.Message}", e);
        }
        var now = time.GetUtcNow();
        if (silence.StartsAt >= silence.EndsAt)
        {
            await AlertmanagerReply.ErrorAsync(http, 400, "Failed to create silence: start time must be before end time");
            return;
        }
        if (silence.EndsAt < now)
        {
            await AlertmanagerReply.ErrorAsync(http, 400, "Failed to create silence: end time can't be in the past");
            return;
        }
        try
        {
            var stored = router.SetSilence(http.Tenant(), silence);
            await AlertmanagerReply.JsonAsync(http, json =>
            {
                json.WriteStartObject();
                json.WriteString("silenceID", stored.Id);
                json.WriteEndObject();
            });
        }
        catch (SilenceException e)
        {
            await AlertmanagerReply.ErrorAsync(http, e.NotFound ? 404 : 400, e.NotFound ? "silence not found" : e.Message);
        }
    }

    private async Task SilenceAsync(HttpContext http)
    {
        string id = Id(http);
        if (router.FindSilence(http.Tenant(), id) is { } silence) await AlertmanagerReply.JsonAsync(http, json => Write(json, silence, time.GetUtcNow()));
        else http.Response.StatusCode = 404;
    }

    private Task DeleteSilenceAsync(HttpContext http)
    {
        try
        {
            router.ExpireSilence(http.Tenant(), Id(http));
        }
        catch (SilenceException)
        {
            http.Response.StatusCode = 404;
        }
        return Task.CompletedTask;
    }

    private static string Id(HttpContext http)
    {
        string id = (string)http.Request.RouteValues["silenceID"]!;
        if (Guid.TryParseExact(id, "D", out _) || Guid.TryParseExact(id, "N", out _)) return id.ToLowerInvariant();
        throw new ApiRefusalException(ApiRefusal.Type("silenceID", "uuid", id, "path"));
    }

    private static bool Wanted(AlertView alert, bool active, bool silenced, bool inhibited)
    {
        bool isActive = alert.SilencedBy.Count + alert.InhibitedBy.Count == 0;
        return (active || !isActive) && (silenced || alert.SilencedBy.Count == 0) && (inhibited || alert.InhibitedBy.Count == 0);
    }

    /// <summary>Active ones by end, then pending ones by start, then expired ones, newest first.</summary>
    private static int Compare(Silence a, Silence b, DateTimeOffset now)
    {
        SilenceState x = a.StateAt(now), y = b.StateAt(now);
        if (x != y) return Rank(x).CompareTo(Rank(y));
        int order = x switch
        {
            SilenceState.Active => a.EndsAt.CompareTo(b.EndsAt),
            SilenceState.Pending => a.StartsAt.CompareTo(b.StartsAt),
            _ => b.EndsAt.CompareTo(a.EndsAt),
        };
        return order != 0 ? order : string.CompareOrdinal(a.Id, b.Id);

        static int Rank(SilenceState state) => state switch { SilenceState.Active => 0, SilenceState.Pending => 1, _ => 2 };
    }

    private static void List(Utf8JsonWriter json, IEnumerable<AlertView> alerts)
    {
        json.WriteStartArray();
        foreach (var view in alerts)
        {
            var alert = view.Alert;
            json.WriteStartObject();
            Map(json, "annotations", alert.Annotations);
            json.WriteString("endsAt", AlertmanagerReply.Time(alert.EndsAt));
            json.WriteString("fingerprint", alert.Fingerprint);
            json.WriteStartArray("receivers");
            foreach (string receiver in view.Receivers)
            {
                json.WriteStartObject();
                json.WriteString("name", receiver);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteString("startsAt", AlertmanagerReply.Time(alert.StartsAt));
            json.WriteStartObject("status");
            Texts(json, "inhibitedBy", view.InhibitedBy);
            Texts(json, "mutedBy", view.MutedBy);
            Texts(json, "silencedBy", view.SilencedBy);
            json.WriteString("state", view.State);
            json.WriteEndObject();
            json.WriteString("updatedAt", AlertmanagerReply.Time(alert.UpdatedAt));
            if (alert.GeneratorUrl.Length > 0) json.WriteString("generatorURL", alert.GeneratorUrl);
            Map(json, "labels", alert.Labels);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, Silence silence, DateTimeOffset now)
    {
        json.WriteStartObject();
        json.WriteString("id", silence.Id);
        json.WriteStartObject("status");
        json.WriteString("state", silence.StateAt(now).ToString().ToLowerInvariant());
        json.WriteEndObject();
        json.WriteString("updatedAt", AlertmanagerReply.Time(silence.UpdatedAt));
        Map(json, "annotations", silence.Annotations);
        json.WriteString("comment", silence.Comment);
        json.WriteString("createdBy", silence.CreatedBy);
        json.WriteString("endsAt", AlertmanagerReply.Time(silence.EndsAt));
        json.WriteStartArray("matchers");
        foreach (var matcher in silence.Matchers)
        {
            json.WriteStartObject();
            json.WriteBoolean("isEqual", matcher.Op is MatchOp.Equal or MatchOp.Regex);
            json.WriteBoolean("isRegex", matcher.Op is MatchOp.Regex or MatchOp.NotRegex);
            json.WriteString("name", matcher.Name);
            json.WriteString("value", matcher.Value);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteString("startsAt", AlertmanagerReply.Time(silence.StartsAt));
        json.WriteEndObject();
    }

    private static void Texts(Utf8JsonWriter json, string name, IEnumerable<string> texts)
    {
        json.WriteStartArray(name);
        foreach (string text in texts) json.WriteStringValue(text);
        json.WriteEndArray();
    }

    private static void Map(Utf8JsonWriter json, string name, Labels labels)
    {
        json.WriteStartObject(name);
        foreach (var (label, value) in labels) json.WriteString(label, value);
        json.WriteEndObject();
    }

    private static void Map(Utf8JsonWriter json, string name, IReadOnlyDictionary<string, string> map)
    {
        json.WriteStartObject(name);
        foreach (var (key, value) in map.OrderBy(m => m.Key, StringComparer.Ordinal)) json.WriteString(key, value);
        json.WriteEndObject();
    }
}
