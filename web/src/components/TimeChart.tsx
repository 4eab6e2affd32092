import 'uplot/dist/uPlot.min.css';
import './chart.css';

import { useComputedColorScheme } from '@mantine/core';
import { useEffect, useMemo, useRef, useState } from 'react';
import uPlot from 'uplot';
import { sampleValue, short, figure } from '../format/number';
import { clockTime, dayMonth, fullTime, hourMinute, sameDay } from '../time/clock';
import type { Zone } from '../time/range';
import { strokeOf, tokenValue } from './palette';

export interface ChartSeries {
  key: string;
  name: string;
  /** Place in the palette. */
  index: number;
  /** One per time; null where there is no sample. */
  values: (number | null)[];
  /** Instead of the palette's colour. */
  color?: string;
}

interface Props {
  /** Unix seconds, rising. */
  times: number[];
  series: ChartSeries[];
  /** Ends of the axis, Unix seconds. */
  from: number;
  to: number;
  zone: Zone;
  unit?: string;
  height?: number;
  stacked?: boolean;
  /** Key of the series that stands out. */
  focus?: string | null;
  threshold?: number | null;
  onZoom?: (fromMs: number, toMs: number) => void;
  label: string;
}

const tooltipMax = 12;

interface Tip {
  left: number;
  top: number;
  at: number;
  rows: { key: string; name: string; index: number; color?: string | undefined; value: number }[];
  more: number;
}

/** Running sums for a stack; gaps count as nothing and stay gaps in their own line. */
export function stack(series: readonly (number | null)[][]): (number | null)[][] {
  const sums: number[] = [];
  return series.map((values) =>
    values.map((value, at) => {
      if (value === null || !Number.isFinite(value)) return null;
      sums[at] = (sums[at] ?? 0) + value;
      return sums[at];
    }),
  );
}

/** The places of values without a neighbour, which no line goes through; null where there are none. */
export function lonePoints(values: ArrayLike<number | null | undefined>): number[] | null {
  const has = (at: number) => typeof values[at] === 'number';
  const found = Array.from(values, (_, at) => at).filter((at) => has(at) && !has(at - 1) && !has(at + 1));
  return found.length > 0 ? found : null;
}

