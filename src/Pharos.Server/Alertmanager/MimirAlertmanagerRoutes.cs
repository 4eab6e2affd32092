using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pharos.Alerting;
using Pharos.Core;
using Pharos.Server.Http;
using Pharos.Yaml;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Pharos.Server.Alertmanager;

/// <summary>
/// A tenant's Alertmanager configuration as Mimir serves it: GET, POST and DELETE on <c>/api/v1/alerts</c>, and the operator's
/// <c>/multitenant_alertmanager/*</c>.
/// </summary>
internal static class MimirAlertmanagerRoutes
{
    private const int BodyBytesMax = 8 << 20;

    /// <param name="configPath">Where the configuration lives; another path where this one is taken by the query API.</param>
    public static void Map(IEndpointRouteBuilder routes, AlertRouter router, string configPath = "/api/v1/alerts")
    {
        routes.MapGet(configPath, http => GetAsync(http, router));
        routes.MapPost(configPath, http => PostAsync(http, router));
        routes.MapDelete(configPath, http => DeleteAsync(http, router));
        routes.MapGet("/multitenant_alertmanager/configs", http => ConfigsAsync(http, router));
        routes.MapGet("/multitenant_alertmanager/status", http => AlertmanagerReply.TextAsync(http, 200,
            $"{router.ConfiguredTenants().Count} tenants with a configuration of their own\n"));
        routes.MapPost("/multitenant_alertmanager/delete_tenant_config", http => DeleteAsync(http, router));
    }

    private static Task GetAsync(HttpContext http, AlertRouter router)
    {
        if (router.StoredConfig(http.Tenant()) is not { } config)
            return AlertmanagerReply.TextAsync(http, 404, "alertmanager storage object not found\n");
        return YamlAsync(http, Write(config));
    }

    private static async Task PostAsync(HttpContext http, AlertRouter router)
    {
        using var body = await PooledBody.ReadAsync(http, BodyBytesMax, http.RequestAborted);
        if (body is null)
        {
            await AlertmanagerReply.TextAsync(http, 413, $"the configuration is larger than {BodyBytesMax} bytes\n");
            return;
        }
        try
        {
            router.StoreConfig(http.Tenant(), Read(Encoding.UTF8.GetString(body.Memory.Span)));
            http.Response.StatusCode = 201;
        }
        catch (FormatException e)
        {
            await AlertmanagerReply.TextAsync(http, 400, $"error unmarshalling Alertmanager configuration: {e.Message}\n");
        }
        catch (ConfigurationException e)
        {
            await AlertmanagerReply.TextAsync(http, 400, $"error validating Alertmanager config: {e.Message}\n");
        }
    }

    private static Task DeleteAsync(HttpContext http, AlertRouter router)
    {
        router.DeleteConfig(http.Tenant());
        return Task.CompletedTask;
    }

    private static Task ConfigsAsync(HttpContext http, AlertRouter router)
    {
        // Who asks may be any tenant: secrets of the others are hidden.
        var text = new StringBuilder();
        foreach (string name in router.ConfiguredTenants())
        {
            if (!TenantId.TryParse(name, out var tenant, out _) || router.StoredConfig(tenant) is not { } config) continue;
            text.Append(name).Append(":\n");
            foreach (string line in Write(config with { Text = router.Config(tenant).MaskedText }).Split('\n', StringSplitOptions.RemoveEmptyEntries)) text.Append("  ").Append(line).Append('\n');
        }
        return YamlAsync(http, text.Length == 0 ? "{}\n" : text.ToString());
    }

    /// <exception cref="FormatException">Not the document that is wanted.</exception>
    private static TenantConfig Read(string yaml)
    {
        var reading = new YamlReading(yaml, "");
        var root = reading.Section("the body");
        string text = root.Text("alertmanager_config");
        var templates = root.TextMap("template_files");
        root.Done();
        if (reading.HasErrors) throw new FormatException(string.Join('\n', reading.Findings));
        if (text.Length == 0) throw new FormatException("configuration provided is empty, if you'd like to remove your configuration please use the delete configuration endpoint");
        return new TenantConfig(text, templates);
    }

    private static string Write(TenantConfig config)
    {
        var files = new YamlMappingNode();
        foreach (var (name, text) in config.Templates) files.Add(new YamlScalarNode(name), new YamlScalarNode(text) { Style = ScalarStyle.Literal });
        var root = new YamlMappingNode
        {
            { "template_files", files },
            { "alertmanager_config", new YamlScalarNode(config.Text) { Style = ScalarStyle.Literal } },
        };
        using var yaml = new StringWriter { NewLine = "\n" };
        new YamlStream(new YamlDocument(root)).Save(yaml, assignAnchors: false);
        return yaml.ToString().Replace("\n...\n", "\n", StringComparison.Ordinal);
    }

    private static async Task YamlAsync(HttpContext http, string yaml)
    {
        http.Response.ContentType = "application/yaml";
        await http.Response.WriteAsync(yaml, http.RequestAborted);
    }
}
