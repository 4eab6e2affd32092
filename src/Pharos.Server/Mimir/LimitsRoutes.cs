using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pharos.Core;
using Pharos.Server.Configuration;
using Pharos.Server.Configuration.Ruler;
using Pharos.Server.Http;

namespace Pharos.Server.Mimir;

/// <summary>
/// The limits in use: <c>/config</c> and <c>/runtime_config</c> as YAML (<c>?mode=diff</c>: only what differs from the defaults),
/// and a tenant's own as JSON at <c>/api/v1/user_limits</c>.
/// </summary>
internal static class LimitsRoutes
{
    public static void Map(IEndpointRouteBuilder routes, TenantOverrides limits)
    {
        routes.MapGet("/config", http => AnswerAsync(http, mode => Config(mode == "defaults" ? new ServerConfig() : limits.Config, mode == "diff"), "diff", "defaults"));
        routes.MapGet("/runtime_config", http => AnswerAsync(http, mode => Runtime(limits, mode == "diff"), "diff"));
    }

    public static void MapUser(IEndpointRouteBuilder routes, ITenantLimits limits) => routes.MapGet("/api/v1/user_limits", async http =>
    {
        var allowed = limits.For(http.Tenant());
        http.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(http.Response.BodyWriter);
        json.WriteStartObject();
        foreach (var setting in LimitSettings.Told)
        {
            json.WritePropertyName(setting.Name);
            setting.WriteValue(allowed, json);
        }
        json.WriteEndObject();
    });

    /// <summary>Loki's <c>/config/tenant/v1/limits</c>: a tenant's limits as YAML.</summary>
    public static Task WriteAsync(HttpContext http, TenantLimits limits)
    {
        var text = new StringBuilder();
        WriteLimits(text, limits, null, "");
        http.Response.ContentType = "text/yaml; charset=utf-8";
        return http.Response.WriteAsync(text.ToString(), http.RequestAborted);
    }

    private static string Config(ServerConfig config, bool differing)
    {
        var standard = new ServerConfig();
        var text = new StringBuilder();
        Line("multitenancy_enabled", config.MultitenancyEnabled ? "true" : "false", config.MultitenancyEnabled != standard.MultitenancyEnabled);
        Line("external_url", Quoted(config.ExternalUrl ?? ""), config.ExternalUrl is not null);
        Line("sync", config.Sync.ToString().ToLowerInvariant(), config.Sync != standard.Sync);
        Section("tenant_federation", [("enabled", config.FederationEnabled ? "true" : "false", !config.FederationEnabled), ("max_tenants", config.FederatedTenantsMax.ToString(), config.FederatedTenantsMax != 0)]);
        var (ruler, plain, remote) = (config.Ruler, standard.Ruler, RulerRemoteWrite.Of(config.Limits));
        if (ruler.MetricRulesFolder is { } metricRules) Section("ruler_storage", [("backend", "local", true), ("local", $"{{directory: {Quoted(metricRules)}}}", true)]);
        (string, string, bool)[] storage = ruler.LogRulesFolder is { } logRules ? [("storage", $"{{type: local, local: {{directory: {Quoted(logRules)}}}}}", true)] : [];
        Section("ruler", [.. storage,
            ("poll_interval", PromDuration.Format(ruler.PollInterval), ruler.PollInterval != plain.PollInterval),
            ("enable_api", ruler.ApiEnabled ? "true" : "false", !ruler.ApiEnabled),
            ("evaluation_interval", PromDuration.Format(ruler.EvaluationInterval), ruler.EvaluationInterval != plain.EvaluationInterval),
            ("resend_delay", PromDuration.Format(ruler.ResendDelay), ruler.ResendDelay != plain.ResendDelay),
            ("for_outage_tolerance", PromDuration.Format(ruler.OutageTolerance), ruler.OutageTolerance != plain.OutageTolerance), .. ruler.AlertingShown.Select(a => (a.Key, a.Value, true)), ("tenant_federation", $"{{enabled: {(config.RulerFederationEnabled ? "true" : "false")}}}", config.RulerFederationEnabled),
            ("external_url", Quoted(ruler.ExternalUrl ?? ""), ruler.ExternalUrl is not null), ("datasource_uid", Quoted(ruler.DatasourceUid), ruler.DatasourceUid.Length > 0),
            ("remote_write", $"{{enabled: {(remote.Enabled ? "true" : "false")}, add_org_id_header: {(remote.AddOrgIdHeader ? "true" : "false")}, config_refresh_period: {PromDuration.Format(ruler.RefreshPeriod)}, clients: {ruler.ClientsShown}}}",
                remote.Enabled || ruler.ClientsShown != plain.ClientsShown || !remote.AddOrgIdHeader || ruler.RefreshPeriod != plain.RefreshPeriod),
            ("wal", $"{{dir: {Quoted(ruler.WalFolder ?? "")}, truncate_frequency: {PromDuration.Format(ruler.TruncateFrequency)}, max_age: {PromDuration.Format(ruler.AgeMax)}}}",
                ruler.WalFolder is not null || ruler.TruncateFrequency != plain.TruncateFrequency || ruler.AgeMax != plain.AgeMax),
            ("wal_cleaner", $"{{period: {PromDuration.Format(ruler.CleanerPeriod)}, min_age: {PromDuration.Format(ruler.CleanerAgeMin)}}}",
                ruler.CleanerPeriod != plain.CleanerPeriod || ruler.CleanerAgeMin != plain.CleanerAgeMin)]);
        Section("runtime_config", [("file", Quoted(config.RuntimeFile ?? ""), config.RuntimeFile is not null), ("period", PromDuration.Format(config.RuntimePeriod), config.RuntimePeriod != standard.RuntimePeriod)]);
        Section("alertmanager", [("fallback_config_file", Quoted(config.AlertmanagerFallbackFile ?? ""), config.AlertmanagerFallbackFile is not null),
            ("receivers_firewall_block_cidr_networks", Quoted(string.Join(',', config.ReceiversBlockedNetworks)), config.ReceiversBlockedNetworks.Count > 0),
            ("receivers_firewall_block_private_addresses", config.ReceiverFirewall.BlockPrivate ? "true" : "false", config.ReceiversBlockPrivate is not null)]);
        var limits = new StringBuilder();
        WriteLimits(limits, config.Limits, differing ? TenantLimits.Default : null, "  ");
        if (limits.Length > 0) text.Append("limits:\n").Append(limits);
        WriteOverrides(text, config.Overrides, differing ? config.Limits : null);
        return text.Length == 0 ? "{}\n" : text.ToString();

        void Line(string name, string value, bool differs)
        {
            if (differs || !differing) text.Append(name).Append(": ").Append(value).Append('\n');
        }

        void Section(string name, ReadOnlySpan<(string Key, string Value, bool Differs)> lines)
        {
            bool open = false;
            foreach (var (key, value, differs) in lines)
            {
                if (!differs && differing) continue;
                if (!open) text.Append(name).Append(":\n");
                open = true;
                text.Append("  ").Append(key).Append(": ").Append(value).Append('\n');
            }
        }
    }

