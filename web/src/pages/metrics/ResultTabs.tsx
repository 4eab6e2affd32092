import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef } from 'react';
import type { QueryResult } from '../../api/prometheus';
import { Chips } from '../../components/Chips';
import { CopyButton, Empty } from '../../components/Views';
import { sampleValue } from '../../format/number';
import { labelsKey } from '../../format/labels';

/** The newest value of each series; rows are drawn only where they are seen. */
export function TableTab({ results, onPick }: { results: readonly QueryResult[]; onPick: (name: string, value: string, equal: boolean) => void }) {
  const box = useRef<HTMLDivElement | null>(null);
  const rows = useMemo(() => results.flatMap((result, query) => result.series.map((each) => ({ ...each, key: `${query} ${labelsKey(each.labels)}` }))), [results]);
  const rowsSeen = useVirtualizer({ count: rows.length, getScrollElement: () => box.current, estimateSize: () => 33, overscan: 12 });
  const text = results.find((each) => each.type === 'string')?.text;
  if (text !== undefined) return <pre className="well" style={{ margin: 12 }}>{text}</pre>;
  if (rows.length === 0) return <Empty title="No series match at the end of the range." />;
  return (
    <div ref={box} style={{ maxHeight: 'max(320px, calc(100dvh - 320px))', overflow: 'auto' }} role="table" aria-rowcount={rows.length} data-testid="result-table">
      <div style={{ height: rowsSeen.getTotalSize(), position: 'relative' }}>
        {rowsSeen.getVirtualItems().map((item) => {
          const row = rows[item.index];
          if (row === undefined) return null;
          const value = row.values.at(-1);
          return (
            <div key={row.key} ref={rowsSeen.measureElement} data-index={item.index} role="row" className="result-row" style={{ transform: `translateY(${item.start}px)` }}>
              <span role="cell" className="row wrap grow">
                <b className="mono">{row.labels['__name__'] ?? ''}</b>
                <Chips labels={row.labels} hide={['__name__']} max={20} onPick={onPick} />
              </span>
              <span role="cell" className="t1 nowrap">{value === undefined ? (row.histogram === null ? '–' : 'histogram') : sampleValue(value)}</span>
            </div>
          );
        })}
      </div>
    </div>
  );
}

const rawMax = 200_000;

/** The answer as the server sent it. */
export function RawTab({ values }: { values: readonly unknown[] }) {
  const text = useMemo(() => values.map((each) => JSON.stringify(each, null, 2)).join('\n\n'), [values]);
  return (
    <div style={{ position: 'relative' }}>
      <div style={{ position: 'absolute', right: 12, top: 8 }}>
        <CopyButton value={text} label="Copy the answer" />
      </div>
      <pre className="well" style={{ margin: 12, maxHeight: '60vh' }} data-testid="raw">
        {text.slice(0, rawMax)}
        {text.length > rawMax ? `\n… ${text.length - rawMax} more characters; copy to see all` : ''}
      </pre>
    </div>
  );
}
