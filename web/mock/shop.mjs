// The checkout story of the mocks, generated: one service burns its error budget, the rest is quiet.

const started = Date.now() - 16 * 60_000;
const iso = (ms) => new Date(ms).toISOString();
const wave = (at, seed, size = 1) => Math.sin(at / 90_000 + seed) * 0.5 * size + Math.sin(at / 17_000 + seed * 3) * 0.2 * size;

/** A number between 0 and 1, the same for the same seed. */
function noise(seed) {
  const x = Math.sin(seed * 12.9898) * 43758.5453;
  return x - Math.floor(x);
}

export function emptyArchitecture() {
  return { at: iso(Date.now()), finding: 'Nothing has reported yet.', strip: [], nodes: [], edges: [], changes: [] };
}

export function architecture(quiet) {
  const now = Date.now();
  const rate = (base) => Math.round(base * (1 + wave(now, base % 7, 0.06)));
  const hot = quiet ? 'ok' : 'firing';
  const f = (label, value, unit = '') => ({ label, value, unit });
  return {
    at: iso(now),
    finding: quiet ? 'Everything is quiet.' : 'Checkout is burning its error budget. Everything else is quiet.',
    strip: [
      { label: 'Firing', value: quiet ? 0 : 3, unit: 'alerts', state: hot },
      { label: 'Collectors', value: 48, unit: 'of 49 reporting', state: 'nodata' },
      { label: 'Samples', value: rate(214_000), unit: 'samples/s', state: 'ok' },
      { label: 'Lines', value: rate(84_000), unit: 'lines/s', state: 'ok' },
      { label: 'Notifications failing', value: 0, unit: 'of 4 in 1 h', state: 'ok' },
      { label: 'Query p99', value: 0.42, unit: 's', state: 'ok' },
    ],
    nodes: [
      { id: 'fleet', lane: 'fleet', name: 'Fleet control', state: 'ok', reason: '48 of 48 on their pipelines', figures: [f('collectors', 48), f('pipelines', 5)], link: '/fleet' },
      { id: 'collectors/eu', lane: 'collectors', name: 'eu-west-1', state: 'ok', reason: '24 collectors report', figures: [f('collectors', 24), f('', rate(121_000), 'samples/s'), f('', rate(47_000), 'lines/s')], link: '/fleet' },
      { id: 'collectors/us', lane: 'collectors', name: 'us-east-1', state: 'ok', reason: '18 collectors report', figures: [f('collectors', 18), f('', rate(88_000), 'samples/s'), f('', rate(34_000), 'lines/s')], link: '/fleet' },
      { id: 'collectors/edge', lane: 'collectors', name: 'edge VMs', state: 'nodata', reason: '1 silent, 4 min', figures: [f('collectors', 6), f('', rate(5_000), 'samples/s')], link: '/fleet' },
      { id: 'metrics', lane: 'metrics', name: 'Metrics', state: 'ok', reason: 'nothing rejected', figures: [f('receive', 0.0031, 's'), f('series', 4_200_000), f('blocks', 1.9 * 2 ** 40, 'bytes')], link: '/explore/metrics' },
      { id: 'logs', lane: 'logs', name: 'Logs', state: 'ok', reason: 'nothing rejected', figures: [f('receive', 0.0024, 's'), f('open chunks', 12_600), f('index', 6.8 * 2 ** 30, 'bytes')], link: '/explore/logs' },
      { id: 'ruler/local', lane: 'rulers', name: 'Local rules', state: 'ok', reason: 'on time', figures: [f('rules, on time', 212)], link: '/alerting/rules' },
      { id: 'ruler/metrics', lane: 'rulers', name: 'Metrics ruler', state: hot, reason: quiet ? 'on time' : '3 firing', figures: [f('rules, on time', 1204)], link: '/alerting/rules' },
      { id: 'ruler/logs', lane: 'rulers', name: 'Logs ruler', state: 'ok', reason: 'on time', figures: [f('rules, on time', 86), f('firing, muted', 2)], link: '/alerting/rules' },
      { id: 'router', lane: 'routing', name: 'Router', state: hot, reason: quiet ? 'nothing to route' : '3 notified in 2 groups', figures: [f('alerts in', quiet ? 0 : 14), f('inhibited', 9), f('silenced', 2)], link: '/alerting' },
      { id: 'receiver/pager', lane: 'receivers', name: 'PagerDuty', state: 'ok', reason: 'delivered in 310 ms', figures: [f('page, 310 ms', 1)], link: '/alerting/notifications' },
      { id: 'receiver/slack', lane: 'receivers', name: 'Slack', state: 'ok', reason: '3 sent, 0 failed', figures: [f('sent, 0 failed', 3)], link: '/alerting/notifications' },
      { id: 'receiver/dead', lane: 'receivers', name: 'Dead-man switch', state: 'ok', reason: 'heard 40 s ago', figures: [f('per min', 1)], link: '/alerting/notifications' },
      { id: 'receiver/mail', lane: 'receivers', name: 'Email digest', state: 'nodata', reason: 'next at 08:00', figures: [f('sent today', 0)], link: '/alerting/notifications' },
    ],
    edges: [
      { id: 'e1', from: 'fleet', to: 'collectors/eu', signal: 'config', rate: 24, unit: 'polls/min', idle: false, lit: false },
      { id: 'e2', from: 'fleet', to: 'collectors/us', signal: 'config', rate: 24, unit: 'polls/min', idle: false, lit: false },
      { id: 'e3', from: 'collectors/eu', to: 'metrics', signal: 'metrics', rate: rate(121_000), unit: 'samples/s', idle: false, lit: !quiet },
      { id: 'e4', from: 'collectors/us', to: 'metrics', signal: 'metrics', rate: rate(88_000), unit: 'samples/s', idle: false, lit: false },
      { id: 'e5', from: 'collectors/eu', to: 'logs', signal: 'logs', rate: rate(84_000), unit: 'lines/s', idle: false, lit: false },
      { id: 'e6', from: 'collectors/edge', to: 'ruler/local', signal: 'metrics', rate: 12_000, unit: 'samples/s', idle: false, lit: false },
      { id: 'e7', from: 'metrics', to: 'ruler/metrics', signal: 'metrics', rate: 38, unit: 'queries/s', idle: false, lit: !quiet },
      { id: 'e7b', from: 'ruler/metrics', to: 'metrics', signal: 'metrics', rate: 210, unit: 'recorded/s', idle: false, lit: false },
      { id: 'e8', from: 'logs', to: 'ruler/logs', signal: 'logs', rate: 9, unit: 'queries/s', idle: false, lit: false },
      { id: 'e9', from: 'ruler/local', to: 'router', signal: 'alerts', rate: 9, unit: 'alerts', idle: false, lit: false },
      { id: 'e10', from: 'ruler/metrics', to: 'router', signal: 'alerts', rate: quiet ? 0 : 3, unit: 'alerts', idle: false, lit: !quiet },
      { id: 'e11', from: 'ruler/logs', to: 'router', signal: 'alerts', rate: 2, unit: 'alerts', idle: false, lit: false },
      { id: 'e12', from: 'router', to: 'receiver/pager', signal: 'notifications', rate: 1, unit: 'page', idle: quiet, lit: !quiet },
      { id: 'e13', from: 'router', to: 'receiver/slack', signal: 'notifications', rate: 3, unit: 'messages', idle: quiet, lit: !quiet },
      { id: 'e14', from: 'router', to: 'receiver/dead', signal: 'notifications', rate: 1, unit: 'beat/min', idle: false, lit: false },
      { id: 'e15', from: 'router', to: 'receiver/mail', signal: 'notifications', rate: 0, unit: 'mails', idle: true, lit: false },
    ],
    changes: [
      { at: iso(started + 30_000), kind: 'notification', text: 'Paged payments on call for CheckoutGlobalErrorBudgetBurn' },
      { at: iso(started), kind: 'alert', text: 'CheckoutGlobalErrorBudgetBurn began to fire' },
      { at: iso(started - 14 * 60_000), kind: 'config', text: 'Deployed checkout-api 2.41.0 to eu-west-1, us-east-1' },
      { at: iso(started - 25 * 60_000), kind: 'rollout', text: 'Rollout of checkout-logs v7 reached 10 %' },
      { at: iso(started - 38 * 60_000), kind: 'silence', text: 'Silenced team=search for 5 h, 2 alerts affected' },
    ],
  };
}

