import { useEffect, useRef, useState } from 'react';
import type { JournalEvent } from '../../api/pharos';
import type { Series } from '../../api/prometheus';
import { sampleValue, short } from '../../format/number';
import { clockTime, hourMinute } from '../../time/clock';
import type { Zone } from '../../time/range';
import type { Episode } from './explain';

interface Props {
  fromMs: number;
  toMs: number;
  zone: Zone;
  /** Still going on: the right end is now. */
  live: boolean;
  value: Series | null;
  valueName: string;
  threshold: number | null;
  operator: string;
  /** Times at which the rule found the alert. */
  evaluations: readonly number[];
  episode: Episode;
  events: readonly JournalEvent[];
  problem: string;
}

const left = 116;
const right = 24;
const top = 28;
const valueHeight = 124;

/** Four tracks on one true time axis: value and threshold, evaluations, state, delivery. */
export function AlertTimeline({ fromMs, toMs, zone, live, value, valueName, threshold, operator, evaluations, episode, events, problem }: Props) {
  const box = useRef<HTMLDivElement | null>(null);
  const [width, setWidth] = useState(1_100);
  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(([entry]) => {
      if (entry !== undefined) setWidth(Math.max(720, Math.floor(entry.contentRect.width)));
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const x = (ms: number) => left + ((Math.min(Math.max(ms, fromMs), toMs) - fromMs) / (toMs - fromMs)) * (width - left - right);
  const known = (value?.values ?? []).filter(Number.isFinite);
  const high = Math.max(...known, threshold ?? -Infinity);
  const low = Math.min(...known, threshold ?? Infinity, 0);
  const room = high - low || 1;
  const y = (v: number) => top + valueHeight - 6 - ((v - low) / room) * (valueHeight - 18);
  const rows = { evaluations: top + valueHeight + 20, state: top + valueHeight + 58, delivery: top + valueHeight + 98, axis: top + valueHeight + 122 };
  const height = rows.axis + 24;

  let path = '';
  const gap = value === null || value.times.length < 2 ? 0 : ((value.times[1] ?? 0) - (value.times[0] ?? 0)) * 1.6;
  value?.times.forEach((at, index) => {
    const v = value.values[index] ?? NaN;
    if (!Number.isFinite(v)) return;
    const before = value.times[index - 1];
    const joined = path !== '' && before !== undefined && at - before <= gap && Number.isFinite(value.values[index - 1] ?? NaN);
    path += `${joined ? 'L' : 'M'}${x(at * 1_000).toFixed(1)} ${y(v).toFixed(1)}`;
  });

  const firing = episode.firingMs;
  const end = episode.resolvedMs ?? toMs;
  const delivered = events.filter((event) => event.atMs >= fromMs && ['notified', 'notifyFailed', 'silenced', 'inhibited', 'muted'].includes(event.step));
  // Marks that would lie on each other become one with a count.
  const marks: { at: number; events: JournalEvent[] }[] = [];
  for (const event of delivered) {
    const last = marks.at(-1);
    if (last !== undefined && x(event.atMs) - x(last.at) < 16) last.events.push(event);
    else marks.push({ at: event.atMs, events: [event] });
  }
  const above = new Set(evaluations);
  const band = threshold === null ? null : operator.startsWith('<') ? { from: y(threshold), to: top + valueHeight } : { from: top, to: y(threshold) };
  const labelled = marks.filter((mark, at) => at === 0 || x(mark.at) - x(marks[at - 1]?.at ?? 0) > 130);

  return (
    <div className="track-box" ref={box}>
      <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={`Timeline from ${clockTime(fromMs, zone)} to ${clockTime(toMs, zone)}`}>
        <text x="0" y={top + 12} className="head">{valueName}</text>
        {problem !== '' && <text x={left} y={top + 12}>{problem}</text>}
        {problem === '' && value === null && <text x={left} y={top + 12}>no series with these labels in this range</text>}
        {band !== null && <rect x={left} width={width - left - right} y={Math.min(band.from, band.to)} height={Math.abs(band.to - band.from)} fill="var(--ph-firing)" opacity={0.05} />}
        {known.length > 0 && (
          <>
            <text x={left - 8} y={y(high) + 4} textAnchor="end">{short(high)}</text>
            <line x1={left} x2={width - right} y1={y(high)} y2={y(high)} stroke="var(--ph-line-1)" />
            <text x={left - 8} y={y(low) + 4} textAnchor="end">{short(low)}</text>
            <line x1={left} x2={width - right} y1={y(low)} y2={y(low)} stroke="var(--ph-line-1)" />
          </>
        )}
        <path d={path} fill="none" stroke="var(--ph-series-1)" strokeWidth={1.5} />
        {threshold !== null && (
          <>
            <line x1={left} x2={width - right} y1={y(threshold)} y2={y(threshold)} stroke="var(--ph-firing)" strokeDasharray="4 3" />
            <text x={width - right - 4} y={y(threshold) + (operator.startsWith('<') ? -5 : 13)} textAnchor="end" style={{ fill: 'var(--ph-firing)' }}>
              threshold {operator} {sampleValue(threshold)}
            </text>
          </>
        )}

        {[valueHeight + top + 2, rows.evaluations + 18, rows.state + 18, rows.axis - 2].map((at) => (
          <line key={at} x1="0" x2={width} y1={at} y2={at} stroke="var(--ph-line-1)" />
        ))}
        <text x="0" y={rows.evaluations + 4} className="head">Evaluations</text>
        {[...above].map((at) => (
          <line key={at} x1={x(at)} x2={x(at)} y1={rows.evaluations - 9} y2={rows.evaluations + 9} stroke="var(--ph-firing)" strokeWidth={1.5} />
        ))}
        {events
          .filter((event) => event.step === 'evaluated' && event.atMs >= fromMs)
          .map((event, at) => (
            <line key={`${event.atMs} ${at}`} x1={x(event.atMs)} x2={x(event.atMs)} y1={rows.evaluations - 5} y2={rows.evaluations + 5} stroke="var(--ph-text-3)" strokeWidth={2} />
          ))}

        <text x="0" y={rows.state + 4} className="head">Alert state</text>
        <rect x={left} y={rows.state - 9} width={Math.max(0, x(episode.startMs) - left)} height={18} rx={3} fill="var(--ph-surface-2)" />
        {x(episode.startMs) - left > 60 && <text x={left + 10} y={rows.state + 4}>inactive</text>}
        {(firing === null || firing > episode.startMs) && <rect x={x(episode.startMs)} y={rows.state - 9} width={Math.max(2, x(firing ?? end) - x(episode.startMs))} height={18} rx={3} fill="var(--ph-pending)" />}
        {x(firing ?? end) - x(episode.startMs) > 56 && (
          <text x={x(episode.startMs) + 8} y={rows.state + 4} className="head" style={{ fill: 'var(--ph-surface-0)' }}>
            pending
          </text>
        )}
        {firing !== null && (
          <>
            <rect x={x(firing)} y={rows.state - 9} width={Math.max(2, x(end) - x(firing))} height={18} rx={3} fill="var(--ph-firing)" />
            {x(end) - x(firing) > 48 && (
              <text x={x(firing) + 8} y={rows.state + 4} className="head" style={{ fill: 'var(--ph-surface-0)' }}>
                firing
              </text>
            )}
          </>
        )}

        <text x="0" y={rows.delivery + 4} className="head">Delivery</text>
        {marks.map((mark) => {
          const failed = mark.events.some((event) => event.step === 'notifyFailed');
          const sent = mark.events.some((event) => event.step === 'notified');
          const tone = failed ? 'var(--ph-error)' : sent ? 'var(--ph-accent)' : mark.events.some((event) => event.step === 'inhibited') ? 'var(--ph-inhibited)' : 'var(--ph-silenced)';
          return <path key={mark.at} d={`M${x(mark.at)} ${rows.delivery - 8}l8 8-8 8-8-8z`} fill={sent && !failed ? tone : 'var(--ph-surface-1)'} stroke={tone} strokeWidth={1.5} />;
        })}
        {labelled.map((mark) => {
          const words = [...new Set(mark.events.map((event) => (event.step === 'notified' ? `sent to ${event.detail['receiver'] ?? ''}` : event.step === 'notifyFailed' ? 'not delivered' : event.step)))].join(', ');
          const near = x(mark.at) > width - 220;
          return (
            <text key={mark.at} x={x(mark.at) + (near ? -14 : 14)} y={rows.delivery + 4} textAnchor={near ? 'end' : 'start'} style={{ fill: 'var(--ph-text-1)' }}>
              {words.slice(0, 60)}
            </text>
          );
        })}

        {[episode.startMs, firing].map((at, index) =>
          at === null ? null : <line key={index} x1={x(at)} x2={x(at)} y1={top - 6} y2={rows.axis} stroke="var(--ph-text-3)" strokeDasharray="2 3" opacity={0.7} />,
        )}
        <Pill x={x(episode.startMs)} words={firing !== null && x(firing) - x(episode.startMs) < 36 ? '1–4' : '1–3'} tone="var(--ph-pending)" />
        {firing !== null && x(firing) - x(episode.startMs) >= 36 && <Pill x={x(firing)} words={marks[0] !== undefined && x(marks[0].at) - x(firing) < 36 ? '4–7' : '4–6'} tone="var(--ph-firing)" />}
        {firing !== null && marks[0] !== undefined && x(marks[0].at) - x(firing) >= 36 && <Pill x={x(marks[0].at)} words="7" tone="var(--ph-accent)" />}

        {Array.from({ length: 6 }, (_, at) => fromMs + ((toMs - fromMs) * at) / 5).map((at, index) => (
          <text key={at} x={x(at)} y={rows.axis + 14} textAnchor={index === 5 ? 'end' : 'middle'} style={index === 5 && live ? { fill: 'var(--ph-text-1)' } : undefined}>
            {index === 5 && live ? 'now ' : ''}
            {toMs - fromMs < 600_000 ? clockTime(at, zone) : hourMinute(at, zone)}
          </text>
        ))}
        {live && <line x1={x(toMs)} x2={x(toMs)} y1={top - 10} y2={rows.axis} stroke="var(--ph-now)" strokeWidth={1.5} />}
      </svg>
    </div>
  );
}

function Pill({ x, words, tone }: { x: number; words: string; tone: string }) {
  return (
    <g>
      <rect x={x - 15} y={4} width={30} height={18} rx={9} fill="var(--ph-surface-1)" stroke={tone} strokeWidth={1.5} />
      <text x={x} y={17} textAnchor="middle" className="head">
        {words}
      </text>
    </g>
  );
}
