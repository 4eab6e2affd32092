import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, type KeyboardEvent } from 'react';
import type { LogLine } from '../../api/loki';
import { clockMs } from '../../time/clock';
import type { Zone } from '../../time/range';
import { highlight, levelColor, showLine } from './lines';

interface Props {
  lines: readonly LogLine[];
  wrap: boolean;
  zone: Zone;
  searched: readonly string[];
  picked: string;
  onPick: (line: LogLine) => void;
  onVisible: (first: LogLine | undefined, last: LogLine | undefined) => void;
  more: { loading: boolean; load: () => void; older: boolean } | null;
  end: string | null;
}

/** Letters of a line that are drawn; the details have all of it. */
const drawnMax = 2_000;

/** The lines, drawn only where they are seen. Arrows move, Enter opens the details. */
export function LineList({ lines, wrap, zone, searched, picked, onPick, onVisible, more, end }: Props) {
  const box = useRef<HTMLDivElement | null>(null);
  const rows = useVirtualizer({ count: lines.length, getScrollElement: () => box.current, estimateSize: () => 25, overscan: 20, getItemKey: (index) => lines[index]?.key ?? index });
  const items = rows.getVirtualItems();
  const first = items.find((each) => each.end > (rows.scrollOffset ?? 0))?.index ?? 0;
  const height = box.current?.clientHeight ?? 0;
  const last = items.filter((each) => each.start < (rows.scrollOffset ?? 0) + height).at(-1)?.index ?? first;
  const firstLine = lines[first];
  const lastLine = lines[last];

  useEffect(() => {
    onVisible(firstLine, lastLine);
  }, [firstLine, lastLine, onVisible]);

  useEffect(() => {
    rows.measure();
  }, [wrap, rows]);

  // Coming near the end fetches the next page.
  const nearEnd = (items.at(-1)?.index ?? 0) >= lines.length - 40;
  const load = useRef(more);
  load.current = more;
  useEffect(() => {
    const now = load.current;
    if (nearEnd && lines.length > 0 && now !== null && !now.loading && (rows.scrollOffset ?? 0) > 0) now.load();
  }, [nearEnd, lines.length, rows.scrollOffset]);

  const onKey = (event: KeyboardEvent) => {
    const at = lines.findIndex((line) => line.key === picked);
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step === 0) return;
    const next = at < 0 ? first : Math.min(lines.length - 1, Math.max(0, at + step));
    const line = lines[next];
    if (line === undefined) return;
    event.preventDefault();
    if (line.key !== picked) onPick(line);
    rows.scrollToIndex(next);
  };

  return (
    <div className={wrap ? 'lines wrapped' : 'lines'} ref={box} onKeyDown={onKey} data-testid="log-list">
      <div style={{ height: rows.getTotalSize() + 36, position: 'relative' }}>
        <div tabIndex={0} role="listbox" aria-label="Log lines" style={{ height: rows.getTotalSize() }}>
          {items.map((item) => {
            const line = lines[item.index];
            if (line === undefined) return null;
            const said = showLine(line);
            return (
              <div
                key={item.key}
                ref={rows.measureElement}
                data-index={item.index}
                className="log-row"
                role="option"
                aria-selected={line.key === picked}
                data-testid="log-row"
                data-level={said.level}
                style={{ transform: `translateY(${item.start}px)`, borderLeftColor: levelColor[said.level] }}
                onClick={() => {
                  if ((window.getSelection()?.toString() ?? '') === '') onPick(line);
                }}
              >
                <span className="at">{clockMs(line.ms, zone)}</span>
                <span className="level">{said.level === 'unknown' ? '' : said.level}</span>
                <span className="said">
                  {highlight(said.message.slice(0, drawnMax), searched).map((piece, at) => (piece.hit ? <mark key={at}>{piece.text}</mark> : piece.text))}
                  {said.rest !== '' && (
                    <span className="rest">
                      {' '}
                      {highlight(said.rest.slice(0, drawnMax), searched).map((piece, at) => (piece.hit ? <mark key={at}>{piece.text}</mark> : piece.text))}
                    </span>
                  )}
                </span>
              </div>
            );
          })}
        </div>
        <div style={{ position: 'absolute', top: rows.getTotalSize(), left: 0, right: 0, padding: '8px 12px' }} className="caption">
          {more !== null && (
            <button type="button" className="link-button" disabled={more.loading} onClick={more.load} data-testid="load-more">
              {more.loading ? 'Loading…' : `Load ${more.older ? 'older' : 'newer'} lines`}
            </button>
          )}
          {end}
        </div>
      </div>
    </div>
  );
}
