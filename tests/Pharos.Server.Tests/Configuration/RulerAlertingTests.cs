using Pharos.Core;
using Pharos.Server.Configuration;
using Pharos.Server.Configuration.Ruler;
using Pharos.Server.Tests.Mimir;

namespace Pharos.Server.Tests.Configuration;

/// <summary>The keys of <c>ruler</c> about Alertmanagers and the limits of tenants over them.</summary>
public sealed class RulerAlertingTests
{
    [Fact]
    public void A_section_of_Loki_s_or_Mimir_s_ruler_is_read_as_a_whole()
    {
        var config = ServerConfig.Load("""
            ruler:
              alertmanager_url: https://am:9093/prefix/,dnssrvnoa+http://_web._tcp.am.example,dns+http://am.example:9093
              alertmanager_refresh_interval: 30s
              enable_alertmanager_v2: true
              notification_queue_capacity: 500
              notification_timeout: 3s
              alertmanager_client:
                tls_enabled: true
                tls_ca_path: ca.pem
                tls_server_name: am.internal
                tls_min_version: VersionTLS12
                credentials_file: token
                proxy_url: http://proxy:3128
            """, "/srv/pharos/pharos.yml");
        var read = RulerAlerting.Of(config.Limits);
        var groups = read.Groups().ToList();
        Assert.Equal((500, TimeSpan.FromSeconds(3)), (read.QueueCapacity, groups[0].Timeout));
        Assert.Equal(("https", "/prefix", "am:9093"), (groups[0].Scheme, groups[0].PathPrefix, groups[0].Discovery.Static[0][0]["__address__"]));
        Assert.Equal(["SRV _web._tcp.am.example 80 00:00:30", "A am.example 9093 00:00:30"], groups.Skip(1).Select(g =>
        {
            var dns = Assert.IsType<Collector.Discovery.DnsOptions>(Assert.Single(g.Discovery.Dynamic));
            return $"{dns.Type} {dns.Names[0]} {dns.Port} {dns.RefreshInterval}";
        }));
        var http = groups[0].Http;
        Assert.Equal(("/srv/pharos/ca.pem", "am.internal", "TLS12"), (http.Tls!.CaFile, http.Tls.ServerName, http.Tls.MinVersion));
        Assert.Equal(("Bearer", "/srv/pharos/token", "http://proxy:3128/"), (http.Authorization!.Type, http.Authorization.CredentialsFile, http.ProxyUrl!.ToString()));
    }

    [Theory]
    [InlineData("alertmanager_url: am:9093", "pharos.yml:1:27: an address is not an http or https URL with a host")]
    [InlineData("alertmanager_url: 'http://am, http://am'", "pharos.yml:1:27: an address stands here twice")]
    [InlineData("alertmanager_url: 'http://am', enable_alertmanager_discovery: true", "the host \"am\" is to be looked up as an SRV record, and is no name of one")]
    [InlineData("alertmanager_url: 'http://am', enable_alertmanager_v2: false", "alerts are sent by Alertmanager's API v2")]
    [InlineData("alertmanager_url: 'http://am', notification_timeout: 0s", "notification_timeout must be above zero")]
    [InlineData("alertmanager_url: 'http://am', alertmanager_client: {basic_auth_username: u, credentials: c}", "at most one of basic_auth_username, credentials and oauth2")]
    [InlineData("alertmanager_url: 'http://am', alertmanager_client: {tls_cert_path: c.pem}", "tls_cert_path and tls_key_path belong together")]
    [InlineData("alertmanager_url: 'http://am', alertmanager_client: {basic_auth_user: u}", "basic_auth_user")]
    [InlineData("external_labels: {__name__: x}", "\"__name__\" is not a valid label name")]
    [InlineData("alert_relabel_configs: [{action: nonsense}]", "nonsense")]
    public void Mistakes_are_named_with_their_place(string ruler, string message)
    {
        var error = Assert.Throws<ConfigurationException>(() => ServerConfig.Load($"ruler: {{{ruler}}}", "pharos.yml"));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_has_no_effect_without_an_address_is_told()
    {
        var config = ServerConfig.Load("ruler: {notification_timeout: 5s}\noverrides: {shop: {ruler_alertmanager_client_config: {credentials: c}}}\n", "pharos.yml");
        Assert.Equal(
            [
                "pharos.yml:1:31: notification_timeout has no effect without alertmanager_url: alerts go to the router in this process",
                "pharos.yml:2:54: ruler_alertmanager_client_config has no effect without alertmanager_url: alerts go to the router in this process",
            ],
            config.Warnings.Select(w => w.ToString()));
    }

    [Fact]
    public async Task What_is_configured_is_shown_without_secrets()
    {
        await using var api = await TenantApi.StartAsync("""
            multitenancy_enabled: true
            ruler: {alertmanager_url: "http://u:hunter0@all", alertmanager_client: {oauth2: {client_id: me, client_secret: hunter4, token_url: "http://t"}}}
            overrides:
              shop:
                ruler_alertmanager_config:
                  alertmanager_url: http://u:hunter1@am
                  alertmanager_client: {basic_auth_username: u, basic_auth_password: hunter2}
              lab:
                ruler_alertmanager_client_config: {alertmanager_url: "http://lab", credentials: hunter3}
            """);
        string shop = await api.GetAsync("/config/tenant/v1/limits", "shop"), lab = await api.GetAsync("/config/tenant/v1/limits", "lab");
        string all = await api.GetAsync("/config", "shop");
        Assert.DoesNotContain("hunter", shop + lab + all, StringComparison.Ordinal);
        Assert.Contains("  alertmanager_url: \"http://xxxxx@all\"\n", all, StringComparison.Ordinal);
        Assert.Contains("\"client_id\":\"me\"", all, StringComparison.Ordinal);
        Assert.True(RulerAlerting.Of(ServerConfig.Load(all, "again.yml").Limits).Sends);
        Assert.Contains("basic_auth_username", shop, StringComparison.Ordinal);
        Assert.Contains("http://lab", lab, StringComparison.Ordinal);
    }
}
