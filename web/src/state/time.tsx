/** The page's time: range, zone and refresh from the address bar, and the tick that makes queries run again. */

import { createContext, useCallback, useContext, useEffect, useMemo, useState, useSyncExternalStore, type ReactNode } from 'react';
import { useSearchParams } from 'react-router';
import { defaultRange, parseRefresh, resolveRange, type RawRange, type Span, type Zone } from '../time/range';
import { changed } from './url';

interface Ticker {
  tick: number;
  refreshNow: () => void;
}

const TickContext = createContext<Ticker>({ tick: 0, refreshNow: () => undefined });

const zoneKey = 'pharos.timezone';

export interface TimeState {
  range: RawRange;
  zone: Zone;
  /** The text in the address bar; empty where the page's own default holds. */
  refresh: string;
  tick: number;
  refreshNow: () => void;
  /** Both ends now, or the default range where the address holds nonsense. */
  resolve: () => Span;
  problem: string | null;
  setRange: (range: RawRange) => void;
  setZone: (zone: Zone) => void;
  setRefresh: (value: string) => void;
}

export function useTime(): TimeState {
  const [params, setParams] = useSearchParams();
  const { tick, refreshNow } = useContext(TickContext);
  const range = useMemo<RawRange>(() => ({ from: params.get('from') ?? defaultRange.from, to: params.get('to') ?? defaultRange.to }), [params]);
  const zone = useZone();
  const refresh = params.get('refresh') ?? '';
  const checked = resolveRange(range, Date.now(), zone);
  const resolve = useCallback((): Span => {
    const span = resolveRange(range, Date.now(), zone);
    if ('fromMs' in span) return span;
    const now = Date.now();
    return { fromMs: now - 3_600_000, toMs: now };
  }, [range, zone]);
  const setRange = useCallback((next: RawRange) => setParams((now) => changed(now, { from: next.from === defaultRange.from && next.to === 'now' ? null : next.from, to: next.to === 'now' ? null : next.to })), [setParams]);
  const setZone = useCallback(
    (next: Zone) => {
      localStorage.setItem(zoneKey, next);
      setParams((now) => changed(now, { timezone: next }), { replace: true });
    },
    [setParams],
  );
  const setRefresh = useCallback((value: string) => setParams((now) => changed(now, { refresh: value }), { replace: true }), [setParams]);
  return { range, zone, refresh, tick, refreshNow, resolve, problem: 'problem' in checked ? checked.problem : null, setRange, setZone, setRefresh };
}

/** The zone in which times are shown: the address bar's, else the one picked last, else the browser's. */
export function useZone(): Zone {
  const [params] = useSearchParams();
  const picked = params.get('timezone') ?? localStorage.getItem(zoneKey);
  return picked === 'utc' ? 'utc' : 'browser';
}

/** Milliseconds between the page's refreshes, `otherwise` where the reader picked none; false is off. */
export function useRefreshMs(otherwise: number): number | false {
  const [params] = useSearchParams();
  const hidden = useHidden();
  const ms = parseRefresh(params.get('refresh')) ?? otherwise;
  return ms === 0 || hidden ? false : ms;
}

/** Ticks at the picked interval while the tab is visible, and whenever refresh is pressed. */
export function TickProvider({ children }: { children: ReactNode }) {
  const [tick, setTick] = useState(0);
  const refreshNow = useCallback(() => setTick((now) => now + 1), []);
  const every = useRefreshMs(0);
  useEffect(() => {
    if (every === false) return undefined;
    const timer = window.setInterval(refreshNow, every);
    return () => window.clearInterval(timer);
  }, [every, refreshNow]);
  const value = useMemo(() => ({ tick, refreshNow }), [tick, refreshNow]);
  return <TickContext value={value}>{children}</TickContext>;
}

function subscribeVisibility(listener: () => void): () => void {
  document.addEventListener('visibilitychange', listener);
  return () => document.removeEventListener('visibilitychange', listener);
}

export function useHidden(): boolean {
  return useSyncExternalStore(subscribeVisibility, () => document.hidden);
}

let nowMs = Date.now();
const watchers = new Set<() => void>();
let timer = 0;

function subscribeNow(listener: () => void): () => void {
  watchers.add(listener);
  if (timer === 0) {
    nowMs = Date.now();
    timer = window.setInterval(() => {
      nowMs = Date.now();
      watchers.forEach((each) => each());
    }, 1_000);
  }
  return () => {
    watchers.delete(listener);
    if (watchers.size === 0) {
      window.clearInterval(timer);
      timer = 0;
    }
  };
}

/** The present, for ages; renewed each `everyMs` so that a page of ages moves together. */
export function useNow(everyMs = 5_000): number {
  return useSyncExternalStore(subscribeNow, () => Math.floor(nowMs / everyMs) * everyMs);
}
