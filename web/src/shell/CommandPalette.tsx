import { Modal } from '@mantine/core';
import { IconAlertOctagonFilled, IconArrowRight, IconChartLine, IconListDetails, IconPlayerPlay } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState } from 'react';
import { useNavigate } from 'react-router';
import { metricNames } from '../api/prometheus';
import { foreignAddress, useKeep } from '../state/url';
import { navPages } from './pages';
import { paletteEntries, type PaletteEntry } from './palette';
import { useAlerts } from './queries';

const icons: Record<PaletteEntry['group'], typeof IconArrowRight> = {
  'Go to': IconArrowRight,
  Alerts: IconAlertOctagonFilled,
  Metrics: IconChartLine,
  Run: IconPlayerPlay,
};

/** Search over pages, alerts and metrics; takes a pasted query, label set or address. */
export function CommandPalette({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const navigate = useNavigate();
  const keep = useKeep();
  const list = useRef<HTMLDivElement | null>(null);
  const { data: alerts } = useAlerts();
  const { data: metrics } = useQuery({ queryKey: ['metric-names'], queryFn: ({ signal }) => metricNames(signal), staleTime: 60_000 });
  const built = navPages.some((each) => each.under === '/explore');
  const entries = useMemo(
    () => paletteEntries(text, { pages: navPages, alerts: alerts ?? [], metrics: built ? (metrics ?? []) : [], explore: built, foreign: foreignAddress }),
    [text, alerts, metrics, built],
  );
  const current = Math.min(at, Math.max(entries.length - 1, 0));

  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' });
  }, [current]);

  const go = (entry: PaletteEntry | undefined) => {
    if (entry === undefined) return;
    onClose();
    void navigate(keep(entry.to));
  };

  return (
    <Modal opened onClose={onClose} withCloseButton={false} padding={0} size={640} yOffset="15vh" classNames={{ content: 'popover' }} aria-label="Search or jump to">
      <input
        className="palette-input"
        placeholder="Page, alert, metric, query, label set or address"
        value={text}
        data-autofocus
        role="combobox"
        aria-expanded
        aria-controls="palette-list"
        aria-activedescendant={entries.length === 0 ? undefined : `palette-${current}`}
        data-testid="palette-input"
        onChange={(event) => {
          setText(event.target.value);
          setAt(0);
        }}
        onKeyDown={(event) => {
          if (event.key === 'ArrowDown') setAt(Math.min(current + 1, entries.length - 1));
          else if (event.key === 'ArrowUp') setAt(Math.max(current - 1, 0));
          else if (event.key === 'Enter') go(entries[current]);
          else return;
          event.preventDefault();
        }}
      />
      <div className="palette-list" id="palette-list" role="listbox" aria-label="Results" ref={list}>
        {entries.length === 0 && <p className="palette-group">Nothing has this name. A query or a label set can be pasted too.</p>}
        {entries.map((entry, index) => {
          const Icon = entry.logs === true ? IconListDetails : icons[entry.group];
          return (
            <div key={`${entry.group}\n${entry.to}\n${entry.name}`}>
              {entries[index - 1]?.group !== entry.group && <p className="palette-group">{entry.group}</p>}
              <button type="button" role="option" id={`palette-${index}`} aria-selected={index === current} tabIndex={-1} className={index === current ? 'menu-item active' : 'menu-item'} onClick={() => go(entry)} onMouseMove={() => setAt(index)}>
                <Icon size={16} stroke={1.75} aria-hidden className={entry.group === 'Alerts' ? 'tone-firing' : 't3'} />
                <span className="cut">{entry.name}</span>
                <span className="place">{entry.place}</span>
              </button>
            </div>
          );
        })}
      </div>
    </Modal>
  );
}
