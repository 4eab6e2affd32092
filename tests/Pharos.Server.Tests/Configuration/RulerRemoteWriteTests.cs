using Pharos.Core;
using Pharos.Server.Configuration;
using Pharos.Server.Configuration.Ruler;
using Pharos.Server.Tests.Mimir;

namespace Pharos.Server.Tests.Configuration;

/// <summary>ruler.remote_write and the limits of tenants over it.</summary>
public sealed class RulerRemoteWriteTests
{
    private const string Clients = """
        ruler:
          remote_write:
            enabled: true
            clients:
              mimir:
                url: http://mimir/api/v1/push
                remote_timeout: 10s
                basic_auth: {username: u, password_file: secrets/p}
                headers: {X-Key: k1}
                queue_config: {capacity: 500, max_shards: 4}
                write_relabel_configs: [{source_labels: [__name__], regex: noisy, action: drop}]
        """;

    private static readonly TenantId Shop = TenantId.Parse("shop");

    [Fact]
    public void A_tenants_config_goes_before_the_servers_key_by_key()
    {
        var config = Load(Clients + """

            overrides:
              shop:
                ruler_remote_write_config:
                  mimir:
                    url: http://shop/push
                    basic_auth: {password: hunter2}
                    headers: {X-Other: o}
                    queue_config: {capacity: 900}
                    write_relabel_configs: []
                  own:
                    url: http://own/push
              lab:
                ruler_remote_write_disabled: true
            """);
        var all = RulerRemoteWrite.Of(config.Limits);
        Assert.True(all.Sends);
        Assert.Equal(["mimir"], all.Clients.Keys);
        var shop = RulerRemoteWrite.Of(config.LimitsOf(Shop));
        Assert.Equal(["mimir", "own"], shop.Clients.Keys);
        var mimir = shop.Clients["mimir"].Target;
        Assert.Equal(("u", "hunter2", ""), (mimir.Http.BasicAuth!.Username, mimir.Http.BasicAuth.Password, mimir.Http.BasicAuth.PasswordFile));
        Assert.Equal("http://shop/push", mimir.Url.ToString());
        Assert.Equal(TimeSpan.FromSeconds(10), mimir.RemoteTimeout);
        Assert.Equal((900, 4), (mimir.Capacity, mimir.ShardsMax));
        Assert.Equal(["X-Other"], mimir.Headers.Keys);
        Assert.Empty(mimir.WriteRelabelRules);
        Assert.Single(all.Clients["mimir"].Target.WriteRelabelRules);
        Assert.Equal("http://own/push", shop.Clients["own"].Target.Url.ToString());
        Assert.False(RulerRemoteWrite.Of(config.LimitsOf(TenantId.Parse("lab"))).Sends);
    }

    [Fact]
    public void Another_way_of_authentication_takes_the_place_of_the_servers()
    {
        var config = Load(Clients + "\noverrides: {shop: {ruler_remote_write_config: {mimir: {authorization: {credentials: t}}}}}\n");
        var http = RulerRemoteWrite.Of(config.LimitsOf(Shop)).Clients["mimir"].Target.Http;
        Assert.Null(http.BasicAuth);
        Assert.Equal("t", http.Authorization!.Credentials);
    }

    [Fact]
    public void Files_are_relative_to_the_file_that_names_them()
    {
        var config = Load(Clients);
        var (runtime, _) = new ServerConfigReader("overrides: {shop: {ruler_remote_write_config: {mimir: {tls_config: {ca_file: ca.pem}}}}}", "/etc/runtime/overrides.yml").ReadRuntime(config.LimitsOf);
        var http = RulerRemoteWrite.Of(runtime[Shop]).Clients["mimir"].Target.Http;
        Assert.Equal(("/srv/pharos/secrets/p", "/etc/runtime/ca.pem"), (http.BasicAuth!.PasswordFile, http.Tls!.CaFile));
    }

