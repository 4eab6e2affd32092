import { describe, expect, it } from 'vitest';
import { decodeStreams, sortLines, toNs, type LogLine } from '../src/api/loki';
import { findingOf, highlight, levelOf, parseFields, plainText, showLine, summarise, type Level } from '../src/pages/logs/lines';
import { toBuckets } from '../src/pages/logs/VolumeChart';

const line = (text: string, labels: Record<string, string> = {}, ns = '1795314668655000000'): LogLine => ({ key: `${ns}-${text}`, ns, ms: Number(ns.slice(0, -6)), labels, metadata: {}, line: text });

describe('log lines', () => {
  it('reads streams, with and without structured metadata', () => {
    const lines = decodeStreams([{ stream: { app: 'x' }, values: [['1795314668655000001', 'one'], ['1795314668655000002', 'two', { trace: 't' }], ['1795314668655000003', 'three', { structuredMetadata: { a: '1' }, parsed: { b: '2' } }]] }]);
    expect(lines.map((each) => [each.line, each.ms, each.metadata])).toEqual([
      ['one', 1795314668655, {}],
      ['two', 1795314668655, { trace: 't' }],
      ['three', 1795314668655, { a: '1', b: '2' }],
    ]);
    expect(new Set(lines.map((each) => each.key)).size).toBe(3);
    expect(decodeStreams({ odd: 1 })).toEqual([]);
  });

  it('orders nanoseconds beyond the precision of numbers', () => {
    const sorted = sortLines([line('a', {}, '1795314668655000001'), line('b', {}, '1795314668655000003'), line('c', {}, '1795314668655000002')], true);
    expect(sorted.map((each) => each.line)).toEqual(['b', 'c', 'a']);
    expect(toNs(1795314668655.7)).toBe('1795314668655000000');
  });

  it.each([
    [line('x', { level: 'ERR' }), 'error'],
    [line('x', { detected_level: 'warning' }), 'warn'],
    [line('level=info msg=x'), 'info'],
    [line('{"severity":"CRITICAL","m":1}'), 'error'],
    [line('2026-11-22 WARN something'), 'warn'],
    [line('information is power'), 'unknown'],
    [line('TRACE x'), 'debug'],
  ] as [LogLine, Level][])('finds the level of %j', (each, level) => {
    expect(levelOf(each)).toBe(level);
  });

  it('reads fields of JSON and logfmt', () => {
    expect(parseFields('{"a":{"b":1,"c":[1]},"d":null,"e":true}')).toEqual({ a_b: '1', a_c: '[1]', e: 'true' });
    expect(parseFields('a=1 b="x \\"y\\"" c=')).toEqual({ a: '1', b: 'x "y"', c: '' });
    expect(parseFields('plain words')).toEqual({});
    expect(parseFields('{broken')).toEqual({});
  });

  it('separates the message from its fields', () => {
    expect(showLine(line('level=error msg="it failed" order=7 ts=now'))).toMatchObject({ level: 'error', message: 'it failed', rest: 'order=7' });
    expect(showLine(line('just text'))).toMatchObject({ message: 'just text', rest: '' });
  });

  it('keeps hostile text visible and harmless', () => {
    expect(plainText('\u001b[31mred\u001b[0m\u0007')).toBe('red\u2407');
    expect(showLine(line('<img src=x onerror=alert(1)>')).message).toBe('<img src=x onerror=alert(1)>');
  });

  it('highlights every hit and nothing else', () => {
    expect(highlight('a.b a.b axb', ['a.b'])).toEqual([{ text: 'a.b', hit: true }, { text: ' ', hit: false }, { text: 'a.b', hit: true }, { text: ' axb', hit: false }]);
    expect(highlight('abc', [''])).toEqual([{ text: 'abc', hit: false }]);
  });

  it('summarises fields, the level first, ids left out', () => {
    const lines = Array.from({ length: 10 }, (_, at) => line(`level=${at < 9 ? 'error' : 'info'} id=${at} status=504`, { app: 'x' }));
    const fields = summarise(lines, (name) => name === 'app');
    expect(fields.map((each) => [each.name, each.kind, each.distinct])).toEqual([['level', 'logfmt', 2], ['app', 'stream', 1], ['status', 'logfmt', 1]]);
    expect(fields[0]?.top[0]).toEqual({ value: 'error', share: 0.9 });
  });

  it('counts a sample in the step that ends at its time', () => {
    const buckets = toBuckets([{ labels: { level: 'error' }, times: [20, 30], values: [5, 2], histogram: null }], 10_000, 40_000, 10_000);
    expect(buckets.map((each) => [each.atMs, each.total])).toEqual([[10_000, 5], [20_000, 2], [30_000, 0]]);
  });

  it('says the answer in a sentence', () => {
    expect(findingOf(0, new Map(), String)).toBe('No line matches in this range.');
    expect(findingOf(100, new Map<Level, number>([['error', 91], ['info', 9]]), String)).toBe('91\u00a0% of 100 lines are errors.');
    expect(findingOf(2, new Map<Level, number>([['warn', 2]]), String)).toBe('2 lines, all warnings.');
  });
});
