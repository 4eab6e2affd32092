using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Pharos.Core;
using Pharos.Rules;
using Pharos.Server.Http;

namespace Pharos.Server.Rules;

/// <summary>
/// Stored rule groups: Mimir's ruler API for rules over metrics and Loki's for rules over logs. YAML in, YAML out:
/// GET all, a namespace or a group; POST one group into a namespace (202); DELETE a group or a namespace (202).
/// Namespaces and group names come percent-encoded and may hold any character.
/// </summary>
internal sealed class RulerConfigRoutes
{
    private const int BodyBytesMax = 8 << 20;
    private const string OverrideHeader = "X-Mimir-Ruler-Override-Namespace-Protection";

    private readonly TenantRulers rulers;
    private readonly RulePlacement placement;
    private readonly bool emptyIsNotFound;

    private RulerConfigRoutes(TenantRulers rulers, RulePlacement placement, bool emptyIsNotFound)
    {
        this.rulers = rulers;
        this.placement = placement;
        this.emptyIsNotFound = emptyIsNotFound;
    }

    /// <summary>Mimir's API: <c>/config/v1/rules</c>. Mapped under each prefix where the Prometheus API stands.</summary>
    public static void Map(IEndpointRouteBuilder routes, TenantRulers rulers) =>
        new RulerConfigRoutes(rulers, RulePlacement.Metrics, emptyIsNotFound: false).Map(routes, "/config/v1/rules");

    /// <summary>Loki's API: <c>/loki/api/v1/rules</c> and <c>/api/prom/rules</c>.</summary>
    public static void MapLogs(IEndpointRouteBuilder routes, TenantRulers rulers)
    {
        var logs = new RulerConfigRoutes(rulers, RulePlacement.Logs, emptyIsNotFound: true);
        logs.Map(routes, "/loki/api/v1/rules");
        logs.Map(routes, "/api/prom/rules");
    }

    /// <summary>Deletes all rules of a tenant: <c>POST /ruler/delete_tenant_config</c>.</summary>
    public static void MapDeleteTenant(IEndpointRouteBuilder routes, TenantRulers rulers) =>
        routes.MapPost("/ruler/delete_tenant_config", async http =>
        {
            var tenant = http.Tenant();
            rulers.Store.DeleteTenant(tenant);
            await rulers.RefreshAsync(tenant, RulePlacement.Metrics, http.RequestAborted);
            await rulers.RefreshAsync(tenant, RulePlacement.Logs, http.RequestAborted);
        });

    private void Map(IEndpointRouteBuilder routes, string path)
    {
        routes.MapGet(path, ListAsync);
        routes.MapGet(path + "/{space}", http => WithNames(http, path, 1, names => NamespaceAsync(http, names[0])));
        routes.MapGet(path + "/{space}/{group}", http => WithNames(http, path, 2, names => GroupAsync(http, names[0], names[1])));
        routes.MapPost(path + "/{space}", http => WithNames(http, path, 1, names => PutAsync(http, names[0])));
        routes.MapDelete(path + "/{space}", http => WithNames(http, path, 1, names =>
            DeleteAsync(http, names[0], () => rulers.Store.DeleteNamespace(http.Tenant(), placement, names[0]))));
        routes.MapDelete(path + "/{space}/{group}", http => WithNames(http, path, 2, names =>
            DeleteAsync(http, names[0], () => rulers.Store.Delete(http.Tenant(), placement, names[0], names[1]))));
    }

    /// <summary>The names from the target as it was sent: routing would leave an encoded slash encoded and everything else decoded.</summary>
    private static Task WithNames(HttpContext http, string path, int count, Func<string[], Task> then)
    {
        string raw = http.Features.Get<IHttpRequestFeature>()?.RawTarget ?? "";
        int question = raw.IndexOf('?');
        if (question >= 0) raw = raw[..question];
        int at = raw.IndexOf(path, StringComparison.OrdinalIgnoreCase);
        string[] names = at < 0
            ? [.. new[] { "space", "group" }.Take(count).Select(n => http.Request.RouteValues[n]?.ToString() ?? "")]
            : [.. raw[(at + path.Length)..].Trim('/').Split('/').Select(Uri.UnescapeDataString)];
        return names.Length == count ? then(names) : TextAsync(http, StatusCodes.Status404NotFound, "page not found");
    }

