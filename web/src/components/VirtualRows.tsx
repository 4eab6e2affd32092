import { useVirtualizer } from '@tanstack/react-virtual';
import { useRef, type ReactNode } from 'react';

interface Props {
  /** Table head cells. */
  head: ReactNode;
  columns: number;
  count: number;
  /** Usual height of a row, px. */
  rowHeight: number;
  /** A complete `<tr>`; spread the given props on it. */
  row: (index: number, props: { ref: (element: HTMLTableRowElement | null) => void; 'data-index': number }) => ReactNode;
  rowKey: (index: number) => string;
  label: string;
  testId?: string;
  maxHeight?: string;
}

/** A real table of which only the seen rows are drawn: fifty thousand rows scroll like fifty. */
export function VirtualRows({ head, columns, count, rowHeight, row, rowKey, label, testId, maxHeight = 'max(360px, calc(100dvh - 236px))' }: Props) {
  const box = useRef<HTMLDivElement | null>(null);
  const rows = useVirtualizer({ count, getScrollElement: () => box.current, estimateSize: () => rowHeight, overscan: 12, getItemKey: rowKey });
  const items = rows.getVirtualItems();
  const before = items[0]?.start ?? 0;
  const after = rows.getTotalSize() - (items.at(-1)?.end ?? 0);
  return (
    <div ref={box} style={{ maxHeight, overflow: 'auto' }}>
      <table className="table items" aria-label={label} aria-rowcount={count} data-testid={testId}>
        <thead>{head}</thead>
        <tbody>
          {before > 0 && (
            <tr aria-hidden style={{ height: before, padding: 0, border: 0 }}>
              <td colSpan={columns} style={{ padding: 0, height: before, border: 0 }} />
            </tr>
          )}
          {items.map((item) => row(item.index, { ref: rows.measureElement, 'data-index': item.index }))}
          {after > 0 && (
            <tr aria-hidden style={{ height: after, padding: 0, border: 0 }}>
              <td colSpan={columns} style={{ padding: 0, height: after, border: 0 }} />
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}
