/** Points in time as text. One 24-hour form everywhere, in the zone the reader picked. */

import type { Zone } from './range';

interface Parts {
  year: number;
  month: number;
  day: number;
  weekday: number;
  hour: number;
  minute: number;
  second: number;
  ms: number;
}

const months = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

function parts(atMs: number, zone: Zone): Parts {
  const d = new Date(atMs);
  return zone === 'utc'
    ? { year: d.getUTCFullYear(), month: d.getUTCMonth(), day: d.getUTCDate(), weekday: d.getUTCDay(), hour: d.getUTCHours(), minute: d.getUTCMinutes(), second: d.getUTCSeconds(), ms: d.getUTCMilliseconds() }
    : { year: d.getFullYear(), month: d.getMonth(), day: d.getDate(), weekday: d.getDay(), hour: d.getHours(), minute: d.getMinutes(), second: d.getSeconds(), ms: d.getMilliseconds() };
}

const pad = (value: number, width = 2) => String(value).padStart(width, '0');

/** `02:31` */
export function hourMinute(atMs: number, zone: Zone): string {
  const p = parts(atMs, zone);
  return `${pad(p.hour)}:${pad(p.minute)}`;
}

/** `02:31:08` */
export function clockTime(atMs: number, zone: Zone): string {
  const p = parts(atMs, zone);
  return `${pad(p.hour)}:${pad(p.minute)}:${pad(p.second)}`;
}

/** `02:31:08.914` */
export function clockMs(atMs: number, zone: Zone): string {
  return `${clockTime(atMs, zone)}.${pad(parts(atMs, zone).ms, 3)}`;
}

/** `22 Nov` */
export function dayMonth(atMs: number, zone: Zone): string {
  const p = parts(atMs, zone);
  return `${p.day} ${(months[p.month] ?? '').slice(0, 3)}`;
}

/** `Sunday 22 November, 02:31` */
export function longDate(atMs: number, zone: Zone): string {
  const p = parts(atMs, zone);
  return `${weekdays[p.weekday]} ${p.day} ${months[p.month]}, ${pad(p.hour)}:${pad(p.minute)}`;
}

/** `2026-11-22 02:31:08.914 UTC`: complete, for hover and copying. */
export function fullTime(atMs: number, zone: Zone): string {
  const p = parts(atMs, zone);
  return `${p.year}-${pad(p.month + 1)}-${pad(p.day)} ${clockMs(atMs, zone)} ${zoneName(zone, atMs)}`;
}

/** The time alone on the reader's own day, with the date before it on another day. */
export function timeOrDate(atMs: number, nowMs: number, zone: Zone): string {
  return sameDay(atMs, nowMs, zone) ? clockTime(atMs, zone) : `${dayMonth(atMs, zone)} ${hourMinute(atMs, zone)}`;
}

export function sameDay(oneMs: number, otherMs: number, zone: Zone): boolean {
  const one = parts(oneMs, zone);
  const other = parts(otherMs, zone);
  return one.day === other.day && one.month === other.month && one.year === other.year;
}

/** `UTC` or the browser's offset such as `UTC+01:00`. */
export function zoneName(zone: Zone, atMs = Date.now()): string {
  if (zone === 'utc') return 'UTC';
  const minutes = -new Date(atMs).getTimezoneOffset();
  if (minutes === 0) return 'UTC';
  const sign = minutes < 0 ? '\u2212' : '+';
  return `UTC${sign}${pad(Math.floor(Math.abs(minutes) / 60))}:${pad(Math.abs(minutes) % 60)}`;
}