const burn = { alertname: 'CheckoutGlobalErrorBudgetBurn', severity: 'critical', service: 'checkout', cluster: 'global', env: 'prod', slo: 'availability-99.9', team: 'payments' };
const base = [
  [burn, 'Checkout spends its error budget 14.6 times too fast', started, [], [], ['payments-pager', 'checkout-slack']],
  [{ alertname: 'CheckoutP99Latency', severity: 'warning', service: 'checkout', cluster: 'eu-west-1', env: 'prod', team: 'payments' }, 'p99 of checkout is 3.01 s, over 1 s', started - 4 * 60_000, [], [], ['checkout-slack']],
  [{ alertname: 'PaygateTimeoutsHigh', severity: 'warning', service: 'checkout', cluster: 'eu-west-1', env: 'prod', team: 'payments' }, '46 timeouts a second from paygate', started - 6 * 60_000, [], [], ['checkout-slack']],
  [{ alertname: 'SearchIndexLag', severity: 'warning', service: 'search', cluster: 'eu-west-1', env: 'prod', team: 'search' }, 'Index is 12 min behind', started - 90 * 60_000, ['s-1'], [], ['digest']],
  [{ alertname: 'SearchQueueDepth', severity: 'info', service: 'search', cluster: 'us-east-1', env: 'prod', team: 'search' }, '<b>Queue</b> of 4 118 items', started - 80 * 60_000, ['s-1'], [], ['digest']],
  ...Array.from({ length: 9 }, (_, at) => [{ alertname: 'CheckoutPodErrors', severity: 'warning', service: 'checkout', cluster: 'eu-west-1', env: 'prod', team: 'payments', pod: `checkout-7c9d8f6b5c-x4k${at}z` }, 'More than 5 % of requests fail', started - 1_000 * at, [], ['f0'], ['checkout-slack']]),
];