    private static string Runtime(TenantOverrides limits, bool differing)
    {
        var text = new StringBuilder();
        WriteOverrides(text, limits.Runtime, differing ? limits.Config.Limits : null);
        return text.Length == 0 ? "overrides: {}\n" : text.ToString();
    }

    private static void WriteOverrides(StringBuilder text, IReadOnlyDictionary<TenantId, TenantLimits> overrides, TenantLimits? standard)
    {
        if (overrides.Count == 0) return;
        text.Append("overrides:\n");
        foreach (var (tenant, limits) in overrides.OrderBy(o => o.Key.Name, StringComparer.Ordinal))
        {
            var own = new StringBuilder();
            WriteLimits(own, limits, standard, "    ");
            text.Append("  ").Append(Quoted(tenant.Name)).Append(own.Length == 0 ? ": {}\n" : ":\n").Append(own);
        }
    }

    /// <param name="standard">Only what differs from these is written; null: everything.</param>
    private static void WriteLimits(StringBuilder text, TenantLimits limits, TenantLimits? standard, string indent)
    {
        foreach (var setting in LimitSettings.All)
        {
            string value = setting.ValueText(limits);
            if (standard is null || value != setting.ValueText(standard)) text.Append(indent).Append(setting.Name).Append(": ").Append(value.Length == 0 ? "\"\"" : value).Append('\n');
        }
    }

    /// <summary>As a JSON string, which YAML reads too; plain where nothing can be mistaken.</summary>
    private static string Quoted(string text) =>
        text.Length > 0 && char.IsAsciiLetter(text[0]) && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_') && text is not ("true" or "false" or "null" or "yes" or "no" or "on" or "off")
            ? text
            : JsonSerializer.Serialize(text);

    private static async Task AnswerAsync(HttpContext http, Func<string, string> text, params string[] modes)
    {
        string mode = http.Request.Query["mode"].ToString();
        bool known = mode.Length == 0 || modes.Contains(mode, StringComparer.Ordinal);
        http.Response.StatusCode = known ? StatusCodes.Status200OK : StatusCodes.Status400BadRequest;
        http.Response.ContentType = "text/plain; charset=utf-8";
        await http.Response.WriteAsync(known ? text(mode) : $"mode \"{mode}\" is not known; modes are {string.Join(", ", modes)}\n");
    }
}
