import { describe, expect, it } from 'vitest';
import type { Lane, MapEdge, MapNode } from '../src/api/pharos';
import { layoutMap, strokeWidth, worstFirst } from '../src/pages/home/layout';

const node = (id: string, lane: Lane, state: MapNode['state'] = 'ok'): MapNode => ({ id, lane, name: id, state, reason: '', figures: [{ label: 'x', value: 1, unit: '' }], link: '' });
const edge = (id: string, from: string, to: string, more: Partial<MapEdge> = {}): MapEdge => ({ id, from, to, signal: 'metrics', rate: 10, unit: '/s', idle: false, lit: false, ...more });

const nodes = [node('f', 'fleet'), node('c1', 'collectors'), node('c2', 'collectors'), node('m', 'metrics'), node('l', 'logs'), node('rl', 'rulers'), node('rm', 'rulers'), node('rg', 'rulers'), node('route', 'routing'), node('a', 'receivers'), node('b', 'receivers')];
const edges = [
  edge('1', 'f', 'c1'),
  edge('2', 'c1', 'm', { lit: true }),
  edge('3', 'c2', 'm'),
  edge('4', 'c1', 'l', { signal: 'logs' }),
  edge('5', 'c2', 'rl'),
  edge('6', 'm', 'rm', { lit: true }),
  edge('7', 'l', 'rg', { signal: 'logs' }),
  edge('8', 'rl', 'route', { signal: 'alerts' }),
  edge('9', 'rm', 'route', { signal: 'alerts' }),
  edge('10', 'rg', 'route', { signal: 'alerts' }),
  edge('11', 'route', 'a', { signal: 'notifications' }),
  edge('12', 'route', 'b', { signal: 'notifications', idle: true }),
];

describe('the map', () => {
  const map = layoutMap(nodes, edges, 1_150);

  it('draws every edge as a straight horizontal line', () => {
    expect(map.lines.filter((line) => line.y1 !== line.y2)).toEqual([]);
  });

  it('joins the edges of a bus into one line and adds their rates', () => {
    const line = map.lines.find((each) => each.to === 'm');
    expect(line?.edges.map((each) => each.id)).toEqual(['2', '3']);
    expect(line).toMatchObject({ rate: 20, lit: true, from: 'bus:collectors' });
  });

  it('stacks local rules above metrics above logs', () => {
    const y = (id: string) => map.boxes.find((box) => box.id === id)?.y ?? NaN;
    expect(y('rl')).toBeLessThan(y('rm'));
    expect(y('rm')).toBeLessThan(y('rg'));
    expect(y('m')).toBeLessThan(y('l'));
  });

  it('never lets two boxes of a column overlap', () => {
    for (const one of map.boxes) {
      for (const other of map.boxes) {
        if (one === other || one.x !== other.x) continue;
        expect(one.y + one.height <= other.y || other.y + other.height <= one.y).toBe(true);
      }
    }
  });

  it('keeps its lanes whatever the data', () => {
    expect(map.heads.map((head) => head.x)).toEqual([0, 202, 404, 606, 808, 1010]);
    expect(layoutMap([], [], 400)).toMatchObject({ boxes: [], lines: [] });
  });

  it('shows at most six sections of a bus, the worst among them', () => {
    const many = Array.from({ length: 20 }, (_, at) => node(`c${at}`, 'collectors', at === 13 ? 'error' : 'ok'));
    const bus = layoutMap(many, [], 1_150).boxes[0];
    expect(bus?.nodes.map((each) => each.id)).toContain('c13');
    expect([bus?.nodes.length, bus?.hidden]).toEqual([5, 15]);
  });

  it('sorts the failing path first', () => {
    expect(worstFirst([node('x', 'logs'), node('y', 'logs', 'error'), node('z', 'logs')], new Set(['z'])).map((each) => each.id)).toEqual(['z', 'y', 'x']);
  });

  it('widens lines by the logarithm of the rate within 1.5 and 8 px', () => {
    expect([strokeWidth(null), strokeWidth(0), strokeWidth(1e12)]).toEqual([1.5, 1.5, 8]);
    expect(strokeWidth(1_000)).toBeLessThan(strokeWidth(100_000));
  });
});