function match(filter, labels) {
  const found = /^([^=!~]+)(=~|!~|!=|=)"?(.*?)"?$/.exec(filter);
  if (!found) return true;
  const value = labels[found[1]] ?? '';
  if (found[2] === '=') return value === found[3];
  if (found[2] === '!=') return value !== found[3];
  const hit = new RegExp(`^(?:${found[3]})$`).test(value);
  return found[2] === '=~' ? hit : !hit;
}

export function alerts(filters) {
  return base
    .map(([labels, summary, at, silencedBy, inhibitedBy, receivers], index) => ({
      fingerprint: `f${index}`,
      labels,
      annotations: { summary, runbook_url: 'https://runbooks.example/checkout' },
      startsAt: iso(at),
      endsAt: iso(Date.now() + 240_000),
      updatedAt: iso(Date.now() - 8_000),
      generatorURL: 'http://localhost/graph?g0.expr=up&g0.tab=1',
      receivers: receivers.map((name) => ({ name })),
      status: { state: silencedBy.length + inhibitedBy.length > 0 ? 'suppressed' : 'active', silencedBy, inhibitedBy, mutedBy: [] },
    }))
    .filter((alert) => filters.every((each) => match(each, alert.labels)));
}

export function alertGroups(filters) {
  const groups = new Map();
  for (const alert of alerts(filters)) {
    for (const receiver of alert.receivers) {
      const key = `${receiver.name} ${alert.labels.service} ${alert.labels.cluster}`;
      const group = groups.get(key) ?? { labels: { service: alert.labels.service, cluster: alert.labels.cluster }, receiver, alerts: [] };
      group.alerts.push(alert);
      groups.set(key, group);
    }
  }
  return [...groups.values()];
}

