import { describe, expect, it } from 'vitest';
import { compact, count, grouped, sampleValue, short, withUnit } from '../src/format/number';
import { chipValue, commonLabels, cutMiddle, labelsKey, matcherText, matches, orderLabels, parseMatcher, sameLabels, selector, seriesName, withoutLabels } from '../src/format/labels';

const plain = (text: string) => text.replaceAll('\u00a0', ' ').replaceAll('\u202f', ' ');

describe('numbers', () => {
  it('groups digits and writes a true minus', () => {
    expect([grouped(1204), grouped(21840), grouped(-3.5), grouped(0), grouped(1234567.891)].map(plain)).toEqual(['1 204', '21 840', '−3.5', '0', '1 234 567.891']);
    expect([grouped(NaN), grouped(Infinity), grouped(-Infinity)]).toEqual(['NaN', '+Inf', '−Inf']);
  });

  it('keeps three digits in key figures', () => {
    expect([0.42, 4.237, 213.7, 0, 0.0123].map(short)).toEqual(['0.42', '4.24', '214', '0', '0.012']);
  });

  it('scales from ten thousand on', () => {
    expect([9_999, 12_000, 214_300, 4_200_000, 999_999].map((each) => plain(compact(each)))).toEqual(['9 999', '12 k', '214 k', '4.2 M', '1 M']);
  });

  it('scales by the unit', () => {
    expect([withUnit(2.1 * 2 ** 40, 'bytes'), withUnit(0.0031, 's'), withUnit(0.42, 's'), withUnit(900, 's'), withUnit(0.121, 'percentunit'), withUnit(214_000, 'samples/s'), withUnit(5)].map(plain)).toEqual(['2.1 TiB', '3.1 ms', '0.42 s', '15 min', '12.1 %', '214 k samples/s', '5']);
  });

  it('shows samples with six digits and counts with their noun', () => {
    expect(plain(sampleValue(0.1 + 0.2))).toBe('0.3');
    expect([count(1, 'alert'), count(3, 'alert'), count(2, 'series', 'series')].map(plain)).toEqual(['1 alert', '3 alerts', '2 series']);
  });
});

describe('label chips', () => {
  it('cuts long values in the middle and never the key', () => {
    expect(cutMiddle('short', 10)).toBe('short');
    expect(chipValue('pod', 'checkout-7c9d8f6b5c-x4k2')).toBe('checkout-7c9d8f6b5c-x4k2');
    expect(chipValue('pod', 'checkout-api-7c9d8f6b5c-x4k2z')).toBe('checkout-api-7c9d8f…4k2z');
    expect(Array.from(`pod=${chipValue('pod', 'x'.repeat(90))}`)).toHaveLength(28);
    expect(chipValue('a_very_long_label_name_indeed', 'abcdefghijklmnop')).toBe('abcd…mnop');
  });

  it('counts letters, not code units', () => {
    expect(cutMiddle('🔥'.repeat(12), 9)).toBe(`${'🔥'.repeat(4)}…${'🔥'.repeat(4)}`);
  });

  it('orders severity, service, then by name', () => {
    expect(orderLabels({ team: 'a', alertname: 'X', service: 's', severity: 'critical', env: 'prod' }).map((each) => each.name)).toEqual(['severity', 'service', 'env', 'team']);
  });

  it('moves what is common to the head', () => {
    const sets = [{ a: '1', b: '2' }, { a: '1', b: '3' }];
    expect(commonLabels(sets)).toEqual({ a: '1' });
    expect(withoutLabels(sets[0] ?? {}, { a: '1' })).toEqual({ b: '2' });
    expect(commonLabels([{ a: '1' }])).toEqual({});
  });

  it('compares and keys regardless of order', () => {
    expect(sameLabels({ a: '1', b: '2' }, { b: '2', a: '1' })).toBe(true);
    expect(sameLabels({ a: '1' }, { a: '1', b: '' })).toBe(false);
    expect(labelsKey({ b: '2', a: '1' })).toBe('{"a":"1","b":"2"}');
  });
});

describe('selectors', () => {
  it('quotes hostile values and odd names', () => {
    expect(selector({ app: 'a"b\\c\nd', __name__: 'x' })).toBe('{app="a\\"b\\\\c\\nd"}');
    expect(selector({ 'service.name': 'x' })).toBe('{"service.name"="x"}');
  });

  it('writes series as PromQL does', () => {
    expect(seriesName({ __name__: 'up' })).toBe('up');
    expect(seriesName({ __name__: 'up', job: 'a' })).toBe('up{job="a"}');
    expect(seriesName({ __name__: 'http.requests', job: 'a' })).toBe('{"http.requests", job="a"}');
    expect(seriesName({})).toBe('{}');
  });

  it('reads matchers', () => {
    expect(parseMatcher('team="a"')).toEqual({ name: 'team', value: 'a', isRegex: false, isEqual: true });
    expect(parseMatcher('team !~ "a|b"')).toEqual({ name: 'team', value: 'a|b', isRegex: true, isEqual: false });
    expect(parseMatcher('team=a')).toEqual({ name: 'team', value: 'a', isRegex: false, isEqual: true });
    expect(parseMatcher('a="x\\"y"')).toHaveProperty('value', 'x"y');
    expect([parseMatcher('team'), parseMatcher('="x"'), parseMatcher('a="x')]).toEqual([null, null, null]);
  });

  it('matches anchored, missing labels as empty', () => {
    const hit = (text: string, labels: Record<string, string>) => {
      const m = parseMatcher(text);
      return m !== null && matches(m, labels);
    };
    expect([hit('a=~"b"', { a: 'bb' }), hit('a=~"b+"', { a: 'bb' }), hit('a=""', {}), hit('a!="x"', {}), hit('a!~"x.*"', { a: 'xy' }), hit('a=~"("', { a: '(' })]).toEqual([false, true, true, true, false, false]);
    expect(matcherText({ name: 'a', value: 'b"', isRegex: true, isEqual: false })).toBe('a!~"b\\""');
  });
});
