using Pharos.Core;
using Pharos.Server.LocalPrometheus;

namespace Pharos.Server.Tests.LocalPrometheus;

/// <summary>HTTP client settings and clouds' ways of authentication in prometheus.yml.</summary>
public sealed class HttpClientSettingsTests
{
    [Fact]
    public void All_of_them_are_read()
    {
        var config = PrometheusConfig.Load("""
            remote_write:
            - url: https://a.example/
              round_robin_dns: true
              proxy_url: http://proxy:3128
              proxy_connect_header: {X-Tenant: [shop, other]}
              tls_config: {min_version: TLS12, max_version: TLS13}
              oauth2: {client_id: c, client_secret: s, token_url: 'https://t.example/', proxy_url: 'http://other:1', tls_config: {server_name: t}}
            - url: https://b.example/
              name: aws
              sigv4: {region: eu-west-1, access_key: k, secret_key: s, role_arn: r, service_name: es}
            - url: https://c.example/
              name: azure
              azuread: {cloud: AzureChina, workload_identity: {client_id: c, tenant_id: t, token_file_path: token}}
            - url: https://d.example/
              name: google
              google_iam: {credentials_file: g.json}
            - url: https://e.example/
              name: basic
              basic_auth: {username_file: name, password: p}
            """, "/etc/prometheus/prometheus.yml");
        var first = config.RemoteWrite[0].Http;
        Assert.True(first.RoundRobinDns);
        Assert.Equal("shop, other", first.ProxyConnectHeaders["X-Tenant"]);
        Assert.Equal(("TLS12", "TLS13"), (first.Tls!.MinVersion, first.Tls.MaxVersion));
        Assert.Equal(("http://other:1/", "t"), (first.OAuth2!.Http.ProxyUrl!.ToString(), first.OAuth2.Http.Tls!.ServerName));
        Assert.Equal(("eu-west-1", "k", "r", "es"), (config.RemoteWrite[1].Cloud!.SigV4!.Region, config.RemoteWrite[1].Cloud!.SigV4!.AccessKey, config.RemoteWrite[1].Cloud!.SigV4!.RoleArn, config.RemoteWrite[1].Cloud!.SigV4!.Service));
        Assert.Equal(("AzureChina", "WorkloadIdentity", "/etc/prometheus/token"), (config.RemoteWrite[2].Cloud!.AzureAd!.Cloud, config.RemoteWrite[2].Cloud!.AzureAd!.Method, config.RemoteWrite[2].Cloud!.AzureAd!.TokenFile));
        Assert.Equal("/etc/prometheus/g.json", config.RemoteWrite[3].Cloud!.GoogleIam!.CredentialsFile);
        Assert.Equal("/etc/prometheus/name", config.RemoteWrite[4].Http.BasicAuth!.UsernameFile);
    }

    [Theory]
    [InlineData("sigv4: {}, bearer_token: t", "/etc/prometheus.yml:1:28: at most one of basic_auth, authorization, oauth2, & sigv4 must be configured")]
    [InlineData("sigv4: {access_key: k}", "/etc/prometheus.yml:1:36: must provide a AWS SigV4 Access key and Secret Key if credentials are specified in the SigV4 config")]
    [InlineData("sigv4: {regoin: x}", "field regoin not found in sigv4; did you mean \"region\"?")]
    public void Mistakes_of_alertmanagers_are_named(string settings, string expected)
    {
        var wrong = Assert.Throws<ConfigurationException>(() => PrometheusConfig.Load($"alerting: {{alertmanagers: [{{{settings}}}]}}", "/etc/prometheus.yml"));
        Assert.Contains(wrong.Diagnostics, d => d.ToString().Contains(expected, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("basic_auth: {username: u, password: p}, sigv4: {}", "at most one of basic_auth, authorization, oauth2, sigv4, azuread & google_iam must be configured")]
    [InlineData("sigv4: {}, google_iam: {}", "at most one of basic_auth, authorization, oauth2, sigv4, azuread & google_iam must be configured")]
    [InlineData("sigv4: {access_key: k}", "must provide a AWS SigV4 Access key and Secret Key if credentials are specified in the SigV4 config")]
    [InlineData("sigv4: {regoin: x}", "regoin")]
    [InlineData("azuread: {}", "must provide an Azure Managed Identity, Azure Workload Identity, Azure OAuth or Azure SDK in the Azure AD config")]
    [InlineData("azuread: {cloud: Mars, sdk: {}}", "must provide a cloud in the Azure AD config, not \"Mars\"")]
    [InlineData("azuread: {oauth: {client_id: c, tenant_id: t}}", "must provide an Azure OAuth client_secret in the Azure AD config")]
    [InlineData("proxy_connect_header: {A: [b]}", "if proxy_connect_header is configured, proxy_url or proxy_from_environment must also be configured")]
    [InlineData("tls_config: {min_version: TLS13, max_version: TLS12}", "tls_config max_version must be greater than or equal to min_version if both are specified")]
    [InlineData("basic_auth: {username: u, username_file: f}", "at most one of basic_auth username & username_file must be configured")]
    public void Mistakes_are_named(string settings, string expected)
    {
        var wrong = Assert.Throws<ConfigurationException>(() => PrometheusConfig.Load($"remote_write: [{{url: 'http://a/', {settings}}}]", "/etc/prometheus.yml"));
        Assert.Contains(wrong.Diagnostics, d => d.ToString().Contains(expected, StringComparison.Ordinal));
    }
}