let silenceList = [
  { id: 's-1', matchers: [{ name: 'team', value: 'search', isRegex: false, isEqual: true }], startsAt: iso(started - 38 * 60_000), endsAt: iso(Date.now() + 3.5 * 3_600_000), updatedAt: iso(started - 38 * 60_000), createdBy: 'ops', comment: 'Reindex, SHOP-812', status: { state: 'active' } },
  { id: 's-2', matchers: [{ name: 'env', value: 'staging|dev', isRegex: true, isEqual: true }, { name: 'severity', value: 'critical', isRegex: false, isEqual: false }], startsAt: iso(Date.now() + 3_600_000), endsAt: iso(Date.now() + 5 * 3_600_000), updatedAt: iso(started), createdBy: 'mara', comment: 'Load test', status: { state: 'pending' } },
  { id: 's-3', matchers: [{ name: 'alertname', value: 'DiskWillFill', isRegex: false, isEqual: true }], startsAt: iso(started - 9e7), endsAt: iso(started - 8e7), updatedAt: iso(started - 8e7), createdBy: 'ops', comment: 'Disk swapped', status: { state: 'expired' } },
];
export const silences = () => silenceList;
export function addSilence(made) {
  const id = `s-${silenceList.length + 1}`;
  silenceList = [{ ...made, id, updatedAt: iso(Date.now()), status: { state: Date.parse(made.startsAt) > Date.now() ? 'pending' : 'active' } }, ...silenceList.filter((each) => each.id !== made.id)];
  return id;
}
export function expire(id) {
  const found = silenceList.find((each) => each.id === id);
  if (found) {
    found.status = { state: 'expired' };
    found.endsAt = iso(Date.now());
  }
  return found !== undefined;
}

export function groups() {
  const now = Date.now();
  const alerting = (name, query, state, extra = {}) => ({ type: 'alerting', name, query, duration: 120, keepFiringFor: 0, labels: { severity: 'warning', team: 'payments' }, annotations: { summary: '{{ $labels.service }} is slow' }, alerts: [], health: 'ok', state, evaluationTime: 0.0042, lastEvaluation: iso(now - 9_000), ...extra });
  const live = base.filter(([labels]) => labels.alertname !== 'CheckoutPodErrors');
  const instance = ([labels, summary, at], value) => ({ labels, annotations: { summary }, state: 'firing', activeAt: iso(at - 120_000), value: String(value) });
  return [
    {
      name: 'slo-checkout', file: 'shop/slo.yml', interval: 30, evaluationTime: 0.012, lastEvaluation: iso(now - 9_000), placement: 'metrics',
      rules: [
        { type: 'recording', name: 'checkout:errors:ratio_rate5m', query: 'sum(rate(http_requests_total{app="checkout-api",code=~"5.."}[5m])) / sum(rate(http_requests_total{app="checkout-api"}[5m]))', labels: {}, health: 'ok', evaluationTime: 0.003, lastEvaluation: iso(now - 9_000) },
        alerting('CheckoutGlobalErrorBudgetBurn', 'checkout:errors:ratio_rate1h > 14.4 * 0.001 and checkout:errors:ratio_rate5m > 14.4 * 0.001', 'firing', { labels: { severity: 'critical', team: 'payments' }, alerts: [instance(live[0], 0.121)] }),
        alerting('CheckoutP99Latency', 'histogram_quantile(0.99, sum by (le) (rate(checkout_latency_seconds_bucket[5m]))) > 1', 'firing', { alerts: [instance(live[1], 3.01)] }),
        alerting('PaygateTimeoutsHigh', 'sum(rate(paygate_timeouts_total[5m])) > 10', 'firing', { alerts: [instance(live[2], 46.2)] }),
      ],
    },
    {
      name: 'hosts', file: 'shop/hosts.yml', interval: 60, evaluationTime: 0.2, lastEvaluation: iso(now - 31_000), placement: 'metrics',
      rules: [
        alerting('DiskWillFill', 'predict_linear(node_filesystem_avail_bytes[6h], 4 * 3600) < 0', 'pending', { alerts: [{ labels: { alertname: 'DiskWillFill', instance: 'edge-vm-04:9100', severity: 'warning' }, annotations: {}, state: 'pending', activeAt: iso(now - 70_000), value: '-1.2e+09' }] }),
        alerting('HostDown', 'up == 0', 'inactive'),
        alerting('BrokenRule', 'rate(up)', 'inactive', { health: 'err', lastError: 'expected type range vector in call to function "rate", got instant vector' }),
      ],
    },
    { name: 'log-errors', file: 'shop/logs', interval: 60, evaluationTime: 0.031, lastEvaluation: iso(now - 20_000), placement: 'logs', rules: [alerting('PanicInLogs', 'sum by (app) (count_over_time({cluster="eu-west-1"} |= "panic" [5m])) > 0', 'inactive')] },
  ];
}

