/** Time ranges as the address bar holds them: `from` and `to`, each epoch ms, ISO, or `now` with offsets and rounding. */

import { promDuration, parseDuration } from './duration';

export type Zone = 'browser' | 'utc';

export interface RawRange {
  from: string;
  to: string;
}

/** Both ends in Unix milliseconds; `to` is never before `from`. */
export interface Span {
  fromMs: number;
  toMs: number;
}

export const defaultRange: RawRange = { from: 'now-1h', to: 'now' };

export const quickRanges: (RawRange & { name: string })[] = [
  { name: 'Last 5 min', from: 'now-5m', to: 'now' },
  { name: 'Last 15 min', from: 'now-15m', to: 'now' },
  { name: 'Last 30 min', from: 'now-30m', to: 'now' },
  { name: 'Last 1 h', from: 'now-1h', to: 'now' },
  { name: 'Last 3 h', from: 'now-3h', to: 'now' },
  { name: 'Last 6 h', from: 'now-6h', to: 'now' },
  { name: 'Last 12 h', from: 'now-12h', to: 'now' },
  { name: 'Last 24 h', from: 'now-24h', to: 'now' },
  { name: 'Last 2 days', from: 'now-2d', to: 'now' },
  { name: 'Last 7 days', from: 'now-7d', to: 'now' },
  { name: 'Last 30 days', from: 'now-30d', to: 'now' },
  { name: 'Last 90 days', from: 'now-90d', to: 'now' },
  { name: 'Today', from: 'now/d', to: 'now/d' },
  { name: 'Today so far', from: 'now/d', to: 'now' },
  { name: 'Yesterday', from: 'now-1d/d', to: 'now-1d/d' },
  { name: 'This week', from: 'now/w', to: 'now/w' },
];

export const refreshChoices: { name: string; value: string }[] = [
  { name: 'Off', value: 'off' },
  ...['5s', '10s', '30s', '1m', '5m', '15m', '30m', '1h', '1d'].map((value) => ({ name: value.replace(/(\d+)(\w)/, '$1 $2').replace(' m', ' min'), value })),
];

/** Milliseconds between refreshes; 0 is off; null when the text is no interval. */
export function parseRefresh(text: string | null): number | null {
  if (text === null || text === '') return null;
  if (text === 'off') return 0;
  const ms = parseDuration(text);
  return ms === null || ms < 1_000 ? null : ms;
}

/**
 * Unix milliseconds of one end of a range, or null when it cannot be read.
 * `roundUp` decides what `now/d` means: the start of the day for `from`, its last millisecond for `to`.
 */
export function parseTime(text: string, nowMs: number, zone: Zone, roundUp: boolean): number | null {
  const trimmed = text.trim();
  if (/^\d{9,10}$/.test(trimmed)) return Number(trimmed) * 1_000;
  if (/^\d{11,15}$/.test(trimmed)) return Number(trimmed);
  if (trimmed.startsWith('now')) return parseRelative(trimmed.slice(3), nowMs, zone, roundUp);
  return parseAbsolute(trimmed, zone);
}

function parseAbsolute(text: string, zone: Zone): number | null {
  const match = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3})\d*)?)?)?(Z|[+-]\d\d:?\d\d)?$/.exec(text);
  if (match === null) return null;
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '0', offset] = match;
  const parts = [Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second), Number(fraction.padEnd(3, '0'))] as const;
  if (parts[1] > 11 || parts[2] < 1 || parts[2] > 31 || parts[3] > 23 || parts[4] > 59 || parts[5] > 59) return null;
  if (offset !== undefined) {
    const utc = Date.UTC(...parts);
    if (offset === 'Z') return utc;
    const digits = offset.slice(1).replace(':', '');
    const shift = (Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2))) * 60_000;
    return offset.startsWith('-') ? utc + shift : utc - shift;
  }
  return zone === 'utc' ? Date.UTC(...parts) : new Date(...parts).getTime();
}

function parseRelative(text: string, nowMs: number, zone: Zone, roundUp: boolean): number | null {
  let at = nowMs;
  let rest = text;
  while (rest !== '') {
    const match = /^(?:([+-])(\d+)(ms|[smhdwMy])|\/([smhdwMy]))/.exec(rest);
    if (match === null) return null;
    if (match[4] !== undefined) {
      const start = floorTo(at, match[4], zone);
      at = roundUp ? addUnits(start, 1, match[4], zone) - 1 : start;
    } else {
      const count = Number(match[2]) * (match[1] === '-' ? -1 : 1);
      at = addUnits(at, count, match[3] ?? 's', zone);
    }
    rest = rest.slice(match[0].length);
  }
  return at;
}

const fixedUnits: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

