using System.Net;
using Pharos.Collector.Syntax;

namespace Pharos.Collector.Tests.Hosting;

public sealed class CollectorHostTests
{
    [Fact]
    public async Task Metrics_go_from_the_shop_to_the_tenant()
    {
        await using var collector = new TestCollector("""
            discovery.relabel "checkout" {
            	targets = [{"__address__" = "shop:8080", "pod" = "checkout-0"}]

            	rule {
            		target_label = "cluster"
            		replacement  = "eu-1"
            	}
            }

            prometheus.scrape "checkout" {
            	targets         = discovery.relabel.checkout.output
            	forward_to      = [prometheus.relabel.keep.receiver]
            	scrape_interval = "30s"
            	job_name        = "checkout"
            }

            prometheus.relabel "keep" {
            	forward_to = [prometheus.remote_write.central.receiver]

            	rule {
            		source_labels = ["__name__"]
            		regex         = "up|checkout_.*"
            		action        = "keep"
            	}
            }

            prometheus.remote_write "central" {
            	external_labels = {"tenant" = "shop"}

            	endpoint {
            		url = "http://central/api/v1/push"

            		headers = {"X-Scope-OrgID" = "shop"}
            	}

            	wal {
            		truncate_frequency = "2h"
            	}
            }
            """);
        collector.Pages["http://shop:8080/metrics"] = "# TYPE checkout_orders_total counter\ncheckout_orders_total 42\ngo_threads 7\n";
        await collector.Host.LoadAsync(default);
        await collector.UntilAsync(() => collector.Samples.Count >= 2, "two samples");
        Assert.Equal(
        [
            "shop {__name__=\"checkout_orders_total\", cluster=\"eu-1\", instance=\"shop:8080\", job=\"checkout\", pod=\"checkout-0\", tenant=\"shop\"} 42",
            "shop {__name__=\"up\", cluster=\"eu-1\", instance=\"shop:8080\", job=\"checkout\", pod=\"checkout-0\", tenant=\"shop\"} 1",
        ], collector.Samples.Take(2).Order(StringComparer.Ordinal));
        Assert.Empty(collector.Host.Unhealthy());
        string metrics = collector.Metrics();
        Assert.Contains("alloy_prometheus_relabel_metrics_written{component_id=\"prometheus.relabel.keep\",component_path=\"/\"}", metrics, StringComparison.Ordinal);
        Assert.Contains("alloy_config_last_load_successful 1\n", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Log_lines_go_from_files_through_stages_to_the_tenant()
    {
        using var logs = Places.NewFolder();
        string file = Path.Combine(logs, "checkout.log");
        await File.WriteAllTextAsync(file, "level=info msg=\"paid\"\nlevel=debug msg=\"noise\"\n");
        await using var collector = new TestCollector($$"""
            local.file_match "checkout" {
            	path_targets = [{"__path__" = "{{logs.Path}}/*.log", "job" = "checkout"}]
            }

            loki.source.file "checkout" {
            	targets    = local.file_match.checkout.targets
            	forward_to = [loki.process.checkout.receiver]
            }

            loki.process "checkout" {
            	forward_to = [loki.relabel.drop.receiver]

            	stage.logfmt {
            		mapping = {"level" = ""}
            	}

            	stage.labels {
            		values = {"level" = ""}
            	}

            	stage.match {
            		selector = "{level=\"debug\"}"
            		action   = "drop"
            	}

            	stage.static_labels {
            		values = {"cluster" = "eu-1"}
            	}
            }

            loki.relabel "drop" {
            	forward_to = [loki.write.central.receiver]

            	rule {
            		regex  = "filename"
            		action = "labeldrop"
            	}
            }

            loki.write "central" {
            	endpoint {
            		url       = "http://central/loki/api/v1/push"
            		tenant_id = "shop"
            	}
            }
            """);
        collector.Answer = HttpStatusCode.ServiceUnavailable;
        await collector.Host.LoadAsync(default);
        await collector.UntilAsync(() => collector.Log.Contains("503", StringComparison.Ordinal), "a refused push");
        collector.Answer = HttpStatusCode.NoContent;
        await File.AppendAllTextAsync(file, "level=warn msg=\"slow\"\n");
        await collector.UntilAsync(() => collector.Lines.Count >= 2, "two lines");
        Assert.Equal(
        [
            "shop {cluster=\"eu-1\", job=\"checkout\", level=\"info\"} level=info msg=\"paid\"",
            "shop {cluster=\"eu-1\", job=\"checkout\", level=\"warn\"} level=warn msg=\"slow\"",
        ], collector.Lines);
        // A new file is found and followed.
        await File.WriteAllTextAsync(Path.Combine(logs, "second.log"), "level=info msg=\"other\"\n");
        await collector.UntilAsync(() => collector.Lines.Count >= 3, "a third line");
    }

    [Fact]
    public async Task A_configuration_that_does_not_load_leaves_the_running_one_as_it_is()
    {
        await using var collector = new TestCollector("local.file \"f\" {\n\tfilename = \"FILE\"\n}\n");
        string file = Path.Combine(collector.Folder, "content");
        await File.WriteAllTextAsync(file, "one");
        collector.Configuration = collector.Configuration.Replace("FILE", file, StringComparison.Ordinal);
        await collector.Host.LoadAsync(default);

        collector.Configuration += "\nlocal.file \"missing\" {\n\tfilename = \"/does/not/exist\"\n}\n\nprometheus.echo \"new\" { }\n";
        var wrong = await Assert.ThrowsAsync<SyntaxException>(() => collector.Host.LoadAsync(default));
        Assert.Equal("Error: main.alloy:5:1: Could not find a part of the path '/does/not/exist'.", wrong.Findings.Single().ToString());
        Assert.Equal(["local.file.f"], collector.Host.Components()!.Select(c => c.Id));

        // Every mistake is reported, not only the first.
        collector.Configuration = "prometheus.echoo \"a\" { }\nlocal.file \"f\" {\n\tfile = 1\n}\nprometheus.scrape \"s\" {\n\ttargets = []\n\tforward_to = [prometheus.echo.b.receiver]\n}\n";
        wrong = await Assert.ThrowsAsync<SyntaxException>(() => collector.Host.LoadAsync(default));
        Assert.Equal(
        [
            "Error: main.alloy:1:1: cannot find the definition of component name \"prometheus.echoo\"; did you mean prometheus.echo?",
            "Error: main.alloy:3:2: unrecognized attribute name \"file\"",
            "Error: main.alloy:2:1: missing required attribute \"filename\"",
            "Error: main.alloy:7:16: component \"prometheus.echo.b.receiver\" does not exist or is out of scope",
        ], wrong.Findings.Select(f => f.ToString()));
        Assert.Contains("alloy_config_last_load_successful 0\n", collector.Metrics(), StringComparison.Ordinal);
        Assert.Empty(collector.Host.Unhealthy());
    }

    [Fact]
    public async Task A_changed_value_reaches_what_depends_on_it_and_a_bad_one_keeps_the_last()
    {
        await using var collector = new TestCollector("""
            local.file "targets" {
            	filename = "FILE"
            }

            discovery.relabel "r" {
            	targets = encoding.from_json(local.file.targets.content)
            }

            prometheus.scrape "s" {
            	targets         = discovery.relabel.r.output
            	forward_to      = [prometheus.remote_write.w.receiver]
            	scrape_interval = "5s"
            	scrape_timeout  = "1s"
            }

            prometheus.remote_write "w" {
            	endpoint {
            		url = "http://central/api/v1/push"
            	}
            }
            """);
        string file = Path.Combine(collector.Folder, "targets.json");
        collector.Configuration = collector.Configuration.Replace("FILE", file, StringComparison.Ordinal);
        await File.WriteAllTextAsync(file, """[{"__address__": "a:1"}]""");
        collector.Pages["http://a:1/metrics"] = "x 1\n";
        collector.Pages["http://b:1/metrics"] = "x 2\n";
        await collector.Host.LoadAsync(default);
        await collector.UntilAsync(() => collector.Samples.Any(s => s.Contains("instance=\"a:1\"", StringComparison.Ordinal)), "a sample of a");
        await File.WriteAllTextAsync(file, "{ broken");
        await collector.UntilAsync(() => collector.Host.Unhealthy().Count > 0, "an unhealthy component");
        Assert.Equal("discovery.relabel.r", collector.Host.Unhealthy().Single().Id);
        Assert.StartsWith("component evaluation failed: Error: main.alloy:6:31: not valid JSON", collector.Host.Unhealthy().Single().Reason, StringComparison.Ordinal);
        await File.WriteAllTextAsync(file, """[{"__address__": "b:1"}]""");
        await collector.UntilAsync(() => collector.Samples.Any(s => s.Contains("instance=\"b:1\"", StringComparison.Ordinal)), "a sample of b");
        Assert.Empty(collector.Host.Unhealthy());
    }

    [Fact]
    public async Task Targets_are_discovered_in_files_and_on_a_web_server()
    {
        using var folder = Places.NewFolder();
        await File.WriteAllTextAsync(Path.Combine(folder, "a.json"), """[{"targets": ["a:1", "a:2"], "labels": {"env": "prod"}}]""");
        await File.WriteAllTextAsync(Path.Combine(folder, "b.yml"), "- targets: ['b:1']\n");
        await using var collector = new TestCollector($$"""
            discovery.file "f" {
            	files = ["{{folder.Path}}/*.json", "{{folder.Path}}/*.yml"]
            	refresh_interval = "10s"
            }

            discovery.http "h" {
            	url = "http://inventory/targets"
            }

            prometheus.scrape "s" {
            	targets    = array.concat(discovery.file.f.targets, discovery.http.h.targets)
            	forward_to = [prometheus.remote_write.w.receiver]
            	job_name   = "j"
            }

            prometheus.remote_write "w" {
            	endpoint {
            		url = "http://central/api/v1/push"
            	}
            }
            """);
        collector.Pages["http://inventory/targets"] = """[{"targets": ["h:1"], "labels": {"from": "inventory"}}]""";
        await collector.Host.LoadAsync(default);
        await collector.UntilAsync(() => Up().Count == 4, "four targets");
        Assert.Equal(
        [
            " {__name__=\"up\", env=\"prod\", instance=\"a:1\", job=\"j\"} 0",
            " {__name__=\"up\", env=\"prod\", instance=\"a:2\", job=\"j\"} 0",
            " {__name__=\"up\", from=\"inventory\", instance=\"h:1\", job=\"j\"} 0",
            " {__name__=\"up\", instance=\"b:1\", job=\"j\"} 0",
        ], Up());
        // A file that cannot be read keeps its targets; the others change.
        await File.WriteAllTextAsync(Path.Combine(folder, "a.json"), "[{");
        await File.WriteAllTextAsync(Path.Combine(folder, "b.yml"), "- targets: ['b:2']\n");
        await collector.UntilAsync(() => Up().Any(s => s.Contains("b:2", StringComparison.Ordinal)), "the new target");
        Assert.Equal("discovery.file.f", collector.Host.Unhealthy().Single().Id);

        List<string> Up() => [.. collector.Samples.Where(s => s.Contains("\"up\"", StringComparison.Ordinal)).Distinct().Order(StringComparer.Ordinal)];
    }

    [Fact]
    public async Task Modules_take_arguments_and_give_exports()
    {
        await using var collector = new TestCollector("""
            declare "shop" {
            	argument "address" { }

            	argument "labels" {
            		optional = true
            		default  = {"env" = "test"}
            	}

            	discovery.relabel "one" {
            		targets = [{"__address__" = argument.address.value, "env" = argument.labels.value["env"]}]
            	}

            	export "targets" {
            		value = discovery.relabel.one.output
            	}
            }

            shop "a" {
            	address = "a:1"
            }

            shop "b" {
            	address = "b:1"
            	labels  = {"env" = sys.env("SET")}
            }

            prometheus.scrape "s" {
            	targets    = array.concat(shop.a.targets, shop.b.targets)
            	forward_to = [prometheus.remote_write.w.receiver]
            }

            prometheus.remote_write "w" {
            	endpoint {
            		url = "http://central/api/v1/push"
            	}
            }
            """);
        await collector.Host.LoadAsync(default);
        await collector.UntilAsync(() => Up().Count == 2, "two targets");
        Assert.Equal(
        [
            " {__name__=\"up\", env=\"test\", instance=\"a:1\", job=\"prometheus.scrape.s\"} 0",
            " {__name__=\"up\", env=\"value\", instance=\"b:1\", job=\"prometheus.scrape.s\"} 0",
        ], Up());
        Assert.Equal(["shop.a/discovery.relabel.one"], collector.Host.Components("shop.a")!.Select(c => c.Id));

        // A reload keeps what stays and changes what changed.
        collector.Configuration = collector.Configuration.Replace("\"a:1\"", "\"c:1\"", StringComparison.Ordinal);
        await collector.Host.LoadAsync(default);
        await collector.UntilAsync(() => Up().Any(s => s.Contains("c:1", StringComparison.Ordinal)), "the new target");

        collector.Configuration = "declare \"a\" {\n\tb \"x\" { }\n}\n\ndeclare \"b\" {\n\ta \"x\" { }\n}\n\na \"x\" { }\n";
        var wrong = await Assert.ThrowsAsync<SyntaxException>(() => collector.Host.LoadAsync(default));
        Assert.Contains("module \"a\" uses itself", wrong.Message, StringComparison.Ordinal);

        List<string> Up() => [.. collector.Samples.Where(s => s.Contains("\"up\"", StringComparison.Ordinal)).Distinct().Order(StringComparer.Ordinal)];
    }

    [Theory]
    [InlineData("remotecfg {\n\turl = \"http://f\"\n\tpoll_frequency = \"5s\"\n}", "poll_frequency must be at least 10s, got 5s")]
    [InlineData("remotecfg {\n\turl = \"http://f\"\n\tattributes = {\"collector.os\" = \"x\"}\n}", "attribute \"collector.os\" starts with collector., which is reserved for the fleet; choose another name")]
    [InlineData("remotecfg {\n\turl = \"http://f\"\n\tbearer_token = \"t\"\n\tbasic_auth {\n\t\tusername = \"u\"\n\t}\n}", "at most one of basic_auth, authorization, oauth2, bearer_token and bearer_token_file may be given, not bearer_token and basic_auth")]
    [InlineData("prometheus.scrape \"s\" {\n\ttargets = []\n\tforward_to = []\n\tscrape_interval = \"1s\"\n\tscrape_timeout = \"2s\"\n}", "scrape_timeout (2s) must not be greater than scrape_interval (1s)")]
    [InlineData("prometheus.relabel \"r\" {\n\tforward_to = []\n\trule {\n\t\tregex = \"(\"\n\t\ttarget_label = \"x\"\n\t}\n}", "invalid regex")]
    [InlineData("loki.process \"p\" {\n\tforward_to = []\n\tstage.regex {\n\t\texpression = \"(\"\n\t}\n}", "regex")]
    [InlineData("prometheus.remote_write \"w\" {\n\tendpoint {\n\t\turl = \"nonsense\"\n\t}\n}", "\"nonsense\" is not an http or https URL")]
    [InlineData("otelcol.receiver.otlp \"o\" { }", "component \"otelcol.receiver.otlp\" is not supported: OTLP is not collected here")]
    [InlineData("prometheus.scrape \"s\" {\n\ttargets = []\n\tforward_to = []\n\tclustering {\n\t\tenabled = true\n\t}\n}", "block \"clustering\" is not supported")]
    public async Task What_cannot_work_is_refused_with_the_reason(string configuration, string reason)
    {
        await using var collector = new TestCollector(configuration);
        var wrong = await Assert.ThrowsAsync<SyntaxException>(() => collector.Host.LoadAsync(default));
        Assert.Contains(reason, wrong.Message, StringComparison.Ordinal);
    }
}
