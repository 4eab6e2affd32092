import { describe, expect, it } from 'vitest';
import { niceStep, parseDuration, promDuration, sayAgo, sayDuration } from '../src/time/duration';
import { absoluteText, parsePastedRange, parseRefresh, parseTime, resolveRange, sayRange, shiftRange, zoomOut } from '../src/time/range';
import { clockMs, fullTime, hourMinute, longDate, timeOrDate } from '../src/time/clock';

const now = Date.UTC(2026, 10, 22, 2, 31, 8, 655);
const at = (text: string, up = false) => parseTime(text, now, 'utc', up);
const words = (text: string) => text.replaceAll('\u00a0', ' ');

describe('times in the address bar', () => {
  it('reads now and its offsets', () => {
    expect(at('now')).toBe(now);
    expect(at('now-6h')).toBe(now - 6 * 3_600_000);
    expect(at('now+90s')).toBe(now + 90_000);
    expect(at('now-1d-30m')).toBe(now - 86_400_000 - 1_800_000);
  });

  it('rounds to the start for from and to the last millisecond for to', () => {
    expect(at('now/d')).toBe(Date.UTC(2026, 10, 22));
    expect(at('now/d', true)).toBe(Date.UTC(2026, 10, 23) - 1);
    expect(at('now-1d/d')).toBe(Date.UTC(2026, 10, 21));
    expect(at('now/d+8h')).toBe(Date.UTC(2026, 10, 22, 8));
    expect(at('now/w')).toBe(Date.UTC(2026, 10, 16));
    expect(at('now/M')).toBe(Date.UTC(2026, 10, 1));
    expect(at('now/y')).toBe(Date.UTC(2026, 0, 1));
    expect(at('now-1M/M', true)).toBe(Date.UTC(2026, 10, 1) - 1);
  });

  it('reads epoch seconds, epoch milliseconds and ISO', () => {
    expect(at('1795314668')).toBe(1795314668000);
    expect(at('1795314668655')).toBe(1795314668655);
    expect(at('2026-11-22')).toBe(Date.UTC(2026, 10, 22));
    expect(at('2026-11-22 02:31')).toBe(Date.UTC(2026, 10, 22, 2, 31));
    expect(at('2026-11-22T02:31:08.655Z')).toBe(now);
    expect(at('2026-11-22T03:31:08.655+01:00')).toBe(now);
  });

  it.each(['', 'nonsense', 'now-', 'now-6', 'now-6q', '2026-13-01', '2026-11-22 25:00', 'now/q'])('refuses %j', (text) => {
    expect(at(text)).toBeNull();
  });

  it('says what is wrong with a range', () => {
    expect(resolveRange({ from: 'now-1h', to: 'now' }, now, 'utc')).toEqual({ fromMs: now - 3_600_000, toMs: now });
    expect(resolveRange({ from: 'now', to: 'now-1h' }, now, 'utc')).toEqual({ problem: 'The end of the range must be after its start' });
    expect(resolveRange({ from: 'soon', to: 'now' }, now, 'utc')).toHaveProperty('problem', expect.stringContaining('"soon"'));
  });

  it('puts ranges into words', () => {
    expect(sayRange({ from: 'now-30m', to: 'now' }, 'utc')).toBe('Last 30 min');
    expect(sayRange({ from: 'now-90s', to: 'now' }, 'utc')).toBe('Last 90 s');
    expect(sayRange({ from: String(now), to: String(now + 60_000) }, 'utc')).toBe('11-22 02:31 to 11-22 02:32');
  });

  it('zooms out and shifts', () => {
    expect(zoomOut({ from: 'now-1h', to: 'now' }, { fromMs: now - 3_600_000, toMs: now })).toEqual({ from: 'now-2h', to: 'now' });
    expect(zoomOut({ from: '0', to: '1' }, { fromMs: 1_000, toMs: 3_000 })).toEqual({ from: '0', to: '4000' });
    expect(shiftRange({ fromMs: 1_000, toMs: 3_000 }, -1, now)).toEqual({ from: '0', to: '2000' });
    expect(shiftRange({ fromMs: now - 2_000, toMs: now }, 1, now)).toEqual({ from: String(now - 2_000), to: String(now) });
  });

  it('takes a pasted range', () => {
    expect(parsePastedRange('{"from":"now-6h","to":"now"}')).toEqual({ from: 'now-6h', to: 'now' });
    expect(parsePastedRange('http://pharos/explore?from=now-2h&to=now-1h')).toEqual({ from: 'now-2h', to: 'now-1h' });
    expect(parsePastedRange('hello')).toBeNull();
  });

  it('reads refresh intervals', () => {
    expect([parseRefresh('5s'), parseRefresh('1m'), parseRefresh('off'), parseRefresh(null), parseRefresh('5'), parseRefresh('100ms')]).toEqual([5_000, 60_000, 0, null, null, null]);
  });
});

describe('durations', () => {
  it('reads and writes the Prometheus spelling', () => {
    expect([parseDuration('1h30m'), parseDuration('500ms'), parseDuration('1d'), parseDuration('0'), parseDuration('5'), parseDuration('1x')]).toEqual([5_400_000, 500, 86_400_000, 0, null, null]);
    expect([promDuration(5_400_000), promDuration(90_000), promDuration(604_800_000), promDuration(691_200_000), promDuration(0)]).toEqual(['1h30m', '1m30s', '1w', '8d', '0s']);
  });

  it('says durations in words', () => {
    expect([310, 3_020, 40_000, 960_000, 7_500_000, 273_600_000].map((ms) => words(sayDuration(ms)))).toEqual(['310 ms', '3 s', '40 s', '16 min', '2 h 5 min', '3 d 4 h']);
    expect(words(sayAgo(now - 960_000, now))).toBe('16 min ago');
    expect(words(sayAgo(now + 300_000, now))).toBe('in 5 min');
    expect(sayAgo(now, now)).toBe('just now');
  });

  it('picks round steps within the limit of points', () => {
    expect([niceStep(3_600_000, 1_000), niceStep(3_600_000, 360), niceStep(86_400_000, 800), niceStep(300_000, 1_000, 15)]).toEqual([5, 10, 120, 15]);
    expect(90 * 86_400 / niceStep(90 * 86_400_000, 1e9)).toBeLessThanOrEqual(11_000);
  });
});

describe('the clock', () => {
  it('shows 24 hours in the zone', () => {
    expect([hourMinute(now, 'utc'), clockMs(now, 'utc'), longDate(now, 'utc'), fullTime(now, 'utc')]).toEqual(['02:31', '02:31:08.655', 'Sunday 22 November, 02:31', '2026-11-22 02:31:08.655 UTC']);
    expect(absoluteText(now, 'utc')).toBe('2026-11-22 02:31:08');
  });

  it('adds the date on another day', () => {
    expect(timeOrDate(now - 60_000, now, 'utc')).toBe('02:30:08');
    expect(timeOrDate(now - 86_400_000, now, 'utc')).toBe('21 Nov 02:31');
  });
});
