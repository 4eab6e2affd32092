import { useMemo, useRef, useState, type PointerEvent } from 'react';
import type { Series } from '../../api/prometheus';
import { grouped } from '../../format/number';
import { fullTime, hourMinute } from '../../time/clock';
import type { Zone } from '../../time/range';
import { levelColor, levelOfWord, levels, type Level } from './lines';

export interface Bucket {
  atMs: number;
  counts: Map<Level, number>;
  total: number;
}

/** Buckets of the histogram; a sample at t counts the step that ends at t. */
export function toBuckets(series: readonly Series[], fromMs: number, toMs: number, stepMs: number): Bucket[] {
  const first = Math.floor(fromMs / stepMs) * stepMs;
  const buckets = Array.from({ length: Math.max(1, Math.ceil((toMs - first) / stepMs)) }, (_, at): Bucket => ({ atMs: first + at * stepMs, counts: new Map(), total: 0 }));
  for (const each of series) {
    const level = levelOfWord(each.labels['level']) ?? levelOfWord(each.labels['detected_level']) ?? 'unknown';
    each.times.forEach((seconds, at) => {
      const bucket = buckets[Math.round((seconds * 1_000 - first) / stepMs) - 1];
      const value = each.values[at] ?? 0;
      if (bucket === undefined || !Number.isFinite(value)) return;
      bucket.counts.set(level, (bucket.counts.get(level) ?? 0) + value);
      bucket.total += value;
    });
  }
  return buckets;
}

interface Props {
  buckets: readonly Bucket[];
  fromMs: number;
  toMs: number;
  stepMs: number;
  zone: Zone;
  ends: boolean;
  /** Times of the first and last line in view. */
  visible: { fromMs: number; toMs: number } | null;
  onZoom: (fromMs: number, toMs: number) => void;
}

const height = 72;

/** Lines over time by level; the part in view is bracketed, dragging picks a range. */
export function VolumeChart({ buckets, fromMs, toMs, stepMs, zone, ends, visible, onZoom }: Props) {
  const box = useRef<HTMLDivElement | null>(null);
  const [drag, setDrag] = useState<{ from: number; to: number } | null>(null);
  const [over, setOver] = useState<number | null>(null);
  const most = useMemo(() => Math.max(1, ...buckets.map((each) => each.total)), [buckets]);
  const span = toMs - fromMs;
  const place = (ms: number) => Math.min(1, Math.max(0, (ms - fromMs) / span));
  const shareAt = (event: PointerEvent) => {
    const rect = box.current?.getBoundingClientRect();
    return rect === undefined ? 0 : Math.min(1, Math.max(0, (event.clientX - rect.left) / rect.width));
  };
  const bucket = over === null ? undefined : buckets.find((each) => each.atMs <= fromMs + over * span && fromMs + over * span < each.atMs + stepMs);
  return (
    <div className="volume" role="img" aria-label="Lines over time by level" data-testid="volume">
      <div
        className="volume-bars"
        ref={box}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          const at = shareAt(event);
          setDrag({ from: at, to: at });
        }}
        onPointerMove={(event) => {
          const at = shareAt(event);
          setOver(at);
          if (drag !== null) setDrag({ ...drag, to: at });
        }}
        onPointerLeave={() => setOver(null)}
        onPointerUp={() => {
          if (drag !== null && Math.abs(drag.to - drag.from) > 0.008) onZoom(Math.round(fromMs + Math.min(drag.from, drag.to) * span), Math.round(fromMs + Math.max(drag.from, drag.to) * span));
          setDrag(null);
        }}
      >
        <svg width="100%" height={height} viewBox={`0 0 1000 ${height}`} preserveAspectRatio="none" aria-hidden>
          <line x1="0" x2="1000" y1={height - 0.5} y2={height - 0.5} stroke="var(--ph-line-2)" vectorEffect="non-scaling-stroke" />
          {buckets.map((each) => {
            const left = ((each.atMs - fromMs) / span) * 1_000;
            const width = (stepMs / span) * 1_000;
            let y = height - 1;
            return levels.map((level) => {
              const value = each.counts.get(level) ?? 0;
              if (value === 0) return null;
              const tall = Math.max(1, (value / most) * (height - 6));
              y -= tall;
              return <rect key={`${each.atMs} ${level}`} x={left + width * 0.08} y={y} width={Math.max(width * 0.84, 0.5)} height={tall} fill={levelColor[level]} />;
            });
          })}
        </svg>
        {visible !== null && <span className="volume-bracket" style={{ left: `${place(visible.fromMs) * 100}%`, right: `${(1 - place(visible.toMs)) * 100}%` }} />}
        {drag !== null && <span className="volume-drag" style={{ left: `${Math.min(drag.from, drag.to) * 100}%`, right: `${(1 - Math.max(drag.from, drag.to)) * 100}%` }} />}
        {bucket !== undefined && bucket.total > 0 && drag === null && (
          <div className="chart-tip" style={{ top: 4, ...((over ?? 0) > 0.5 ? { right: `calc(${(1 - (over ?? 0)) * 100}% + 12px)` } : { left: `calc(${(over ?? 0) * 100}% + 12px)` }) }}>
            <div className="caption">{fullTime(bucket.atMs, zone).replace(/\.000/, '')}</div>
            {levels
              .filter((level) => bucket.counts.has(level))
              .map((level) => (
                <div className="tip-row" key={level}>
                  <span className="level-swatch" style={{ background: levelColor[level] }} />
                  {level}
                  <span className="num">{grouped(bucket.counts.get(level) ?? 0)}</span>
                </div>
              ))}
          </div>
        )}
      </div>
      <div className="volume-axis" aria-hidden>
        {[0, 0.2, 0.4, 0.6, 0.8].map((share) => (
          <span key={share} style={{ left: `${share * 100}%` }}>
            {hourMinute(fromMs + span * share, zone)}
          </span>
        ))}
        <span style={{ right: 0 }} className={ends ? 't1' : ''}>
          {ends ? 'now ' : ''}
          {hourMinute(toMs, zone)}
        </span>
      </div>
    </div>
  );
}
