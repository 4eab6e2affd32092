using System.Diagnostics;
using Pharos.Core;

namespace Pharos.Alerting.Tests;

/// <summary>The same verdict on a configuration as the real amtool.</summary>
public sealed class PeerConfigTests
{
    private const string Tail = "\nreceivers: [{name: ops}, {name: b}]\n";

    private static readonly string[] Configurations =
    [
        "route: {receiver: ops}" + Tail,
        "route: {receiver: ops, foo: bar}" + Tail,
        "route: {receiver: nobody}" + Tail,
        "route: {group_by: [a]}" + Tail,
        "receivers: [{name: ops}]",
        "route: {receiver: ops, match: {a: b}}" + Tail,
        "route: {receiver: ops, continue: true}" + Tail,
        "route: {receiver: ops, group_by: [a, a]}" + Tail,
        "route: {receiver: ops, group_by: ['...', a]}" + Tail,
        "route: {receiver: ops, group_interval: 0s}" + Tail,
        "route: {receiver: ops, repeat_interval: 0}" + Tail,
        "route: {receiver: ops, group_wait: 0s}" + Tail,
        "route: {receiver: ops, group_wait: 1}" + Tail,
        "route: {receiver: ops, mute_time_intervals: [x]}" + Tail,
        "route: {receiver: ops, routes: [{mute_time_intervals: [x]}]}" + Tail,
        "route: {receiver: ops, routes: [{matchers: ['a=b', 'c=~\"[\"']}]}" + Tail,
        "route: {receiver: ops, routes: [{matchers: ['a=b,c=d', '{e!=f}']}]}" + Tail,
        "route: {receiver: ops, routes: [{matchers: ['a']}]}" + Tail,
        "route: {receiver: ops, routes: [{match_re: {a: '('}}]}" + Tail,
        "route: {receiver: ops, routes: [{match: {a: 1}}]}" + Tail,
        "route: {receiver: ops}\nreceivers: [{name: ops}, {name: ops}]",
        "route: {receiver: ops}\nreceivers: [{name: ops}, {}]",
        "route: {receiver: ops}\nglobal: {resolve_timeout: x}" + Tail,
        "route: {receiver: ops}\nglobal: {smtp_smarthost: nohost}" + Tail,
        "route: {receiver: ops}\nglobal: {pagerduty_url: 'ftp://x'}" + Tail,
        "route: {receiver: ops}\nglobal: {http_config: {basic_auth: {username: a}, authorization: {credentials: b}}}" + Tail,
        "route: {receiver: ops}\nglobal: {http_config: {no_proxy: a}}" + Tail,
        "route: {receiver: ops}\nglobal: {http_config: {tls_config: {min_version: TLS9}}}" + Tail,
        "route: {receiver: ops}\nreceivers: [{name: ops, webhook_configs: [{}]}]",
        "route: {receiver: ops}\nreceivers: [{name: ops, webhook_configs: [{url: 'http://x', url_file: y}]}]",
        "route: {receiver: ops}\nreceivers: [{name: ops, webhook_configs: [{url: 'x'}]}]",
        "route: {receiver: ops}\nreceivers: [{name: ops, webhook_configs: [{url: 'http://x', send_resolved: maybe}]}]",
        "route: {receiver: ops}\nreceivers: [{name: ops, webhook_configs: [{url: 'http://x', max_alerts: -1}]}]",
        "route: {receiver: ops}\nreceivers: [{name: ops, pagerduty_configs: [{}]}]",
        "route: {receiver: ops}\nreceivers: [{name: ops, pagerduty_configs: [{routing_key: a, service_key: b}]}]",
        "route: {receiver: ops}\nreceivers: [{name: ops, email_configs: [{to: a@b.c}]}]",
        "route: {receiver: ops}\nreceivers: [{name: ops, email_configs: [{from: x@y.z, smarthost: 'h:25'}]}]",
        "route: {receiver: ops}\nreceivers: [{name: ops, email_configs: [{to: a@b.c, from: x@y.z, smarthost: 'h:25', headers: {subject: a, SUBJECT: b}}]}]",
        "route: {receiver: ops}\nreceivers: [{name: ops, slack_configs: [{api_url: 'http://x', fields: [{title: a}]}]}]",
        "route: {receiver: ops}\nreceivers: [{name: ops, slack_configs: [{api_url: 'http://x', actions: [{type: a, text: b}]}]}]",
        "route: {receiver: ops}\nreceivers: [{name: ops, opsgenie_configs: [{api_key: a, responders: [{type: team}]}]}]",
        "route: {receiver: ops}\nreceivers: [{name: ops, opsgenie_configs: [{api_key: a, responders: [{name: x, type: nope}]}]}]",
        "route: {receiver: ops}\nreceivers: [{name: ops, pushover_configs: [{token: a}]}]",
        "route: {receiver: ops}\nreceivers: [{name: ops, pushover_configs: [{token: a, user_key: b, html: true, monospace: true}]}]",
        "route: {receiver: ops}\nreceivers: [{name: ops, victorops_configs: [{api_key: a}]}]",
        "route: {receiver: ops}\nreceivers: [{name: ops, victorops_configs: [{api_key: a, routing_key: r, custom_fields: {entity_id: x}}]}]",
        "route: {receiver: ops}\nreceivers: [{name: ops, telegram_configs: [{bot_token: a, chat_id: 1, parse_mode: nope}]}]",
        "route: {receiver: ops}\nreceivers: [{name: ops, telegram_configs: [{bot_token: a}]}]",
        "route: {receiver: ops}\nreceivers: [{name: ops, webex_configs: [{room_id: a}]}]",
        "route: {receiver: ops}\nreceivers: [{name: ops, discord_configs: [{}]}]",
        "route: {receiver: ops}\nreceivers: [{name: ops, msteams_configs: [{webhook_url: 'http://x'}], msteamsv2_configs: [{webhook_url: 'http://x'}]}]",
        "route: {receiver: ops}\nreceivers: [{name: ops, jira_configs: [{api_url: 'http://x', project: P}]}]",
        "route: {receiver: ops}\nreceivers: [{name: ops, jira_configs: [{api_url: 'http://x', project: P, issue_type: T, summary: {template: a, enable_update: false}}]}]",
        "route: {receiver: ops}\nreceivers: [{name: ops, incidentio_configs: [{url: 'http://x'}]}]",
        "route: {receiver: ops}\nreceivers: [{name: ops, wechat_configs: [{api_secret: a}]}]",
        "route: {receiver: ops}\nreceivers: [{name: ops, sns_configs: [{topic_arn: a, target_arn: b}]}]",
        "route: {receiver: ops}\ninhibit_rules: [{source_matchers: [a=b], target_matchers: [c=d], equal: [e]}]" + Tail,
        "route: {receiver: ops}\ninhibit_rules: [{source_match: {a: b}, target_match_re: {c: 'd.*'}, equal: ['']}]" + Tail,
        "route: {receiver: ops}\ninhibit_rules: [{sources: []}]" + Tail,
        "route: {receiver: ops}\ntime_intervals: [{name: a, time_intervals: [{weekdays: ['monday:friday'], times: [{start_time: '08:00', end_time: '24:00'}]}]}]" + Tail,
        "route: {receiver: ops}\ntime_intervals: [{name: a, time_intervals: [{times: [{start_time: '08:00', end_time: '07:00'}]}]}]" + Tail,
        "route: {receiver: ops}\ntime_intervals: [{name: a, time_intervals: [{times: [{start_time: '8:00', end_time: '09:00'}]}]}]" + Tail,
        "route: {receiver: ops}\ntime_intervals: [{name: a, time_intervals: [{weekdays: ['1']}]}]" + Tail,
        "route: {receiver: ops}\ntime_intervals: [{name: a, time_intervals: [{days_of_month: ['-1:1']}]}]" + Tail,
        "route: {receiver: ops}\ntime_intervals: [{name: a, time_intervals: [{days_of_month: ['5:-5', '31']}]}]" + Tail,
        "route: {receiver: ops}\ntime_intervals: [{name: a, time_intervals: [{days_of_month: ['32']}]}]" + Tail,
        "route: {receiver: ops}\ntime_intervals: [{name: a, time_intervals: [{months: ['december:january']}]}]" + Tail,
        "route: {receiver: ops}\ntime_intervals: [{name: a, time_intervals: [{months: ['13']}]}]" + Tail,
        "route: {receiver: ops}\ntime_intervals: [{name: a, time_intervals: [{years: ['2020:2021', '2030']}]}]" + Tail,
        "route: {receiver: ops}\ntime_intervals: [{name: a, time_intervals: [{location: Nowhere/Else}]}]" + Tail,
        "route: {receiver: ops}\ntime_intervals: [{name: a, time_intervals: []}]\nmute_time_intervals: [{name: a, time_intervals: []}]" + Tail,
        "route: {receiver: ops}\ntime_intervals: [{time_intervals: []}]" + Tail,
        "route: {receiver: ops, group_by: a}" + Tail,
        "route:\n  receiver: ops\n  receiver: b" + Tail,
        "route: {receiver: ops}\nglobal:\n" + Tail,
        "route: {receiver: ops}\nreceivers: [{name: ops, labels: {a: b}}]",
        "",
        "- a",
        "a: [",
    ];

    [Fact]
    public async Task Every_verdict_is_amtools()
    {
        using var folder = Places.NewFolder();
        var files = Configurations.Select((text, i) =>
        {
            string file = Path.Combine(folder, $"{i}.yml");
            File.WriteAllText(file, text);
            return file;
        }).ToList();
        var differences = new List<string>();
        foreach (string file in files)
        {
            using var amtool = Process.Start(new ProcessStartInfo(Places.Program("amtool"), ["check-config", file]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var errors = amtool.StandardError.ReadToEndAsync();
            string output = await amtool.StandardOutput.ReadToEndAsync();
            await amtool.WaitForExitAsync();
            string text = await File.ReadAllTextAsync(file), ours = "accepted";
            try
            {
                AlertmanagerConfig.Load(text, file);
            }
            catch (ConfigurationException e)
            {
                ours = $"rejected: {e.Message}";
            }
            if ((amtool.ExitCode == 0) != (ours == "accepted")) differences.Add($"{text.Trim()}\n  amtool: {output.Trim()} {await errors}\n  ours: {ours}");
        }
        Assert.True(differences.Count == 0, string.Join('\n', differences));
    }
}
