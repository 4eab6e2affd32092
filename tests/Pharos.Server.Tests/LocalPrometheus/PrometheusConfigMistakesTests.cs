using Pharos.Core;
using Pharos.Server.LocalPrometheus;

namespace Pharos.Server.Tests.LocalPrometheus;

public sealed class PrometheusConfigMistakesTests
{
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
                basic_auth: {username_file: u}
              - job_name:
            remote_write:
              - url: ""
            """));
        Assert.Equal(
            [
                "/etc/prometheus.yml:3:19: global scrape timeout greater than scrape interval",
                "/etc/prometheus.yml:6:13: scheme ftp is neither http nor https",
                "/etc/prometheus.yml:7:5: field metrics_pth not found in scrape_configs; did you mean \"metrics_path\"?",
                "/etc/prometheus.yml:8:33: username_file is not supported; write the name as username",
                "/etc/prometheus.yml:9:5: job_name is empty",
                "/etc/prometheus.yml:11:5: url for remote_write is empty",
            ],
            e.Diagnostics.OrderBy(d => d.Position.Line).Select(d => d.ToString()));
    }
}
