/** From the server's series to what the chart and the legend show. */

import type { Series } from '../../api/prometheus';
import type { ChartSeries } from '../../components/TimeChart';
import { commonLabels, cutMiddle, labelsKey, selector, seriesName, withoutLabels } from '../../format/labels';

/** Series drawn before the reader asks for all. */
export const drawnMax = 100;

export interface NamedSeries extends ChartSeries {
  labels: Record<string, string>;
  query: number;
  last: number | null;
  max: number | null;
}

export interface Grid {
  times: number[];
  series: NamedSeries[];
  /** Before the cut to `drawnMax`. */
  total: number;
}

/** A legend says what differs; one series alone says its whole name. */
export function legendNames(all: readonly { labels: Record<string, string> }[]): string[] {
  if (all.length === 1) return all.map((each) => seriesName(each.labels));
  const common = commonLabels(all.map((each) => each.labels));
  return all.map((each) => {
    const rest = withoutLabels(each.labels, common);
    const name = rest['__name__'];
    const text = name === undefined ? selector(rest) : seriesName(rest);
    return text === '{}' ? seriesName(each.labels) : text;
  });
}

/** All series on one time grid; a step without a sample is a gap. Colours follow the sorted label sets. */
export function toGrid(results: readonly (readonly Series[])[], fromSeconds: number, toSeconds: number, step: number, limit: number): Grid {
  const flat = results.flatMap((series, query) => series.map((each) => ({ ...each, query })));
  const start = flat.reduce((least, each) => Math.min(least, each.times[0] ?? Infinity), Infinity);
  const first = Number.isFinite(start) ? start - Math.floor((start - fromSeconds) / step + 1e-6) * step : fromSeconds;
  const length = Math.max(0, Math.floor((toSeconds - first) / step + 1e-6) + 1);
  const times = Array.from({ length }, (_, at) => Math.round((first + at * step) * 1_000) / 1_000);
  const names = legendNames(flat);
  const sorted = flat
    .map((each, at) => ({ ...each, name: names[at] ?? '', key: `${each.query} ${labelsKey(each.labels)}` }))
    .sort((a, b) => a.query - b.query || (a.key < b.key ? -1 : 1))
    .map((each, index): NamedSeries => {
      const values: (number | null)[] = Array.from({ length }, () => null);
      let max: number | null = null;
      each.times.forEach((at, sample) => {
        const value = each.values[sample] ?? NaN;
        const slot = Math.round((at - first) / step);
        if (slot >= 0 && slot < length) values[slot] = value;
        if (!Number.isNaN(value)) max = max === null ? value : Math.max(max, value);
      });
      return { key: each.key, name: each.name, index, values, labels: each.labels, query: each.query, last: each.values.at(-1) ?? null, max };
    });
  const shown = sorted.length <= limit ? sorted : [...sorted].sort((a, b) => (b.last ?? -Infinity) - (a.last ?? -Infinity)).slice(0, limit);
  return { times, series: shown, total: sorted.length };
}

/** The answer of the page in one sentence. */
export function findingOf(grid: Grid, say: (value: number) => string): string {
  if (grid.total === 0) return 'No series match in this range.';
  const best = [...grid.series].filter((each) => each.last !== null).sort((a, b) => (b.last ?? 0) - (a.last ?? 0))[0];
  if (best === undefined || best.last === null) return `${grid.total} series, none with a value.`;
  const name = best.name === '{}' ? 'The result' : cutMiddle(best.name, 56);
  if (grid.total === 1) return `${name} is ${say(best.last)} at the end${best.max !== null && best.max !== best.last ? `, ${say(best.max)} at most` : ''}.`;
  return `${grid.total} series; ${name} is highest at ${say(best.last)}.`;
}