export function notifications() {
  const one = { labels: burn, annotations: { summary: 'Checkout spends its error budget 14.6 times too fast' }, status: 'firing' };
  const two = { labels: base[1][0], annotations: { summary: base[1][1] }, status: 'firing' };
  return [
    { at: iso(started + 31_000), receiver: 'payments-pager', integration: 'pagerduty', groupKey: '{}/{team="payments"}:{service="checkout"}', status: 'firing', delivered: true, error: null, reason: 'first notification of the group', alerts: [one.labels], body: '{"routing_key":"…","event_action":"trigger","payload":{"summary":"[FIRING:1] CheckoutGlobalErrorBudgetBurn"}}' },
    { at: iso(started + 31_300), receiver: 'checkout-slack', integration: 'slack', groupKey: '{}/{team="payments"}:{service="checkout"}', status: 'firing', delivered: true, error: null, reason: 'first notification of the group', alerts: [one.labels, two.labels], body: '[FIRING:2] CheckoutGlobalErrorBudgetBurn (checkout, prod)\n5xx ratio 12.1 %, burning 30 days of budget in 49 hours.' },
    { at: iso(started - 3_600_000), receiver: 'digest', integration: 'email', groupKey: '{}:{team="search"}', status: 'resolved', delivered: false, error: 'smtp: 421 4.3.2 service not available', reason: 'group resolved', alerts: [{ labels: { alertname: 'SearchIndexLag', team: 'search' }, annotations: {}, status: 'resolved' }], body: 'All clear.' },
  ];
}

export function journal(labels) {
  const events = [];
  const add = (at, step, because, detail = {}) => events.push({ at: iso(at), step: step[0].toUpperCase() + step.slice(1), labels, because, detail });
  for (let at = started - 15 * 60_000; at <= Date.now(); at += 30_000) {
    const above = at >= started - 120_000;
    add(at, 'evaluated', above ? 'the expression has a result' : 'the expression has no result', { value: above ? (0.121 + wave(at, 1, 0.01)).toFixed(4) : '', above: String(above), group: 'slo-checkout', interval: '30s' });
    if (at >= started - 120_000 && at < started - 90_000) add(at + 2, 'pending', 'waits for 2m before it fires', { for: '2m', value: '0.0146' });
    if (at >= started && at < started + 30_000) {
      add(at + 1, 'firing', 'above for 2m, the fifth evaluation in a row', { value: '0.0146', for: '2m' });
      add(at + 3, 'sent', 'state changed', { to: 'router' });
      add(at + 100, 'received', 'new alert', { fingerprint: 'f0' });
      add(at + 101, 'grouped', 'group_wait 30s holds the first send', { group: '{service="checkout", cluster="global"}', group_wait: '30s' });
      add(at + 102, 'routed', 'route 3 matches team="payments"; continue to checkout-slack', { route: '{team="payments"}', receiver: 'payments-pager, checkout-slack' });
    }
  }
  add(started + 30_800, 'notified', 'first notification of the group', { receiver: 'payments-pager', integration: 'pagerduty', status: '202', duration: '310ms' });
  add(started + 31_000, 'notified', 'first notification of the group', { receiver: 'checkout-slack', integration: 'slack', status: '200', duration: '140ms' });
  return events;
}