/** Lines over time with a shared crosshair; dragging picks a range. */
export function TimeChart({ times, series, from, to, zone, unit = '', height = 360, stacked = false, focus = null, threshold = null, onZoom, label }: Props) {
  const host = useRef<HTMLDivElement | null>(null);
  const chart = useRef<uPlot | null>(null);
  const [width, setWidth] = useState(0);
  const [tip, setTip] = useState<Tip | null>(null);
  const scheme = useComputedColorScheme('dark');
  const zoom = useRef(onZoom);
  zoom.current = onZoom;

  useEffect(() => {
    const element = host.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(([entry]) => {
      if (entry !== undefined) setWidth(Math.floor(entry.contentRect.width));
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const data = useMemo(() => {
    const rows = stacked ? stack(series.map((each) => each.values)) : series.map((each) => each.values.map((value) => (value !== null && Number.isFinite(value) ? value : null)));
    return [times, ...rows] as uPlot.AlignedData;
  }, [times, series, stacked]);

  // Everything that needs a new instance; data alone is replaced in place.
  const shape = JSON.stringify([series.map((each) => [each.key, each.index, each.color]), zone, unit, height, stacked, scheme, threshold, width > 0]);
  const seriesNow = useRef(series);
  seriesNow.current = series;
  const rangeNow = useRef({ from, to });
  rangeNow.current = { from, to };

  useEffect(() => {
    const element = host.current;
    if (element === null || width === 0) return undefined;
    const line1 = tokenValue('var(--ph-line-1)');
    const text3 = tokenValue('var(--ph-text-3)');
    const font = `11px ${getComputedStyle(document.documentElement).getPropertyValue('--ph-sans')}`;
    const firing = tokenValue('var(--ph-firing)');
    const drawn = seriesNow.current;
    const options: uPlot.Options = {
      width,
      height,
      padding: [12, 8, 0, 0],
      tzDate: (seconds) => (zone === 'utc' ? uPlot.tzDate(new Date(seconds * 1_000), 'Etc/UTC') : new Date(seconds * 1_000)),
      legend: { show: false },
      cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 6 }, y: false },
      scales: { x: { time: true, range: () => [rangeNow.current.from, rangeNow.current.to] }, y: { range: (_, low, high) => rangeOf(low, high, stacked, threshold) } },
      axes: [
        {
          stroke: text3,
          font,
          grid: { show: false },
          ticks: { stroke: tokenValue('var(--ph-line-2)'), size: 4, width: 1 },
          size: 36,
          values: (_, splits) => axisTimes(splits, zone),
        },
        {
          stroke: text3,
          font,
          grid: { stroke: line1, width: 1 },
          ticks: { show: false },
          size: (_, values) => Math.max(40, ...(values ?? []).map((each) => each.length * 6.6 + 14)),
          space: 56,
          values: (_, splits) => splits.map((value, at) => axisValue(value, at === splits.length - 1, unit)),
        },
      ],
      series: [
        {},
        ...drawn.map((each): uPlot.Series => {
          const look = strokeOf(each.index);
          const color = tokenValue(each.color ?? look.color);
          return {
            label: each.key,
            stroke: color,
            width: 1.5,
            dash: look.dash,
            ...(stacked ? { fill: `${color}29` } : drawn.length === 1 ? { fill: `${color}14` } : {}),
            spanGaps: false,
            points: { show: times.length < 40, size: 4, fill: color, filter: (plot, at, show) => (show ? null : lonePoints(plot.data[at] ?? [])) },
          };
        }),
      ],
      bands: stacked ? drawn.slice(1).map((_, at) => ({ series: [at + 2, at + 1] as [number, number] })) : [],
      hooks: {
        setSelect: [
          (plot) => {
            const { left, width: picked } = plot.select;
            if (picked > 4) zoom.current?.(Math.round(plot.posToVal(left, 'x') * 1_000), Math.round(plot.posToVal(left + picked, 'x') * 1_000));
            plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          },
        ],
        setCursor: [(plot) => setTip(tipOf(plot, seriesNow.current))],
        draw: [
          (plot) => {
            if (threshold === null) return;
            const y = plot.valToPos(threshold, 'y', true);
            plot.ctx.save();
            plot.ctx.strokeStyle = firing;
            plot.ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
            plot.ctx.beginPath();
            plot.ctx.moveTo(plot.bbox.left, y);
            plot.ctx.lineTo(plot.bbox.left + plot.bbox.width, y);
            plot.ctx.stroke();
            plot.ctx.restore();
          },
        ],
      },
    };
    const plot = new uPlot(options, data, element);
    chart.current = plot;
    return () => {
      chart.current = null;
      plot.destroy();
      setTip(null);
    };
    // `shape` stands for all that the options read.
  }, [shape]);

  useEffect(() => {
    chart.current?.setData(data);
  }, [data, from, to]);

  useEffect(() => {
    if (width > 0) chart.current?.setSize({ width, height });
  }, [width, height]);

  useEffect(() => {
    const plot = chart.current;
    if (plot === null) return;
    const at = focus === null ? -1 : series.findIndex((each) => each.key === focus);
    plot.setSeries(at < 0 ? null : at + 1, { focus: at >= 0 });
  }, [focus, series]);

  return (
    <figure className="chart" role="img" aria-label={label} data-testid="chart">
      <div ref={host} style={{ height }} />
      {tip !== null && (
        <div className="chart-tip" style={{ top: tip.top, ...(tip.left > width / 2 ? { right: width - tip.left + 12 } : { left: tip.left + 12 }) }}>
          <div className="caption">{fullTime(tip.at * 1_000, zone).replace(/\.000/, '')}</div>
          {tip.rows.map((row, at) => (
            <div key={row.key} className={at === 0 ? 'tip-row near' : 'tip-row'}>
              <Swatch index={row.index} color={row.color} />
              <span className="cut">{row.name}</span>
              <span className="num">{unit === '' ? sampleValue(row.value) : `${figure(row.value, unit).text} ${figure(row.value, unit).unit}`}</span>
            </div>
          ))}
          {tip.more > 0 && <div className="caption">{tip.more} more</div>}
        </div>
      )}
    </figure>
  );
}

export function Swatch({ index, color }: { index: number; color?: string | undefined }) {
  const look = strokeOf(index);
  return (
    <svg width="14" height="8" aria-hidden>
      <line x1="0" x2="14" y1="4" y2="4" stroke={color ?? look.color} strokeWidth="3" strokeDasharray={look.dash.join(' ')} />
    </svg>
  );
}

function rangeOf(low: number | null, high: number | null, stacked: boolean, threshold: number | null): uPlot.Range.MinMax {
  let min = Math.min(low ?? 0, threshold ?? Infinity);
  let max = Math.max(high ?? 1, threshold ?? -Infinity);
  if (stacked || (min > 0 && min < max * 0.4)) min = Math.min(0, min);
  if (min === max) {
    const room = Math.abs(max) * 0.5 || 1;
    min -= min === 0 ? 0 : room;
    max += room;
  }
  const room = (max - min) * 0.06;
  return [min === 0 ? 0 : min - room, max + room];
}

function axisTimes(splits: readonly number[], zone: Zone): string[] {
  const fine = splits.length > 1 && (splits[1] ?? 0) - (splits[0] ?? 0) < 60;
  return splits.map((seconds, at) => {
    const ms = seconds * 1_000;
    const before = splits[at - 1];
    if (before !== undefined && !sameDay(before * 1_000, ms, zone)) return dayMonth(ms, zone);
    return fine ? clockTime(ms, zone) : hourMinute(ms, zone);
  });
}

function axisValue(value: number, top: boolean, unit: string): string {
  if (unit === '') {
    const shown = figure(value);
    return shown.text;
  }
  const shown = figure(value, unit);
  return top || /^(bytes|B|s|seconds)/.test(unit) ? `${shown.text} ${shown.unit}` : short(value);
}

/** Values under the crosshair, the one nearest to the pointer first. */
function tipOf(plot: uPlot, series: readonly ChartSeries[]): Tip | null {
  const { idx, left, top } = plot.cursor;
  if (idx === null || idx === undefined || left === undefined || top === undefined || left < 0) return null;
  const at = plot.data[0][idx];
  if (at === undefined) return null;
  const pointer = plot.posToVal(top, 'y');
  const rows = series
    .map((each, index) => ({ key: each.key, name: each.name, index: each.index, color: each.color, value: each.values[idx] ?? null, drawn: plot.data[index + 1]?.[idx] ?? null }))
    .filter((each): each is typeof each & { value: number; drawn: number } => each.value !== null && each.drawn !== null)
    .sort((a, b) => Math.abs(a.drawn - pointer) - Math.abs(b.drawn - pointer));
  if (rows.length === 0) return null;
  const [near, ...rest] = rows.slice(0, tooltipMax);
  const shown = near === undefined ? [] : [near, ...rest.sort((a, b) => b.value - a.value)];
  return { left: left + (plot.bbox.left ?? 0) / devicePixelRatio, top: Math.max(4, Math.min(top, plot.height - 40 - shown.length * 18)), at, rows: shown, more: rows.length - shown.length };
}
