import { describe, expect, it } from 'vitest';
import { changed, foreignAddress, keepShared } from '../src/state/url';
import { matchRank, paletteEntries } from '../src/shell/palette';

describe('the address bar', () => {
  it('carries time, refresh and tenant along links, and nothing else', () => {
    const here = new URLSearchParams('from=now-6h&refresh=10s&tenant=shop&q=up&tab=table');
    expect(keepShared('/alerting', here)).toBe('/alerting?from=now-6h&refresh=10s&tenant=shop');
    expect(keepShared('/explore/metrics?q=down&from=now-1h', here)).toBe('/explore/metrics?q=down&from=now-1h&refresh=10s&tenant=shop');
    expect(keepShared('/fleet', new URLSearchParams())).toBe('/fleet');
  });

  it('changes several values as one step and drops empty ones', () => {
    const before = new URLSearchParams('a=1&b=2');
    expect(changed(before, { a: null, b: '3', c: '4', d: '' }).toString()).toBe('b=3&c=4');
    expect(before.toString()).toBe('a=1&b=2');
  });

  it('opens links made for Prometheus', () => {
    expect(foreignAddress('/graph', '?g0.expr=up%20%3D%3D%200&g0.tab=1', '')).toBe('/explore/metrics?q=up+%3D%3D+0&tab=table');
    expect(foreignAddress('/graph', '?g0.expr=up&g0.range_input=6h', '')).toBe('/explore/metrics?q=up&from=now-6h&to=now');
    expect(foreignAddress('/query', '?g0.expr=up&g0.range_input=1h&g0.end_input=2026-11-22%2002:00', '')).toBe(`/explore/metrics?q=up&from=${Date.UTC(2026, 10, 22, 1)}&to=${Date.UTC(2026, 10, 22, 2)}`);
  });

  it('opens links made for Alertmanager', () => {
    expect(foreignAddress('/', '', '#/silences/3f1c-aa')).toBe('/alerting/silences?id=3f1c-aa');
    expect(foreignAddress('/', '', '#/alerts?filter=%7Bteam%3D%22a%22%7D&receiver=ops')).toBe('/alerting?filter=team%3D%22a%22&receiver=ops');
    expect(foreignAddress('/', '', '')).toBeNull();
    expect(foreignAddress('/alerting', '?x=1', '')).toBeNull();
  });
});

describe('the palette', () => {
  const from = { pages: [], alerts: [], metrics: ['up', 'http_requests_total', 'node_up_total'], explore: true, foreign: foreignAddress };

  it('ranks a start above a word above the inside above scattered letters', () => {
    expect([matchRank('up', 'up'), matchRank('node_up', 'up'), matchRank('group', 'up'), matchRank('u_long_p', 'up'), matchRank('x', 'up')]).toEqual([0, 1, 2, 3, null]);
  });

  it('offers metrics, best first', () => {
    expect(paletteEntries('up', from).filter((each) => each.group === 'Metrics').map((each) => each.name)).toEqual(['up', 'node_up_total']);
  });

  it('runs a pasted query and opens a pasted address', () => {
    expect(paletteEntries('{app="x"} |= "y"', from).filter((each) => each.group === 'Run').map((each) => each.to)).toEqual(['/explore/logs?q=%7Bapp%3D%22x%22%7D%20%7C%3D%20%22y%22', '/explore/metrics?q=%7Bapp%3D%22x%22%7D%20%7C%3D%20%22y%22']);
    expect(paletteEntries('http://prom:9090/graph?g0.expr=up', from)[0]?.to).toBe('/explore/metrics?q=up');
  });
});