export const metricNames = ['http_requests_total', 'checkout_latency_seconds_bucket', 'paygate_timeouts_total', 'process_resident_memory_bytes', 'node_filesystem_avail_bytes', 'up'];

export function seriesOf(name) {
  if (name === 'up') return [{ job: 'checkout', instance: 'eu-1:8080' }, { job: 'checkout', instance: 'eu-2:8080' }];
  return [
    { app: 'checkout-api', cluster: 'eu-west-1', code: '200' },
    { app: 'checkout-api', cluster: 'eu-west-1', code: '500' },
    { app: 'checkout-api', cluster: 'us-east-1', code: '200' },
    { app: 'checkout-api', cluster: 'us-east-1', code: '500' },
    { app: 'search', cluster: 'eu-west-1', code: '200' },
    { app: 'search', cluster: 'us-east-1', code: '200', instance: '<script>alert(1)</script>' },
  ];
}

export function labelValues(name) {
  const known = { __name__: metricNames, app: ['checkout-api', 'search', 'paygate'], cluster: ['eu-west-1', 'us-east-1'], code: ['200', '500'], level: ['error', 'warn', 'info'], job: ['checkout'], instance: ['eu-1:8080', 'eu-2:8080'], pod: ['checkout-7c9d8f6b5c-x4k2z'] };
  return known[name] ?? [];
}

