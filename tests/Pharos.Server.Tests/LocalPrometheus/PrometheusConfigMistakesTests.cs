using Pharos.Core;
using Pharos.Server.LocalPrometheus;

namespace Pharos.Server.Tests.LocalPrometheus;

public sealed class PrometheusConfigMistakesTests
{
    [Fact]
    public void No_secret_is_in_the_text_that_is_shown()
    {
        var config = PrometheusConfig.Load("""
            scrape_configs:
              - job_name: a # stays
                basic_auth: {username: ann, password: hidden1}
                tls_config: {cert: c, key: "hidden2"}
                http_headers: {x: {values: [v], secrets: [hidden3]}}
                consul_sd_configs: [{server: "c:8500", token: hidden4}]
              - job_name: b
                authorization:
                  credentials: |
                    hidden5
                proxy_url: http://u:hidden6@proxy/
              - job_name: c
                oauth2: {client_id: i, client_secret: 'hidden7', token_url: "http://t"}
              - job_name: d
                bearer_token: hidden8
            remote_write:
              - url: http://u:hidden9@host/push
                proxy_url: http://proxy/
                proxy_connect_header: {Proxy-Authorization: [hidden10], X-Other: ["hidden11", hidden12]}
            alerting:
              alertmanagers: [{sigv4: {access_key: k, secret_key: hidden13}}]
            """, "/etc/prometheus.yml");
        Assert.DoesNotContain("hidden", config.ShownText, StringComparison.Ordinal);
        Assert.Contains("- job_name: a # stays\n    basic_auth: {username: ann, password: <secret>}\n", config.ShownText, StringComparison.Ordinal);
        Assert.Equal(13, config.ShownText.Split("<secret>").Length - 1);
        Assert.Equal("hidden1", config.ScrapeJobs[0].Http.BasicAuth!.Password);
    }

    [Fact]
    public void Each_mistake_stands_at_the_value_that_is_wrong()
    {
        var e = Assert.Throws<ConfigurationException>(() => new PrometheusConfigReader("/etc/prometheus.yml", agent: false).Read("""
            global:
              scrape_interval: 15s
              scrape_timeout: 30s
            scrape_configs:
              - job_name: a
                scheme: ftp
                metrics_pth: /m
                basic_auth: {username_file: u, username: v}
              - job_name:
            remote_write:
              - url: ""
            """));
        Assert.Equal(
            [
                "/etc/prometheus.yml:3:19: global scrape timeout greater than scrape interval",
                "/etc/prometheus.yml:6:13: scheme ftp is neither http nor https",
                "/etc/prometheus.yml:7:5: field metrics_pth not found in scrape_configs; did you mean \"metrics_path\"?",
                "/etc/prometheus.yml:8:17: at most one of basic_auth username & username_file must be configured",
                "/etc/prometheus.yml:9:5: job_name is empty",
                "/etc/prometheus.yml:11:5: url for remote_write is empty",
            ],
            e.Diagnostics.OrderBy(d => d.Position.Line).Select(d => d.ToString()));
    }

    [Theory]
    [InlineData("scrape_configs: [{job_name: a, sample_limit: 2147483648}]", "1:46: sample_limit must be at most 2147483647")]
    [InlineData("scrape_configs: [{job_name: a, native_histogram_bucket_limit: 4294967297}]", "1:63: native_histogram_bucket_limit must be at most 2147483647")]
    [InlineData("global: {label_limit: 4294967296}", "1:23: label_limit must be at most 2147483647")]
    [InlineData("remote_write: [{url: 'http://a', queue_config: {capacity: 4294967297}}]", "1:59: capacity must be at most 2147483647")]
    [InlineData("remote_write: [{url: 'http://a', queue_config: {max_shards: 0}}]", "1:61: max_shards must be at least 1")]
    [InlineData("scrape_configs: [{job_name: a, ec2_sd_configs: [{region: r, port: 4294967376}]}]", "1:67: port must be at most 2147483647")]
    public void Numbers_of_more_than_32_bits_are_mistakes_at_their_place(string text, string expected)
    {
        var e = Assert.Throws<ConfigurationException>(() => PrometheusConfig.Load(text, "/etc/prometheus.yml"));
        Assert.Equal(["/etc/prometheus.yml:" + expected], e.Diagnostics.Select(d => d.ToString()));
    }
}
