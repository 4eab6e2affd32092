import { describe, expect, it } from 'vitest';
import { matchersOf, withMatcher } from '../src/editor/promql';
import { isMetricQuery, searchedTexts, streamMatchers, syntaxError, volumeQuery, wantedAt, withLabel, withLineFilter } from '../src/editor/logql';
import { errorSpot } from '../src/editor/serverError';

describe('building PromQL', () => {
  it('adds a matcher to every selector', () => {
    expect(withMatcher('sum(rate(a[5m])) / sum(rate(b{x="1"}[5m]))', 'app', 'shop', true)).toBe('sum(rate(a{app="shop"}[5m])) / sum(rate(b{x="1", app="shop"}[5m]))');
    expect(withMatcher('up', 'job', 'a"b', false)).toBe('up{job!="a\\"b"}');
    expect(withMatcher('{__name__="up"}', 'job', 'x', true)).toBe('{__name__="up", job="x"}');
  });

  it('replaces the same label instead of contradicting itself', () => {
    expect(withMatcher('up{job="a", x=~"y.*"}', 'job', 'b', true)).toBe('up{x=~"y.*", job="b"}');
    expect(withMatcher('up{job="a"}', 'job', 'a', false)).toBe('up{job!="a"}');
    expect(withMatcher('up{job!="a"}', 'job', 'b', false)).toBe('up{job!="a", job!="b"}');
  });

  it('reads the matchers of all selectors', () => {
    expect(matchersOf('a{x="1"} + b{y!~"2"}')).toEqual([
      { name: 'x', value: '1', isRegex: false, isEqual: true },
      { name: 'y', value: '2', isRegex: true, isEqual: false },
    ]);
  });
});

describe('building LogQL', () => {
  it('puts stream labels into the selector and the others behind the pipeline', () => {
    expect(withLabel('{app="x"} |= "e"', 'cluster', 'eu', true, 'stream')).toBe('{app="x", cluster="eu"} |= "e"');
    expect(withLabel('{app="x"} | json', 'status', '504', false, 'json')).toBe('{app="x"} | json | status!="504"');
    expect(withLabel('{app="x"}', 'trace_id', 'a', true, 'metadata')).toBe('{app="x"} | trace_id="a"');
    expect(withLabel('{app="x"}', 'app', 'y', true, 'stream')).toBe('{app="y"}');
    expect(withLabel('', 'app', 'y', true, 'stream')).toBe('{app="y"}');
  });

  it('adds the parser that a field in the text needs', () => {
    expect(withLabel('{app="x"} |= "e"', 'status', '504', true, 'logfmt')).toBe('{app="x"} |= "e" | logfmt | status="504"');
    expect(withLabel('{app="x"}', 'http.status', '504', true, 'json')).toBe('{app="x"} | json | http_status="504"');
  });

  it('filters inside a metric query too', () => {
    expect(withLabel('sum(rate({app="x"} |= "e" [5m]))', 'status', '5', true, 'metadata')).toBe('sum(rate({app="x"} |= "e" | status="5" [5m]))');
    expect(withLineFilter('{app="x"}', 'say "hi"', false)).toBe('{app="x"} != "say \\"hi\\""');
    expect(withLineFilter('{app="x"} |= "a"', 'a', true)).toBe('{app="x"} |= "a"');
  });

  it('tells lines from numbers', () => {
    expect([isMetricQuery('{a="b"}'), isMetricQuery('rate({a="b"}[5m])'), isMetricQuery('')]).toEqual([false, true, false]);
    expect(volumeQuery('{a="b"} |= "x" ', 30)).toBe('sum by (level, detected_level) (count_over_time({a="b"} |= "x" | drop __error__, __error_details__ [30s]))');
    expect(syntaxError(volumeQuery('{a="b"} | json', 30))).toBeNull();
  });

  it('reads matchers and searched texts', () => {
    expect(streamMatchers('{a="b", c=~"d|e"} | json | f="g"').map((m) => m.name)).toEqual(['a', 'c']);
    expect(searchedTexts('{a="b"} |= "504" != "ok" |= `x`')).toEqual(['504', 'x']);
    expect([syntaxError('{a="b"}'), syntaxError('{a="b"} | ')]).toEqual([null, expect.any(Number)]);
  });

  it('knows what completion is wanted', () => {
    expect(wantedAt('{')).toEqual({ kind: 'label', from: 1 });
    expect(wantedAt('{ap')).toEqual({ kind: 'label', from: 1 });
    expect(wantedAt('{app="x", cl')).toEqual({ kind: 'label', from: 10 });
    expect(wantedAt('{app="x", cluster="e')).toEqual({ kind: 'value', from: 19, label: 'cluster', matchers: '{app="x"}' });
    expect(wantedAt('{app="x"} | js')).toEqual({ kind: 'stage', from: 12 });
    expect(wantedAt('sum(ra')).toEqual({ kind: 'function', from: 4 });
    expect(wantedAt('{app="x"} |= "te')).toBeNull();
  });
});

describe('places of errors', () => {
  it('finds the column Prometheus names', () => {
    expect(errorSpot('invalid parameter "query": 1:5: parse error: unexpected identifier "bar"', 'foo bar')).toEqual({ from: 4, to: 7 });
    expect(errorSpot('2:1: parse error: x', 'a +\n)')).toEqual({ from: 4, to: 5 });
  });

  it('takes the last letter for an error at the end', () => {
    expect(errorSpot('1:5: parse error: unexpected end of input', 'sum(')).toEqual({ from: 3, to: 4 });
  });

  it('finds the place Loki names, and none where there is none', () => {
    expect(errorSpot('parse error at line 1, col 9: syntax error', '{a="b"} x y')).toEqual({ from: 8, to: 9 });
    expect(errorSpot('too many samples', 'up')).toBeNull();
  });
});