export function evaluate(query, start, end, step) {
  const name = metricNames.find((each) => query.includes(each));
  if (name === undefined && !/vector\(|time\(|:/.test(query)) return [];
  const sets = name === undefined ? [{}] : seriesOf(name);
  return sets.map((labels, index) => {
    const values = [];
    for (let at = start; at <= end; at += step) {
      if (index === 2 && at > start + (end - start) * 0.4 && at < start + (end - start) * 0.5) continue;
      const level = (index + 1) * 40 + (at > started - 14 * 60_000 && labels.code === '500' ? 60 : 0);
      values.push([at / 1_000, String(Math.max(0, level + wave(at, index, 30)))]);
    }
    return { metric: name === undefined || /rate|sum/.test(query) ? labels : { __name__: name, ...labels }, values };
  });
}

const levels = ['error', 'warn', 'info', 'debug'];

export function volume(start, end, step) {
  return levels.slice(0, 3).map((level, index) => {
    const values = [];
    for (let at = Math.ceil(start / step) * step; at <= end; at += step) {
      const hot = at > started - 14 * 60_000 ? 1 : 0.05;
      const count = Math.round([200 * hot, 20 * hot, 12][index] * (1 + wave(at, index, 0.2)));
      if (count > 0) values.push([at / 1_000, String(count)]);
    }
    return { metric: { level }, values };
  });
}

export function logs(query, start, end, limit, direction) {
  const wanted = /level="(\w+)"/.exec(query)?.[1];
  const streams = new Map();
  const gap = 137;
  let made = 0;
  const first = direction === 'backward' ? Math.floor(end / gap) : Math.ceil(start / gap);
  for (let at = first; made < limit; at += direction === 'backward' ? -1 : 1) {
    const ms = at * gap;
    if (ms < start || ms > end) break;
    const dice = noise(at);
    const level = dice < 0.7 ? 'error' : dice < 0.82 ? 'warn' : dice < 0.97 ? 'info' : 'debug';
    if (wanted && wanted !== level) continue;
    made += 1;
    const order = 88_000 + (at % 999);
    const line = level === 'error'
      ? dice < 0.5 ? `level=error msg="paygate charge failed: 504 after 3000 ms" order=o-${order} status=504 upstream=paygate region=eu-west-1` : JSON.stringify({ level: 'error', msg: 'POST /api/checkout', status: 502, duration: 3.02, order: `o-${order}`, user: `u-${(at % 77).toString(16)}` })
      : level === 'warn' ? 'level=warn msg="retry budget exhausted, giving up" attempts=3 upstream=paygate'
      : level === 'info' ? `level=info msg="order placed" order=o-${order} <img src=x onerror=alert(1)>`
      : '\u001b[36mDEBUG\u001b[0m cart lock held=3.4s';
    const stream = { app: 'checkout-api', cluster: dice < 0.68 ? 'eu-west-1' : 'us-east-1', level, pod: `checkout-7c9d8f6b5c-x4k${at % 3}z` };
    const key = JSON.stringify(stream);
    const entry = streams.get(key) ?? { stream, values: [] };
    entry.values.push([`${ms}${String(at % 1_000_000).padStart(6, '0')}`, line]);
    streams.set(key, entry);
  }
  return [...streams.values()];
}

const everyCollector = Array.from({ length: 48 }, (_, at) => {
  const eu = at < 24;
  const edge = at >= 42;
  const silent = at === 45;
  return {
    id: edge ? `edge-vm-0${at - 41}` : `k8s-${eu ? 'euw1' : 'use1'}-${'abc'[at % 3]}-${String(at % 24).padStart(2, '0')}`,
    name: '',
    createdAt: iso(started - 9e8),
    updatedAt: iso(started - 9e8),
    enabled: at !== 47,
    remoteAttributes: edge ? { site: at % 2 ? 'lyon' : 'porto' } : { cluster: eu ? 'eu-west-1' : 'us-east-1', role: 'node' },
    localAttributes: { 'collector.os': edge ? 'windows' : 'linux', 'collector.version': at === 9 ? 'v1.3.2' : 'v1.4.0' },
    collectorType: 'COLLECTOR_TYPE_ALLOY',
    ...(silent ? { markedInactiveAt: iso(started) } : {}),
    };
});

export const collectors = () => everyCollector;
export const collectorStates = () =>
  everyCollector.map((each, at) => ({
    id: each.id,
    health: at === 45 ? 'inactive' : at === 44 ? 'unresponsive' : at === 7 ? 'configurationError' : at === 9 ? 'stalled' : 'healthy',
    lastSeenAt: iso(Date.now() - (at === 44 ? 240_000 : (at % 30) * 1_000)),
    pipelines: ['checkout_logs', 'host_metrics'].slice(at >= 42 ? 1 : 0),
    servedHash: 'e5a0c7d941',
    configStatus: at === 7 ? 'failed' : 'applied',
    configMessage: at === 7 ? 'loki.process "drop": 4:3: unknown block "stage.dropp"' : '',
  }));

export const pipelines = [
  { id: '1', name: 'checkout_logs', contents: 'loki.source.file "checkout" {\n  targets    = [{__path__ = "/var/log/checkout/*.log"}]\n  forward_to = [loki.write.central.receiver]\n}\n\nloki.write "central" {\n  endpoint {\n    url = "http://pharos:3000/loki/api/v1/push"\n  }\n}\n', matchers: ['cluster=~"eu.*|us.*"', 'role="node"'], enabled: true, createdAt: iso(started - 9e8), updatedAt: iso(started - 25 * 60_000), configType: 'CONFIG_TYPE_ALLOY' },
  { id: '2', name: 'host_metrics', contents: 'prometheus.exporter.unix "host" { }\n', matchers: [], enabled: true, createdAt: iso(started - 9e8), updatedAt: iso(started - 3e8), configType: 'CONFIG_TYPE_ALLOY' },
  { id: '3', name: 'windows_events', contents: 'loki.source.windowsevent "app" { }\n', matchers: ['collector.os="windows"'], enabled: false, createdAt: iso(started - 9e8), updatedAt: iso(started - 3e8), configType: 'CONFIG_TYPE_ALLOY', source: { type: 'SOURCE_TYPE_GIT', namespace: 'shop' } },
];
export function upsert(pipeline) {
  const found = pipelines.find((each) => each.name === pipeline.name);
  if (found) Object.assign(found, pipeline, { updatedAt: iso(Date.now()) });
  else pipelines.push({ ...pipeline, id: String(pipelines.length + 1), createdAt: iso(Date.now()), updatedAt: iso(Date.now()) });
}
export function remove(id) {
  const at = pipelines.findIndex((each) => each.id === id);
  if (at >= 0) pipelines.splice(at, 1);
}
