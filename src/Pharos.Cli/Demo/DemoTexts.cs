namespace Pharos.Cli.Demo;

/// <summary>The durations of a demo: the original ones, or shortened so that a person can watch.</summary>
internal sealed record DemoPace(
    string ScrapeInterval, string RuleInterval, string RateWindow, string For, string GroupWait, string GroupInterval, string Poll, TimeSpan BreakAfter, TimeSpan TrafficEvery)
{
    /// <summary>As an operator would write it: 30 s scrapes, 15 minutes before anyone is paged.</summary>
    public static DemoPace Original { get; } = new("30s", "30s", "5m", "15m", "10s", "5m", "1m", TimeSpan.FromMinutes(6), TimeSpan.FromSeconds(5));

    /// <summary>The same story inside three minutes.</summary>
    public static DemoPace Short { get; } = new("5s", "5s", "30s", "30s", "5s", "30s", "10s", TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(1));
}

/// <summary>The configuration of the demo, in the formats of the original systems; see examples/checkout for the same as files.</summary>
internal sealed record DemoTexts(DemoPace Pace, Uri Server, Uri Shop, string LogFolder, Uri Sinks, int SmtpPort)
{
    public const string Tenant = "shop";
    public const string CollectorId = "checkout-host-1";
    public const string Token = "demo-fleet-token";

    /// <summary>What stands on the collector's host; everything else comes from the fleet.</summary>
    public string Bootstrap(string passwordFile) => $$"""
        logging {
        	level = "warn"
        }

        remotecfg {
        	url            = "{{Origin(Server)}}"
        	id             = "{{CollectorId}}"
        	poll_frequency = "{{Pace.Poll}}"

        	basic_auth {
        		username      = "{{Tenant}}"
        		password_file = "{{Escape(passwordFile)}}"
        	}

        	attributes = {
        		"team"    = "payments",
        		"env"     = "prod",
        		"cluster" = "eu-1",
        		"role"    = "checkout",
        		"host"    = constants.hostname,
        	}
        }
        """;

    /// <summary>Name, contents and matchers of the fleet's pipelines.</summary>
    public IReadOnlyList<(string Name, string Contents, string[] Matchers)> Pipelines =>
    [
        ("checkout_metrics", $$"""
            prometheus.scrape "checkout" {
            	targets = [
            		{
            			"__address__" = "{{Shop.Authority}}",
            			"job"         = "checkout",
            			"cluster"     = "eu-1",
            			"namespace"   = "prod",
            			"pod"         = "checkout-0",
            		},
            	]
            	forward_to      = [prometheus.remote_write.central.receiver]
            	scrape_interval = "{{Pace.ScrapeInterval}}"
            	scrape_timeout  = "4s"
            }

            prometheus.remote_write "central" {
            	external_labels = {
            		"tenant" = "{{Tenant}}",
            	}

            	endpoint {
            		url = "{{Origin(Server)}}/api/v1/push"

            		headers = {
            			"X-Scope-OrgID" = "{{Tenant}}",
            		}

            		queue_config {
            			batch_send_deadline = "1s"
            		}
            	}
            }
            """, ["role=\"checkout\""]),
        ("checkout_logs", $$"""
            local.file_match "checkout" {
            	path_targets = [
            		{
            			"__path__" = "{{Escape(Path.Combine(LogFolder, "*.log"))}}",
            			"job"      = "checkout",
            			"pod"      = "checkout-0",
            		},
            	]
            }

            loki.source.file "checkout" {
            	targets    = local.file_match.checkout.targets
            	forward_to = [loki.process.checkout.receiver]
            }

            loki.process "checkout" {
            	forward_to = [loki.write.central.receiver]

            	stage.static_labels {
            		values = {
            			"cluster"   = "eu-1",
            			"namespace" = "prod",
            		}
            	}
            }

            loki.write "central" {
            	endpoint {
            		url       = "{{Origin(Server)}}/loki/api/v1/push"
            		tenant_id = "{{Tenant}}"
            	}
            }
            """, ["role=\"checkout\""]),
        ("host", $$"""
            prometheus.exporter.unix "host" { }

            prometheus.scrape "host" {
            	targets         = prometheus.exporter.unix.host.targets
            	forward_to      = [prometheus.remote_write.host.receiver]
            	scrape_interval = "{{Pace.ScrapeInterval}}"
            	scrape_timeout  = "4s"
            }

            prometheus.remote_write "host" {
            	endpoint {
            		url = "{{Origin(Server)}}/api/v1/push"

            		headers = {
            			"X-Scope-OrgID" = "{{Tenant}}",
            		}

            		queue_config {
            			batch_send_deadline = "1s"
            		}
            	}
            }

            local.file_match "host" {
            	path_targets = [
            		{
            			"__path__"  = "/var/log/*.log",
            			"job"       = "host",
            			"cluster"   = "eu-1",
            			"namespace" = "host",
            		},
            	]
            }

            loki.source.file "host" {
            	targets    = local.file_match.host.targets
            	forward_to = [loki.write.host.receiver]
            }

            loki.write "host" {
            	endpoint {
            		url       = "{{Origin(Server)}}/loki/api/v1/push"
            		tenant_id = "{{Tenant}}"
            	}
            }
            """, ["env=\"prod\""]),
    ];

