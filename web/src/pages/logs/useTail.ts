import { useCallback, useEffect, useRef, useState } from 'react';
import { sortLines, tail, toNs, type LogLine } from '../../api/loki';

/** Lines kept on the page while tailing; older ones leave. */
export const tailMax = 5_000;
/** Lines kept while paused; more are counted as dropped. */
const waitingMax = 10_000;

export interface TailState {
  lines: LogLine[];
  /** Lines that came while paused. */
  waiting: number;
  dropped: number;
  /** Lines per second over the last five seconds. */
  rate: number;
  /** Why it ended; null while it runs. */
  ended: string | null;
}

const nothing: TailState = { lines: [], waiting: 0, dropped: 0, rate: 0, ended: null };

/** Follows the query while `running`; lines are shown in batches, four times a second, newest first. */
export function useTail(query: string, running: boolean, paused: boolean): TailState & { restart: () => void } {
  const [state, setState] = useState<TailState>(nothing);
  const [round, setRound] = useState(0);
  const buffer = useRef<LogLine[]>([]);
  const dropped = useRef(0);
  const arrived = useRef<{ at: number; count: number }[]>([]);
  const isPaused = useRef(paused);
  isPaused.current = paused;

  useEffect(() => {
    if (!running || query === '') {
      setState(nothing);
      return undefined;
    }
    buffer.current = [];
    dropped.current = 0;
    arrived.current = [];
    setState(nothing);
    const stop = tail(query, toNs(Date.now() - 60_000), {
      onLines: (lines, lost) => {
        arrived.current.push({ at: Date.now(), count: lines.length });
        dropped.current += lost;
        buffer.current.push(...lines);
        const over = buffer.current.length - waitingMax;
        if (over > 0) {
          buffer.current.splice(0, over);
          dropped.current += over;
        }
      },
      onClose: (reason) => setState((now) => ({ ...now, ended: reason || 'The server ended the tail.' })),
    });
    const timer = window.setInterval(() => {
      const present = Date.now();
      arrived.current = arrived.current.filter((each) => present - each.at < 5_000);
      const rate = arrived.current.reduce((sum, each) => sum + each.count, 0) / 5;
      const fresh = isPaused.current ? [] : sortLines(buffer.current.splice(0), true);
      setState((now) => ({
        ...now,
        lines: fresh.length === 0 ? now.lines : [...fresh, ...now.lines].slice(0, tailMax),
        waiting: buffer.current.length,
        dropped: dropped.current,
        rate,
      }));
    }, 250);
    return () => {
      stop();
      window.clearInterval(timer);
    };
  }, [query, running, round]);

  const restart = useCallback(() => setRound((now) => now + 1), []);
  return { ...state, restart };
}