    private Task ListAsync(HttpContext http)
    {
        var groups = rulers.Store.List(http.Tenant(), placement);
        return groups.Count == 0 && emptyIsNotFound
            ? TextAsync(http, StatusCodes.Status404NotFound, "no rule groups found")
            : YamlAsync(http, RuleFileWriter.WriteNamespaces(groups.Select(g => (g.Namespace, g.Group))));
    }

    private Task NamespaceAsync(HttpContext http, string space)
    {
        var groups = rulers.Store.List(http.Tenant(), placement).Where(g => g.Namespace == space).ToList();
        return groups.Count == 0
            ? TextAsync(http, StatusCodes.Status404NotFound, "no rule groups found")
            : YamlAsync(http, RuleFileWriter.WriteNamespaces(groups.Select(g => (g.Namespace, g.Group))));
    }

    private Task GroupAsync(HttpContext http, string space, string group) =>
        rulers.Store.Get(http.Tenant(), placement, space, group) is { } found
            ? YamlAsync(http, RuleFileWriter.WriteGroup(found.Group))
            : TextAsync(http, StatusCodes.Status404NotFound, "group does not exist");

    private async Task PutAsync(HttpContext http, string space)
    {
        string text;
        using (var body = await PooledBody.ReadAsync(http, BodyBytesMax, http.RequestAborted))
        {
            if (body is null)
            {
                await TextAsync(http, StatusCodes.Status413PayloadTooLarge, $"the body is larger than {BodyBytesMax} bytes; split the group");
                return;
            }
            text = Encoding.UTF8.GetString(body.Span);
        }
        var tenant = http.Tenant();
        if (Protected(http, space) is { } refused)
        {
            await TextAsync(http, StatusCodes.Status403Forbidden, refused);
            return;
        }
        try
        {
            var group = RuleFileReader.ParseGroup(text, "", rulers.Reading(placement));
            rulers.Store.Put(tenant, placement, space, group);
        }
        catch (ConfigurationException e)
        {
            await TextAsync(http, StatusCodes.Status400BadRequest, e.Message);
            return;
        }
        catch (RuleStoreException e)
        {
            await TextAsync(http, StatusCodes.Status400BadRequest, e.Message);
            return;
        }
        await AcceptedAsync(http, tenant);
    }

    private Task DeleteAsync(HttpContext http, string space, Func<bool> delete)
    {
        if (Protected(http, space) is { } refused) return TextAsync(http, StatusCodes.Status403Forbidden, refused);
        return delete() ? AcceptedAsync(http, http.Tenant()) : TextAsync(http, StatusCodes.Status404NotFound, "group does not exist");
    }

    /// <summary>Why a namespace must not be changed: rules are in files, or it is protected and the request does not name it in the header; null where it may.</summary>
    private string? Protected(HttpContext http, string space)
    {
        if (rulers.Store.WhyReadOnly(placement) is { } why) return why;
        if (!rulers.Store.LimitsOf(http.Tenant()).ProtectedNamespaces.Contains(space, StringComparer.Ordinal)) return null;
        bool named = http.Request.Headers[OverrideHeader].SelectMany(h => (h ?? "").Split(',', StringSplitOptions.TrimEntries)).Contains(space, StringComparer.Ordinal);
        return named ? null : $"namespace {GoString.Quote(space)} is protected by ruler_protected_namespaces; to change it, name it in the header {OverrideHeader}";
    }

    /// <summary>The change is stored; it also runs when this answers.</summary>
    private async Task AcceptedAsync(HttpContext http, TenantId tenant)
    {
        await rulers.RefreshAsync(tenant, placement, http.RequestAborted);
        http.Response.StatusCode = StatusCodes.Status202Accepted;
        http.Response.ContentType = "application/json";
        await http.Response.WriteAsync("""{"status":"success","data":null,"errorType":"","error":""}""", http.RequestAborted);
    }

    private static async Task YamlAsync(HttpContext http, string yaml)
    {
        http.Response.ContentType = "application/yaml";
        await http.Response.WriteAsync(yaml, http.RequestAborted);
    }

    private static async Task TextAsync(HttpContext http, int status, string text)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "text/plain; charset=utf-8";
        await http.Response.WriteAsync(text + "\n", http.RequestAborted);
    }
}