    [Fact]
    public void Single_limits_hold_for_every_client_and_the_config_of_a_client_goes_before_them()
    {
        var config = Load(Clients + """

            overrides:
              shop:
                ruler_remote_write_config: {mimir: {queue_config: {min_backoff: 2s}}}
                ruler_remote_write_url: http://single/push
                ruler_remote_write_timeout: 3s
                ruler_remote_write_headers: {X-A: a}
                ruler_remote_write_relabel_configs: [{regex: pod, action: labeldrop}]
                ruler_remote_write_queue_capacity: 7
                ruler_remote_write_queue_min_shards: 2
                ruler_remote_write_queue_max_shards: 3
                ruler_remote_write_queue_max_samples_per_send: 11
                ruler_remote_write_queue_batch_send_deadline: 9s
                ruler_remote_write_queue_min_backoff: 1s
                ruler_remote_write_queue_max_backoff: 8s
                ruler_remote_write_queue_retry_on_ratelimit: true
            """);
        var target = RulerRemoteWrite.Of(config.LimitsOf(Shop)).Clients["mimir"].Target;
        Assert.Equal("http://single/push", target.Url.ToString());
        Assert.Equal((3, 9, 2, 8), (target.RemoteTimeout.TotalSeconds, target.BatchSendDeadline.TotalSeconds, target.BackoffMin.TotalSeconds, target.BackoffMax.TotalSeconds));
        Assert.Equal((7, 2, 3, 11, true), (target.Capacity, target.ShardsMin, target.ShardsMax, target.SamplesPerSendMax, target.RetryOn429));
        Assert.Equal(["X-A"], target.Headers.Keys);
        Assert.Single(target.WriteRelabelRules);
        var signed = Load("ruler: {remote_write: {enabled: true, client: {url: http://a/}}}\nlimits: {ruler_remote_write_sigv4_config: {region: r, access_key: a, secret_key: s}}\n");
        Assert.Equal(("r", "s"), RulerRemoteWrite.Of(signed.Limits).Clients["default"].Target.Cloud!.SigV4 is { } aws ? (aws.Region, aws.SecretKey) : default);
    }

    [Theory]
    [InlineData("ruler: {remote_write: {enabled: true}}", "1:33: remote write is enabled and no client is configured; name one under clients")]
    [InlineData("ruler: {remote_write: {client: {url: http://a/}, clients: {b: {url: http://b/}}}}", "1:32: both client and clients are set; write clients alone")]
    [InlineData("ruler: {remote_write: {clients: {a: {remote_timeout: 1s}}}}", "1:37: url for remote_write is empty")]
    [InlineData("ruler: {remote_write: {clients: {a: {url: http://a/, remote_timout: 1s}}}}", "1:54: field remote_timout not found in the client; did you mean \"remote_timeout\"?")]
    [InlineData("ruler: {remote_write: {clients: {a: {url: http://a/, headers: {x-scope-orgid: b}}}}}", "1:64: X-Scope-OrgID names the tenant whose rules recorded, and cannot be another; take it out; add_org_id_header says whether it is sent")]
    [InlineData("ruler: {remote_write: {config_refresh_period: 0s}}", "1:47: config_refresh_period must be above zero; write for example 10s")]
    [InlineData("ruler: {datasource_uid: u}", "1:25: datasource_uid names a data source of the Grafana at external_url, which is not set; set external_url, or take datasource_uid out")]
    [InlineData("ruler: {external_url: grafana}", "1:23: external_url \"grafana\" is not an http or https URL with a host")]
    [InlineData("ruler: {wal: {max_age: 0s}}", "1:24: max_age must be above zero; write for example 4h")]
    [InlineData("ruler: {wal: {size: 1}}", "1:15: field size not found in wal; known fields: dir, max_age, min_age, truncate_frequency")]
    [InlineData("limits: {ruler_remote_write_queue_capacity: 0}", "1:45: capacity must be at least 1")]
    [InlineData("limits: {ruler_remote_write_url: nowhere}", "1:34: url \"nowhere\" is not an http or https URL with a host")]
    [InlineData("limits: {ruler_remote_write_config: {a: {remote_timeout: 1s}}}", "1:41: url for remote_write is empty")]
    [InlineData("limits: {ruler_remote_write_config: {a: 1}}", "1:41: the client a must be a mapping of keys to values")]
    [InlineData("ruler: {remote_write: {clients: {a: {url: http://a/, queue_config: {min_shards: 5}}}}}\noverrides: {shop: {ruler_remote_write_config: {a: {queue_config: {max_shards: 2}}}}}", "2:66: min_shards (5) is greater than max_shards (2)")]
    public void A_mistake_is_refused_with_its_place(string text, string finding)
    {
        var refused = Assert.Throws<ConfigurationException>(() => Load(text));
        Assert.Equal("/srv/pharos/pharos.yml:" + finding, Assert.Single(refused.Diagnostics, d => d.Severity == Severity.Error).ToString());
    }

