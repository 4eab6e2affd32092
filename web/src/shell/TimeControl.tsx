import { Popover } from '@mantine/core';
import { IconChevronDown, IconClock, IconRefresh, IconZoomOut } from '@tabler/icons-react';
import { useEffect, useRef, useState } from 'react';
import { useLocation } from 'react-router';
import { useTime } from '../state/time';
import { zoneName } from '../time/clock';
import { absoluteRange, absoluteText, isRelative, parsePastedRange, parseTime, quickRanges, refreshChoices, resolveRange, sayRange, shiftRange, zoomOut, type RawRange } from '../time/range';

/** Pages that show what a span of time holds; the others show the present. */
const timed = ['/', '/explore/metrics', '/explore/logs'];

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName));
}

export function TimeControl() {
  const time = useTime();
  const { pathname } = useLocation();
  const withRange = timed.includes(pathname.replace(/(.)\/$/, '$1'));
  useTimeKeys(withRange);
  const refreshName = refreshChoices.find((each) => each.value === time.refresh)?.name ?? (time.refresh === '' ? 'Auto' : time.refresh);
  const [choosing, setChoosing] = useState(false);
  return (
    <span className="joined">
      {withRange && <RangeButton />}
      {withRange && (
        <button type="button" className="control dim hide-tablet" onClick={() => time.setZone(time.zone === 'utc' ? 'browser' : 'utc')} title={time.zone === 'utc' ? 'Times in UTC; click for local time' : 'Times in local time; click for UTC'} aria-label={`${time.zone === 'utc' ? 'UTC' : 'Local'}: time zone ${zoneName(time.zone)}`}>
          {time.zone === 'utc' ? 'UTC' : 'Local'}
        </button>
      )}
      <button type="button" className="control hide-phone" onClick={time.refreshNow} aria-label="Refresh now" title="Refresh now (d r)">
        <IconRefresh size={16} stroke={1.75} aria-hidden />
      </button>
      <Popover opened={choosing} onChange={setChoosing} position="bottom-end" shadow="none">
        <Popover.Target>
          <button type="button" className="control hide-tablet" onClick={() => setChoosing(!choosing)} aria-label={`Refresh every ${refreshName}`}>
            {refreshName}
            <IconChevronDown size={14} stroke={1.75} aria-hidden />
          </button>
        </Popover.Target>
        <Popover.Dropdown className="popover">
          {[{ name: 'Auto', value: '' }, ...refreshChoices].map((each) => (
            <button
              key={each.name}
              type="button"
              className={each.value === time.refresh ? 'menu-item on' : 'menu-item'}
              onClick={() => {
                setChoosing(false);
                time.setRefresh(each.value);
              }}
            >
              {each.name}
            </button>
          ))}
        </Popover.Dropdown>
      </Popover>
    </span>
  );
}

function RangeButton() {
  const time = useTime();
  const [open, setOpen] = useState(false);
  return (
    <Popover opened={open} onChange={setOpen} position="bottom-end" shadow="none" trapFocus returnFocus>
      <Popover.Target>
        <button type="button" className={isRelative(time.range) && time.range.to.startsWith('now') ? 'control' : 'control tint'} onClick={() => setOpen(!open)} data-testid="time-range" aria-label={`Time range: ${sayRange(time.range, time.zone)}`}>
          <IconClock size={16} stroke={1.75} aria-hidden />
          {sayRange(time.range, time.zone)}
        </button>
      </Popover.Target>
      <Popover.Dropdown className="popover">
        <RangeForm onDone={() => setOpen(false)} />
      </Popover.Dropdown>
    </Popover>
  );
}

function RangeForm({ onDone }: { onDone: () => void }) {
  const time = useTime();
  const show = (text: string) => {
    if (text.startsWith('now')) return text;
    const at = parseTime(text, Date.now(), time.zone, false);
    return at === null ? text : absoluteText(at, time.zone);
  };
  const [from, setFrom] = useState(() => show(time.range.from));
  const [to, setTo] = useState(() => show(time.range.to));
  const [filter, setFilter] = useState('');
  const checked = resolveRange({ from, to }, Date.now(), time.zone);
  const problem = 'problem' in checked ? checked.problem : null;
  const pick = (range: RawRange) => {
    time.setRange(range);
    onDone();
  };
  const apply = () => {
    if (problem !== null) return;
    const at = (text: string, up: boolean) => (text.trim().startsWith('now') ? text.trim() : String(parseTime(text, Date.now(), time.zone, up) ?? ''));
    pick({ from: at(from, false), to: at(to, true) });
  };
  return (
    <div className="time-popover">
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          apply();
        }}
        onPaste={(event) => {
          const pasted = parsePastedRange(event.clipboardData.getData('text'));
          if (pasted === null) return;
          event.preventDefault();
          setFrom(show(pasted.from));
          setTo(show(pasted.to));
        }}
      >
        <label>
          <span className="field-label">From</span>
          <input className="field" value={from} onChange={(event) => setFrom(event.target.value)} data-autofocus aria-invalid={problem !== null} data-testid="time-from" />
        </label>
        <label>
          <span className="field-label">To</span>
          <input className="field" value={to} onChange={(event) => setTo(event.target.value)} aria-invalid={problem !== null} data-testid="time-to" />
        </label>
        {problem !== null && <p className="field-error">{problem}</p>}
        <div className="row wrap">
          <button type="submit" className="button primary" disabled={problem !== null} data-testid="time-apply">
            Apply
          </button>
          <button type="button" className="button" onClick={() => pick(zoomOut(time.range, time.resolve()))} title="Twice as long (t z)">
            <IconZoomOut size={16} stroke={1.75} aria-hidden />
            Zoom out
          </button>
        </div>
        <p className="caption">
          now-6h, now/d, 2026-11-22 02:30 or epoch milliseconds. Times are in {zoneName(time.zone)}.{' '}
          <button type="button" className="link-button" onClick={() => time.setZone(time.zone === 'utc' ? 'browser' : 'utc')}>
            Use {time.zone === 'utc' ? 'local time' : 'UTC'}
          </button>
        </p>
      </form>
      <div className="quick">
        <input className="field" placeholder="Find a range" value={filter} onChange={(event) => setFilter(event.target.value)} aria-label="Find a range" style={{ marginBottom: 4, flex: 'none' }} />
        {quickRanges
          .filter((each) => each.name.toLowerCase().includes(filter.toLowerCase()))
          .map((each) => (
            <button key={each.name} type="button" className={each.from === time.range.from && each.to === time.range.to ? 'menu-item on' : 'menu-item'} onClick={() => pick(each)}>
              {each.name}
            </button>
          ))}
      </div>
    </div>
  );
}

/** `t z` zooms out, `t ←` and `t →` shift, `t a` makes the range absolute, `d r` refreshes. */
function useTimeKeys(withRange: boolean): void {
  const time = useTime();
  const prefix = useRef('');
  const latest = useRef(time);
  latest.current = time;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
      const now = latest.current;
      const keys = prefix.current + event.key;
      prefix.current = '';
      if (event.key === 't' || event.key === 'd') {
        prefix.current = `${event.key} `;
        return;
      }
      if (keys === 'd r') now.refreshNow();
      if (!withRange) return;
      if (keys === 't z') now.setRange(zoomOut(now.range, now.resolve()));
      else if (keys === 't ArrowLeft') now.setRange(shiftRange(now.resolve(), -1, Date.now()));
      else if (keys === 't ArrowRight') now.setRange(shiftRange(now.resolve(), 1, Date.now()));
      else if (keys === 't a') now.setRange(absoluteRange(now.resolve()));
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [withRange]);
}
