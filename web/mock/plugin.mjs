// A stand-in for the server while the page is developed: `npm run dev:mock`. Never part of a build's output.
import { createHash } from 'node:crypto';
import * as shop from './shop.mjs';


function send(response, value, status = 200) {
  response.statusCode = status;
  response.setHeader('Content-Type', 'application/json');
  response.setHeader('X-Request-Id', createHash('sha1').update(String(Date.now() + Math.random())).digest('hex').slice(0, 12));
  response.end(typeof value === 'string' ? value : JSON.stringify(value));
}

const ok = (data) => ({ status: 'success', data });

async function bodyOf(request) {
  let text = '';
  for await (const piece of request) text += piece;
  return text;
}

async function answer(request, response, next) {
  const url = new URL(request.url, 'http://mock');
  const path = url.pathname;
  const raw = request.method === 'POST' ? await bodyOf(request) : '';
  const form = raw.startsWith('{') ? url.searchParams : new URLSearchParams([...url.searchParams, ...new URLSearchParams(raw)]);
  const mood = process.env.PHAROS_MOCK ?? '';
  if (/^\/(api|prometheus|loki|alertmanager|collector|pipeline)/.test(path)) {
    if (mood === 'down') return send(response, { code: 503, message: 'catalogue: no connection to PostgreSQL' }, 503);
    if (mood === 'slow') await new Promise((done) => setTimeout(done, 7_000));
  }
  const empty = mood === 'empty';
  if (path === '/api/pharos/v1/me') return send(response, { tenant: 'shop-prod', multitenant: true, tenants: ['shop-prod', 'shop-staging'], version: '0.1.0', alertmanagers: '' });
  if (path === '/api/pharos/v1/architecture') return send(response, empty ? shop.emptyArchitecture() : shop.architecture(mood === 'quiet'));
  if (path === '/api/pharos/v1/rules') return send(response, ok({ groups: empty ? [] : shop.groups() }));
  if (path === '/api/pharos/v1/notifications') return send(response, empty ? [] : shop.notifications());
  if (path === '/api/pharos/v1/alerts/journal') return send(response, empty ? [] : shop.journal(Object.fromEntries([...(form.get('labels') ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map((each) => [each[1], each[2]]))));
  if (path === '/alertmanager/api/v2/alerts') return send(response, empty || mood === 'quiet' ? [] : shop.alerts(form.getAll('filter')));
  if (path === '/alertmanager/api/v2/alerts/groups') return send(response, empty ? [] : shop.alertGroups(form.getAll('filter')));
  if (path === '/alertmanager/api/v2/receivers') return send(response, [{ name: 'payments-pager' }, { name: 'checkout-slack' }, { name: 'digest' }]);
  if (path === '/alertmanager/api/v2/silences') {
    if (request.method !== 'POST') return send(response, empty ? [] : shop.silences());
    const made = JSON.parse(raw);
    if (made.comment === 'fail') return send(response, '"silence invalid: comment missing"', 400);
    return send(response, { silenceID: shop.addSilence(made) });
  }
  if (path.startsWith('/alertmanager/api/v2/silence/')) return send(response, shop.expire(path.split('/').pop()) ? '' : '"silence not found"');
  if (path === '/api/pharos/v1/collectors') return send(response, empty ? [] : shop.collectorStates());
  if (path.startsWith('/prometheus/api/v1/')) return prometheus(path.slice('/prometheus/api/v1/'.length), form, response, empty);
  if (path.startsWith('/loki/api/v1/')) return loki(path.slice('/loki/api/v1/'.length), form, response, empty);
  if (path.startsWith('/collector.v1.CollectorService/') || path.startsWith('/pipeline.v1.PipelineService/')) return fleet(path.split('/').pop(), raw === '' ? {} : JSON.parse(raw), response, empty);
  return next();
}

function prometheus(path, form, response, empty) {
  const values = /^label\/(.+)\/values$/.exec(path);
  if (values) return send(response, ok(empty ? [] : shop.labelValues(decodeURIComponent(values[1]))));
  switch (path) {
    case 'labels':
      return send(response, ok(['__name__', 'app', 'cluster', 'code', 'instance', 'job', 'le']));
    case 'metadata':
      return send(response, ok(Object.fromEntries(shop.metricNames.map((name) => [name, [{ type: name.endsWith('_total') ? 'counter' : 'gauge', help: `Help of ${name}.`, unit: '' }]]))));
    case 'series':
      return send(response, ok(shop.metricNames.flatMap((name) => shop.seriesOf(name).map((labels) => ({ __name__: name, ...labels })))));
    case 'format_query':
      return send(response, ok(form.get('query').replace(/\s+/g, ' ').trim()));
    case 'status/buildinfo':
      return send(response, ok({ version: '3.1.0' }));
    case 'rules':
      return send(response, ok({ groups: shop.groups() }));
    case 'alerts':
      return send(response, ok({ alerts: [] }));
    case 'query':
    case 'query_range': {
      const query = form.get('query') ?? '';
      const open = (query.match(/[({[]/g) ?? []).length;
      const close = (query.match(/[)}\]]/g) ?? []).length;
      if (open !== close) return send(response, { status: 'error', errorType: 'bad_data', error: `invalid parameter "query": 1:${query.length + 1}: parse error: unexpected end of input` }, 400);
      const start = Number(form.get('start') ?? form.get('time')) * 1_000;
      const end = Number(form.get('end') ?? form.get('time')) * 1_000;
      const step = Number(form.get('step') ?? 60) * 1_000;
      const result = empty ? [] : shop.evaluate(query, start, end, step);
      if (path === 'query') return send(response, ok({ resultType: 'vector', result: result.map((each) => ({ metric: each.metric, value: each.values.at(-1) })), stats: { samples: { totalQueryableSamples: 1204 }, timings: { evalTotalTime: 0.004 } } }));
      return send(response, { ...ok({ resultType: 'matrix', result, stats: { samples: { totalQueryableSamples: 48211 }, timings: { evalTotalTime: 0.0312 } } }), warnings: query.includes('warn') ? ['metric might not be a counter'] : undefined });
    }
    default:
      return send(response, { status: 'error', errorType: 'not_found', error: path }, 404);
  }
}

function loki(path, form, response, empty) {
  const values = /^label\/(.+)\/values$/.exec(path);
  if (values) return send(response, ok(empty ? [] : shop.labelValues(decodeURIComponent(values[1]))));
  if (path === 'labels') return send(response, ok(['app', 'cluster', 'level', 'pod']));
  if (path === 'series') return send(response, ok([{ app: 'checkout-api', cluster: 'eu-west-1' }]));
  if (path === 'query_range') {
    const query = form.get('query') ?? '';
    const start = Number(form.get('start')) / 1e6;
    const end = Number(form.get('end')) / 1e6;
    if (!query.includes('{') || !query.includes('}')) return send(response, 'parse error at line 1, col 1: syntax error: unexpected IDENTIFIER', 400);
    if (/count_over_time|rate\(/.test(query)) return send(response, ok({ resultType: 'matrix', result: empty ? [] : shop.volume(start, end, Number.parseFloat(form.get('step')) * 1_000), stats: {} }));
    return send(response, ok({ resultType: 'streams', result: empty ? [] : shop.logs(query, start, end, Number(form.get('limit') ?? 100), form.get('direction') ?? 'backward'), stats: { summary: { totalBytesProcessed: 44040192, totalLinesProcessed: 21840, execTime: 0.31 } } }));
  }
  return send(response, 'not found', 404);
}

function fleet(method, body, response, empty) {
  switch (method) {
    case 'ListCollectors':
      return send(response, empty ? {} : { collectors: shop.collectors() });
    case 'GetCollector':
      return send(response, shop.collectors().find((each) => each.id === body.id) ?? {});
    case 'ListPipelines':
      return send(response, empty ? {} : { pipelines: shop.pipelines });
    case 'UpsertPipeline': {
      if (/\bsyntax\b/.test(body.pipeline.contents)) return send(response, { code: 'invalid_argument', message: 'pipeline "logs": 3:5: expected a block or an attribute, got "syntax"' }, 400);
      if (!body.validateOnly) shop.upsert(body.pipeline);
      return send(response, body.pipeline);
    }
    case 'DeletePipeline':
      shop.remove(body.id);
      return send(response, {});
    default:
      return send(response, { code: 'unimplemented', message: method }, 501);
  }
}

/** The tail: a WebSocket that sends a few lines a second. Frames are written by hand; only text goes out. */
function tail(request, socket) {
  if (!request.url.startsWith('/loki/api/v1/tail')) return;
  const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  const timer = setInterval(() => {
    const now = Date.now();
    const body = Buffer.from(JSON.stringify({ streams: shop.logs('{app="checkout-api"}', now - 300, now, 4, 'forward'), dropped_entries: [] }));
    const head = body.length < 126 ? Buffer.from([0x81, body.length]) : Buffer.from([0x81, 126, body.length >> 8, body.length & 255]);
    socket.write(Buffer.concat([head, body]));
  }, 300);
  const stop = () => clearInterval(timer);
  socket.on('close', stop);
  socket.on('error', stop);
  socket.on('data', (data) => {
    if ((data[0] & 15) === 8) socket.end();
  });
}

export function mockServer() {
  const attach = (server) => {
    server.middlewares.use((request, response, next) => {
      answer(request, response, next).catch((problem) => send(response, { message: String(problem) }, 500));
    });
    server.httpServer?.on('upgrade', tail);
  };
  return { name: 'pharos-mock', configureServer: attach, configurePreviewServer: attach };
}