    /// <summary>One group for the Mimir ruler API.</summary>
    public string MetricRules => $$$"""
        name: checkout-global
        interval: {{{Pace.RuleInterval}}}
        rules:
          - record: job:http_requests:rate5m
            expr: sum by (tenant, cluster, job, status) (rate(http_requests_total[{{{Pace.RateWindow}}}]))
          - alert: CheckoutErrors
            expr: |
              sum by (cluster, job) (job:http_requests:rate5m{job="checkout", status=~"5.."})
                /
              sum by (cluster, job) (job:http_requests:rate5m{job="checkout"})
                > 0.05
            for: {{{Pace.For}}}
            labels: {severity: critical, team: payments, service: checkout, env: prod, cause: root}
            annotations:
              summary: '{{ $value | humanizePercentage }} of checkout requests in {{ $labels.cluster }} answer 5xx'
              runbook_url: https://runbooks.example/checkout-errors
          - alert: CheckoutSlow
            expr: histogram_quantile(0.95, sum by (le, cluster, job) (rate(http_request_duration_seconds_bucket{job="checkout"}[{{{Pace.RateWindow}}}]))) > 0.5
            for: {{{Pace.For}}}
            labels: {severity: warning, team: payments, service: checkout, env: prod, cause: symptom}
            annotations:
              summary: '95 % of checkout requests in {{ $labels.cluster }} take up to {{ $value | humanizeDuration }}'
        """;

    /// <summary>One group for the Loki ruler API.</summary>
    public string LogRules => $$$"""
        name: checkout-logs
        interval: {{{Pace.RuleInterval}}}
        rules:
          - alert: CredentialsInLogs
            expr: sum by (cluster, namespace, pod) (count_over_time({namespace="prod"} |~ "http(s?)://[^ ]+:[^ ]+@" [5m])) > 0
            labels: {severity: critical, team: security, service: checkout, env: prod}
            annotations:
              summary: '{{ $labels.pod }} writes URLs with credentials into its log'
          - alert: CheckoutPanic
            expr: sum by (cluster, namespace, pod) (count_over_time({namespace="prod", job="checkout"} |= "panic:" [5m])) > 0
            labels: {severity: critical, team: payments, service: checkout, env: prod}
            annotations:
              summary: '{{ $labels.pod }} panicked {{ $value }} times within five minutes'
          - record: job:log_lines:rate5m
            expr: sum by (cluster, job) (rate({namespace="prod"}[5m]))
        """;

    /// <summary>The tenant's alert routing, for POST /api/v1/alerts.</summary>
    public string AlertRouting => $$$"""
        template_files:
          shop.tmpl: |
            {{ define "shop.title" }}[{{ .Status | toUpper }}{{ if eq .Status "firing" }}:{{ .Alerts.Firing | len }}{{ end }}] {{ .GroupLabels.SortedPairs.Values | join " " }}{{ end }}
            {{ define "shop.text" }}{{ range .Alerts }}{{ .Status }}: {{ .Annotations.summary }}
            {{ range .Labels.SortedPairs }} - {{ .Name }} = {{ .Value }}
            {{ end }}{{ end }}{{ end }}
        alertmanager_config: |
          global:
            resolve_timeout: 5m
            slack_api_url: {{{Origin(Sinks)}}}/slack
            smtp_smarthost: 127.0.0.1:{{{SmtpPort}}}
            smtp_from: pharos@shop.example
            smtp_require_tls: false
          templates: [shop.tmpl]
          route:
            receiver: default
            group_by: [alertname, cluster, service]
            group_wait: {{{Pace.GroupWait}}}
            group_interval: {{{Pace.GroupInterval}}}
            repeat_interval: 4h
            routes:
              - matchers: [team="security"]
                receiver: security-mail
              - matchers: [team="payments", env="prod", severity="critical"]
                receiver: payments-page
              - matchers: [team="payments"]
                receiver: payments-chat
          inhibit_rules:
            - name: root-cause-over-symptom
              source_matchers: [cause="root"]
              target_matchers: [cause="symptom"]
              equal: [cluster, service]
          receivers:
            - name: default
              webhook_configs:
                - url: {{{Origin(Sinks)}}}/webhook
            - name: payments-page
              pagerduty_configs:
                - routing_key: 0123456789abcdef0123456789abcdef
                  url: {{{Origin(Sinks)}}}/pagerduty
                  description: '{{ template "shop.title" . }}'
                  severity: '{{ if .CommonLabels.severity }}{{ .CommonLabels.severity }}{{ else }}error{{ end }}'
              slack_configs:
                - channel: '#payments'
                  send_resolved: true
                  title: '{{ template "shop.title" . }}'
                  text: '{{ template "shop.text" . }}'
            - name: payments-chat
              slack_configs:
                - channel: '#payments'
                  send_resolved: true
                  title: '{{ template "shop.title" . }}'
                  text: '{{ template "shop.text" . }}'
            - name: security-mail
              email_configs:
                - to: security@shop.example
                  send_resolved: true
                  headers:
                    Subject: '{{ template "shop.title" . }}'
                  text: '{{ template "shop.text" . }}'
        """;

    private static string Origin(Uri uri) => uri.GetLeftPart(UriPartial.Authority);

    private static string Escape(string path) => path.Replace("\\", "\\\\", StringComparison.Ordinal);
}