function addUnits(at: number, count: number, unit: string, zone: Zone): number {
  const fixed = fixedUnits[unit];
  if (fixed !== undefined) return at + count * fixed;
  const date = new Date(at);
  const utc = zone === 'utc';
  switch (unit) {
    case 'M':
      return utc ? date.setUTCMonth(date.getUTCMonth() + count) : date.setMonth(date.getMonth() + count);
    case 'y':
      return utc ? date.setUTCFullYear(date.getUTCFullYear() + count) : date.setFullYear(date.getFullYear() + count);
    default: {
      const days = unit === 'w' ? count * 7 : count;
      return utc ? date.setUTCDate(date.getUTCDate() + days) : date.setDate(date.getDate() + days);
    }
  }
}

/** Start of the unit that holds `at`; a week starts on Monday. */
function floorTo(at: number, unit: string, zone: Zone): number {
  const fixed = fixedUnits[unit];
  if (fixed !== undefined) return Math.floor(at / fixed) * fixed;
  const date = new Date(at);
  const utc = zone === 'utc';
  if (utc) date.setUTCHours(0, 0, 0, 0);
  else date.setHours(0, 0, 0, 0);
  if (unit === 'w') {
    const weekday = ((utc ? date.getUTCDay() : date.getDay()) + 6) % 7;
    return addUnits(date.getTime(), -weekday, 'd', zone);
  }
  if (unit === 'M' || unit === 'y') {
    if (utc) date.setUTCDate(1);
    else date.setDate(1);
  }
  if (unit === 'y') {
    if (utc) date.setUTCMonth(0);
    else date.setMonth(0);
  }
  return date.getTime();
}

/** Both ends resolved, or the sentence that says what is wrong. */
export function resolveRange(range: RawRange, nowMs: number, zone: Zone): Span | { problem: string } {
  const fromMs = parseTime(range.from, nowMs, zone, false);
  if (fromMs === null) return { problem: `"${range.from}" is no time; write now-1h, 2026-11-22 02:00 or epoch milliseconds` };
  const toMs = parseTime(range.to, nowMs, zone, true);
  if (toMs === null) return { problem: `"${range.to}" is no time; write now, 2026-11-22 02:30 or epoch milliseconds` };
  if (toMs <= fromMs) return { problem: 'The end of the range must be after its start' };
  return { fromMs, toMs };
}

/** The range in words: its quick name, `Last 90 s`, or both ends. */
export function sayRange(range: RawRange, zone: Zone): string {
  const quick = quickRanges.find((each) => each.from === range.from && each.to === range.to);
  if (quick !== undefined) return quick.name;
  const last = /^now-(\d+)(s|m|h|d|w|M|y)$/.exec(range.from);
  if (range.to === 'now' && last !== null) {
    const words: Record<string, string> = { s: 's', m: 'min', h: 'h', d: 'days', w: 'weeks', M: 'months', y: 'years' };
    return `Last ${last[1]} ${words[last[2] ?? 's']}`;
  }
  return `${sayEnd(range.from, zone)} to ${sayEnd(range.to, zone)}`;
}

function sayEnd(text: string, zone: Zone): string {
  if (text.startsWith('now')) return text;
  const at = parseTime(text, 0, zone, false);
  return at === null ? text : absoluteText(at, zone).slice(5, 16);
}

/** `2026-11-22 02:30:00` in the zone: the form the picker's fields take back. */
export function absoluteText(atMs: number, zone: Zone): string {
  const date = new Date(atMs);
  const pad = (value: number) => String(value).padStart(2, '0');
  return zone === 'utc'
    ? date.toISOString().slice(0, 19).replace('T', ' ')
    : `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())} ${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
}

export function isRelative(range: RawRange): boolean {
  return range.from.startsWith('now') || range.to.startsWith('now');
}

export function absoluteRange(span: Span): RawRange {
  return { from: String(Math.round(span.fromMs)), to: String(Math.round(span.toMs)) };
}

/** Twice as long around the same middle; a range that ends now keeps ending now. */
export function zoomOut(range: RawRange, span: Span): RawRange {
  const length = span.toMs - span.fromMs;
  if (range.to === 'now') return { from: `now-${promDuration(length * 2)}`, to: 'now' };
  return absoluteRange({ fromMs: span.fromMs - length / 2, toMs: span.toMs + length / 2 });
}

/** Moved by half its length, back (-1) or forth (1), never past now. */
export function shiftRange(span: Span, direction: -1 | 1, nowMs: number): RawRange {
  const length = span.toMs - span.fromMs;
  const toMs = Math.min(span.toMs + (direction * length) / 2, nowMs);
  return absoluteRange({ fromMs: toMs - length, toMs });
}

/** A range pasted as `from to`, `{"from":…,"to":…}` or a query string. */
export function parsePastedRange(text: string): RawRange | null {
  const trimmed = text.trim();
  try {
    const value: unknown = JSON.parse(trimmed);
    if (typeof value === 'object' && value !== null && 'from' in value && 'to' in value) {
      return { from: String(value.from), to: String(value.to) };
    }
  } catch {
    // Not JSON: the other forms follow.
  }
  const query = new URLSearchParams(trimmed.slice(trimmed.indexOf('?') + 1));
  const from = query.get('from');
  const to = query.get('to');
  return from !== null && to !== null ? { from, to } : null;
}
