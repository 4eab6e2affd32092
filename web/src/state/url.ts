/** The address bar is the state: reading it, changing it, and carrying the shared part along. */

import { useCallback, useMemo } from 'react';
import { useSearchParams } from 'react-router';
import { parseDuration } from '../time/duration';
import { parseTime } from '../time/range';

/** What every link inside the page keeps. */
export const sharedNames = ['from', 'to', 'timezone', 'refresh', 'tenant'] as const;

/** `path?own&shared`: a link's own parameters win over those carried along. */
export function keepShared(target: string, current: URLSearchParams): string {
  const [beforeHash = '', hash] = target.split('#');
  const [path = '', own = ''] = beforeHash.split('?');
  const query = new URLSearchParams(own);
  for (const name of sharedNames) {
    const value = current.get(name);
    if (value !== null && !query.has(name)) query.set(name, value);
  }
  const text = query.toString();
  return `${path}${text === '' ? '' : `?${text}`}${hash === undefined ? '' : `#${hash}`}`;
}

/** A copy with the changes made; null and empty remove a name. */
export function changed(current: URLSearchParams, changes: Record<string, string | null | undefined>): URLSearchParams {
  const next = new URLSearchParams(current);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === undefined || value === '') next.delete(name);
    else next.set(name, value);
  }
  return next;
}

/** A value in the address bar; `set` makes a history entry unless told to replace. */
export function useParam(name: string, otherwise = ''): [string, (value: string | null, replace?: boolean) => void] {
  const [params, setParams] = useSearchParams();
  const set = useCallback(
    (value: string | null, replace = false) => setParams((now) => changed(now, { [name]: value === otherwise ? null : value }), { replace }),
    [name, otherwise, setParams],
  );
  return [params.get(name) ?? otherwise, set];
}

/** Changes several values at once, as one step of history. */
export function useChangeParams(): (changes: Record<string, string | null | undefined>, replace?: boolean) => void {
  const [, setParams] = useSearchParams();
  return useCallback((changes, replace = false) => setParams((now) => changed(now, changes), { replace }), [setParams]);
}

/** Turns a path of the page into one that carries the shared part. */
export function useKeep(): (target: string) => string {
  const [params] = useSearchParams();
  return useMemo(() => (target: string) => keepShared(target, params), [params]);
}

/** Where addresses of Prometheus and Alertmanager lead here; null when it is none of theirs. */
export function foreignAddress(path: string, search: string, hash: string): string | null {
  const query = new URLSearchParams(search);
  if (path === '/graph' || path === '/query' || path === '/prometheus/graph' || path === '/prometheus/query') return prometheusLink(query);
  if (path === '/rules' || path === '/prometheus/rules') return '/alerting/rules';
  if (path === '/prometheus/alerts') return '/alerting';
  const silence = /^#\/silences\/([0-9a-fA-F-]+)/.exec(hash);
  if (silence !== null) return `/alerting/silences?id=${silence[1]}`;
  if (hash.startsWith('#/silences')) return '/alerting/silences';
  if (hash.startsWith('#/alerts')) {
    const inner = new URLSearchParams(hash.split('?')[1] ?? '');
    const own = new URLSearchParams();
    const filter = (inner.get('filter') ?? '').replace(/^\{|\}$/g, '');
    if (filter !== '') own.set('filter', filter);
    const receiver = inner.get('receiver');
    if (receiver !== null) own.set('receiver', receiver);
    return `/alerting${own.size === 0 ? '' : `?${own}`}`;
  }
  return null;
}

function prometheusLink(query: URLSearchParams): string {
  const own = new URLSearchParams();
  const expr = query.get('g0.expr');
  if (expr !== null) own.set('q', expr);
  const tab = query.get('g0.tab');
  if (tab === '1' || tab === 'table') own.set('tab', 'table');
  const range = query.get('g0.range_input');
  const length = range === null ? null : parseDuration(range);
  if (length !== null && length > 0) {
    const end = query.get('g0.end_input') ?? '';
    const endMs = end === '' ? null : parseTime(end, Date.now(), 'utc', true);
    own.set('from', endMs === null ? `now-${range}` : String(endMs - length));
    own.set('to', endMs === null ? 'now' : String(endMs));
  }
  return `/explore/metrics${own.size === 0 ? '' : `?${own}`}`;
}
