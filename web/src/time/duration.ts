/** Durations: the Prometheus spelling (1h30m) in, plain words out. */

const unitMs: Record<string, number> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
};

/** Milliseconds of a Prometheus duration such as `1h30m` or `500ms`; null when it is not one. */
export function parseDuration(text: string): number | null {
  const trimmed = text.trim();
  if (trimmed === '0') return 0;
  if (!/^(\d+(ms|[smhdwy]))+$/.test(trimmed)) return null;
  let total = 0;
  for (const part of trimmed.matchAll(/(\d+)(ms|[smhdwy])/g)) {
    total += Number(part[1]) * (unitMs[part[2] ?? ''] ?? 0);
  }
  return total;
}

/** The shortest Prometheus spelling, e.g. 5 400 000 → `1h30m`. */
export function promDuration(ms: number): string {
  if (ms <= 0) return '0s';
  let rest = Math.round(ms);
  let text = '';
  for (const unit of ['w', 'd', 'h', 'm', 's', 'ms']) {
    const size = unitMs[unit] ?? 1;
    const count = Math.floor(rest / size);
    if (count === 0) continue;
    if (unit === 'w' && rest % size !== 0) continue;
    text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}

const nbsp = '\u00a0';

/** A length of time for people, at most two units: `310 ms`, `40 s`, `16 min`, `2 h 5 min`, `3 d 4 h`. */
export function sayDuration(ms: number): string {
  const abs = Math.abs(ms);
  if (abs < 1) return `0${nbsp}s`;
  if (abs < 1_000) return `${Math.round(abs)}${nbsp}ms`;
  if (abs < 10_000) return `${Number((abs / 1_000).toFixed(1))}${nbsp}s`;
  const seconds = Math.round(abs / 1_000);
  if (seconds < 60) return `${seconds}${nbsp}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}${nbsp}min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return two(hours, 'h', minutes % 60, 'min');
  const days = Math.floor(hours / 24);
  return two(days, 'd', hours % 24, 'h');
}

function two(big: number, bigUnit: string, small: number, smallUnit: string): string {
  const head = `${big}${nbsp}${bigUnit}`;
  return small === 0 ? head : `${head} ${small}${nbsp}${smallUnit}`;
}

/** `16 min ago`, `just now` below two seconds, `in 5 min` for the future. */
export function sayAgo(atMs: number, nowMs: number): string {
  const gone = nowMs - atMs;
  if (Math.abs(gone) < 2_000) return 'just now';
  return gone > 0 ? `${sayDuration(gone)} ago` : `in ${sayDuration(gone)}`;
}

const niceSteps = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1_200, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 604_800, 2_592_000];

/** The step for a range drawn on `points` pixels: a round number of seconds, never under `minSeconds`, never over 11 000 points. */
export function niceStep(rangeMs: number, points: number, minSeconds = 1): number {
  const wanted = Math.max(rangeMs / 1_000 / Math.max(points, 1), minSeconds, rangeMs / 1_000 / 11_000);
  return niceSteps.find((step) => step >= wanted) ?? Math.ceil(wanted / 2_592_000) * 2_592_000;
}
