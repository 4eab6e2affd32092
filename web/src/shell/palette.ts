import type { RoutedAlert } from '../api/alertmanager';
import { labelsKey } from '../format/labels';
import type { NavPage } from './pages';

export interface PaletteEntry {
  group: 'Go to' | 'Alerts' | 'Metrics' | 'Run';
  name: string;
  place: string;
  to: string;
  logs?: boolean;
}

export interface PaletteSources {
  pages: readonly NavPage[];
  alerts: readonly RoutedAlert[];
  metrics: readonly string[];
  /** Whether the Explore pages are there to run queries. */
  explore: boolean;
  foreign: (path: string, search: string, hash: string) => string | null;
}

/** 0 for a match at the start, 1 at the start of a word, 2 inside, 3 for scattered letters, null for none. */
export function matchRank(name: string, wanted: string): number | null {
  if (wanted === '') return 2;
  const low = name.toLowerCase();
  const want = wanted.toLowerCase();
  const at = low.indexOf(want);
  if (at === 0) return 0;
  if (at > 0) return /[^a-z0-9]/.test(low[at - 1] ?? '') ? 1 : 2;
  let from = 0;
  for (const letter of want.replaceAll(' ', '')) {
    from = low.indexOf(letter, from) + 1;
    if (from === 0) return null;
  }
  return 3;
}

function best<T>(items: readonly T[], name: (item: T) => string, wanted: string, max: number): T[] {
  return items
    .map((item) => ({ item, rank: matchRank(name(item), wanted) }))
    .filter((each) => each.rank !== null)
    .sort((a, b) => (a.rank ?? 0) - (b.rank ?? 0) || (name(a.item) < name(b.item) ? -1 : 1))
    .slice(0, max)
    .map((each) => each.item);
}

/** What the palette offers for a text, grouped in a fixed order. */
export function paletteEntries(input: string, from: PaletteSources): PaletteEntry[] {
  const text = input.trim();
  const entries: PaletteEntry[] = [];
  const address = pastedAddress(text, from);
  if (address !== null) entries.push({ group: 'Go to', name: 'Open this address', place: address.split('?')[0] ?? '', to: address });
  for (const page of best(from.pages, (each) => each.name, text, 9)) {
    entries.push({ group: 'Go to', name: page.name, place: `g ${page.key}`, to: page.to });
  }
  if (text !== '') {
    for (const alert of best(from.alerts, (each) => `${each.labels['alertname'] ?? ''} ${Object.values(each.labels).join(' ')}`, text, 6)) {
      entries.push({ group: 'Alerts', name: alert.labels['alertname'] ?? 'alert', place: alert.labels['severity'] ?? alert.state, to: `/alerting/explain?labels=${encodeURIComponent(labelsKey(alert.labels))}` });
    }
    for (const metric of best(from.metrics, (each) => each, text, 8)) {
      entries.push({ group: 'Metrics', name: metric, place: 'Explore', to: `/explore/metrics?q=${encodeURIComponent(metric)}` });
    }
    if (from.explore && address === null && looksLikeQuery(text)) {
      const q = encodeURIComponent(text);
      const logs: PaletteEntry = { group: 'Run', name: text, place: 'as LogQL', to: `/explore/logs?q=${q}`, logs: true };
      const metrics: PaletteEntry = { group: 'Run', name: text, place: 'as PromQL', to: `/explore/metrics?q=${q}` };
      entries.push(...(text.startsWith('{') ? [logs, metrics] : [metrics, logs]));
    }
  }
  return entries;
}

function looksLikeQuery(text: string): boolean {
  return /[{([]|\s[-+*/|]\s|=/.test(text);
}

function pastedAddress(text: string, from: PaletteSources): string | null {
  if (!/^(https?:\/\/|\/)/.test(text)) return null;
  try {
    const url = new URL(text, 'http://here');
    return from.foreign(url.pathname, url.search, url.hash) ?? `${url.pathname}${url.search}`;
  } catch {
    return null;
  }
}