    [Fact]
    public void What_rules_do_not_make_is_read_with_a_warning()
    {
        var config = Load("ruler: {remote_write: {clients: {a: {url: http://a/, name: n, send_exemplars: true, metadata_config: {send: true}}}}, wal: {min_age: 5m}}");
        Assert.Equal(
            ["name has no effect: a client is named by the tenant and its id", "send_exemplars has no effect: rules make neither exemplars nor metadata",
             "metadata_config has no effect: rules make neither exemplars nor metadata", "min_age has no effect: what every client has is given back, and nothing earlier"],
            config.Warnings.Select(w => w.Message));
    }

    [Fact]
    public async Task Configuration_is_shown_without_secrets_and_can_be_read_again()
    {
        const string Config = """
            multitenancy_enabled: true
            ruler:
              remote_write:
                enabled: true
                clients:
                  mimir:
                    url: http://user:HIDDEN1@mimir/api/v1/push
                    basic_auth: {username: u, password: HIDDEN2}
                    headers: {X-Key: HIDDEN3}
                    tls_config: {cert: c, key: HIDDEN4}
            limits:
              ruler_remote_write_headers: {X-Key: HIDDEN5}
            overrides:
              shop:
                ruler_remote_write_config: {mimir: {remote_timeout: 3s, authorization: {credentials: HIDDEN6}}}
            """;
        const string Runtime = """
            overrides:
              lab:
                ruler_remote_write_config: {mimir: {oauth2: {client_id: i, client_secret: HIDDEN7, token_url: "http://t/"}}}
            """;
        await using var api = await TenantApi.StartAsync(Config, "overrides: {}\n");
        string shown = await api.GetAsync("/config");
        Assert.Contains("\"mimir\":{\"url\":\"http://xxxxx@mimir/api/v1/push\",\"basic_auth\":{\"username\":\"u\",\"password\":\"<secret>\"},\"headers\":{\"X-Key\":\"<secret>\"},\"tls_config\":{\"cert\":\"c\",\"key\":\"<secret>\"}}", shown, StringComparison.Ordinal);
        await File.WriteAllTextAsync(api.RuntimeFile, Runtime);
        Assert.Equal(200, (await api.SendAsync(HttpMethod.Post, "/-/reload")).Status);
        foreach (string path in new[] { "/config", "/config?mode=diff", "/runtime_config", "/config/tenant/v1/limits", "/metrics" })
        {
            foreach (string tenant in new[] { "shop", "lab" })
            {
                string text = await api.GetAsync(path, tenant);
                Assert.DoesNotContain("HIDDEN", text, StringComparison.Ordinal);
            }
        }
        Assert.Contains("remote_timeout", await api.GetAsync("/config/tenant/v1/limits", "shop"), StringComparison.Ordinal);
        var again = ServerConfig.Load(shown, "again.yml");
        Assert.Equal("http://xxxxx@mimir/api/v1/push", RulerRemoteWrite.Of(again.Limits).Clients["mimir"].Target.Url.ToString());
    }

    private static ServerConfig Load(string text) => ServerConfig.Load(text, "/srv/pharos/pharos.yml");
}
