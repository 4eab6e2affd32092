import { describe, expect, it } from 'vitest';
import type { Series } from '../src/api/prometheus';
import { decodeGroups, decodeResult } from '../src/api/prometheus';
import { findingOf, legendNames, toGrid } from '../src/pages/metrics/series';
import { lonePoints, stack } from '../src/components/TimeChart';

const series = (labels: Record<string, string>, samples: [number, number][]): Series => ({ labels, times: samples.map(([at]) => at), values: samples.map(([, value]) => value), histogram: null });

describe('series on a grid', () => {
  it('leaves a gap where a step has no sample', () => {
    const grid = toGrid([[series({ a: '1' }, [[0, 1], [10, 2], [30, 4]])]], 0, 30, 10, 100);
    expect(grid.times).toEqual([0, 10, 20, 30]);
    expect(grid.series[0]?.values).toEqual([1, 2, null, 4]);
    expect(grid.series[0]).toMatchObject({ last: 4, max: 4, index: 0 });
  });

  it('follows the phase of the samples', () => {
    expect(toGrid([[series({}, [[13, 1], [23, 2]])]], 0, 30, 10, 100)).toMatchObject({ times: [3, 13, 23], series: [{ values: [null, 1, 2] }] });
  });

  it('gives colours by the sorted label sets and draws the highest when there are too many', () => {
    const grid = toGrid([[series({ a: '2' }, [[0, 1]]), series({ a: '1' }, [[0, 9]]), series({ a: '3' }, [[0, 5]])]], 0, 0, 10, 2);
    expect(grid.total).toBe(3);
    expect(grid.series.map((each) => [each.labels['a'], each.index])).toEqual([['1', 0], ['3', 2]]);
  });

  it('names what differs', () => {
    expect(legendNames([{ labels: { __name__: 'up', job: 'a' } }, { labels: { __name__: 'up', job: 'b' } }])).toEqual(['{job="a"}', '{job="b"}']);
    expect(legendNames([{ labels: { __name__: 'up', job: 'a' } }])).toEqual(['up{job="a"}']);
  });

  it('says the finding', () => {
    expect(findingOf(toGrid([[]], 0, 10, 10, 10), String)).toBe('No series match in this range.');
    expect(findingOf(toGrid([[series({ __name__: 'up' }, [[0, 3], [10, 1]])]], 0, 10, 10, 10), String)).toBe('up is 1 at the end, 3 at most.');
  });

  it('stacks and keeps gaps', () => {
    expect(stack([[1, null, 2], [1, 1, 1]])).toEqual([[1, null, 2], [2, 1, 3]]);
  });

  it('marks values that no line goes through', () => {
    expect(lonePoints([1, null, 2, 3, null, 4])).toEqual([0, 5]);
    expect(lonePoints([null, 0, null])).toEqual([1]);
    expect(lonePoints([1, 2, null])).toBeNull();
  });
});

describe('answers of the server', () => {
  it('reads special values', () => {
    const result = decodeResult({ resultType: 'vector', result: [{ metric: { a: '1' }, value: [1, '+Inf'] }, { metric: {}, value: [1, 'NaN'] }] }, []);
    expect(result.series.map((each) => each.values)).toEqual([[Infinity], [NaN]]);
    expect(decodeResult({ resultType: 'scalar', result: [1, '2'] }, []).series[0]?.values).toEqual([2]);
    expect(decodeResult({ resultType: 'string', result: [1, 'x'] }, []).text).toBe('x');
  });

  it('reads rules with missing parts', () => {
    const [group] = decodeGroups({ groups: [{ name: 'g', rules: [{ type: 'alerting', name: 'A', alerts: [{ state: 'firing', value: '1e+00', activeAt: '2026-11-22T02:00:00Z' }] }] }] });
    expect(group?.rules[0]).toMatchObject({ name: 'A', health: 'unknown', alerts: [{ value: 1, activeAtMs: Date.UTC(2026, 10, 22, 2) }] });
  });
});
