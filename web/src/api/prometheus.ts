/** The Prometheus query API, below /prometheus. */

import { call, callData } from './client';
import { labels, list, number, object, oneOf, text, time, type Json } from './decode';

export interface Series {
  labels: Record<string, string>;
  /** Unix seconds, rising. */
  times: number[];
  values: number[];
  /** Set for native histograms: the newest one, as the server wrote it. */
  histogram: unknown;
}

export type ResultType = 'matrix' | 'vector' | 'scalar' | 'string';

export interface QueryResult {
  type: ResultType;
  series: Series[];
  /** The text of a string result. */
  text: string;
  warnings: string[];
  /** The answer's data, for the raw tab. */
  raw: unknown;
  stats: { samples: number | null; seconds: number | null };
}

function decodeSample(pair: unknown): [number, number] {
  const items = Array.isArray(pair) ? (pair as unknown[]) : [];
  return [number(items[0]), number(items[1], NaN)];
}

export function decodeResult(data: Json, warnings: string[]): QueryResult {
  const type = oneOf(data['resultType'], ['matrix', 'vector', 'scalar', 'string'] as const, 'vector');
  const stats = object(data['stats']);
  const result: QueryResult = {
    type,
    series: [],
    text: '',
    warnings,
    raw: data,
    stats: {
      samples: object(stats['samples'])['totalQueryableSamples'] === undefined ? null : number(object(stats['samples'])['totalQueryableSamples']),
      seconds: object(stats['timings'])['evalTotalTime'] === undefined ? null : number(object(stats['timings'])['evalTotalTime']),
    },
  };
  if (type === 'string') {
    const pair = Array.isArray(data['result']) ? (data['result'] as unknown[]) : [];
    return { ...result, text: text(pair[1]) };
  }
  if (type === 'scalar') {
    const [at, value] = decodeSample(data['result']);
    return { ...result, series: [{ labels: {}, times: [at], values: [value], histogram: null }] };
  }
  result.series = list(data['result'], (each) => {
    const item = object(each);
    const samples = type === 'matrix' ? list(item['values'], decodeSample) : item['value'] === undefined ? [] : [decodeSample(item['value'])];
    const histograms = type === 'matrix' ? (Array.isArray(item['histograms']) ? (item['histograms'] as unknown[]) : []) : item['histogram'] === undefined ? [] : [item['histogram']];
    return {
      labels: labels(item['metric']),
      times: samples.map(([at]) => at),
      values: samples.map(([, value]) => value),
      histogram: histograms.at(-1) ?? null,
    };
  });
  return result;
}

export async function queryRange(expr: string, startMs: number, endMs: number, stepSeconds: number, signal?: AbortSignal): Promise<QueryResult> {
  const { data, warnings } = await callData('/prometheus/api/v1/query_range', {
    form: { query: expr, start: startMs / 1_000, end: endMs / 1_000, step: stepSeconds, stats: 'true' },
    signal,
  });
  return decodeResult(data, warnings);
}

export async function query(expr: string, atMs: number, signal?: AbortSignal): Promise<QueryResult> {
  const { data, warnings } = await callData('/prometheus/api/v1/query', { form: { query: expr, time: atMs / 1_000, stats: 'true' }, signal });
  return decodeResult(data, warnings);
}

export async function formatQuery(expr: string): Promise<string> {
  return text(object(await call('/prometheus/api/v1/format_query', { form: { query: expr } }))['data']);
}

export async function metricNames(signal?: AbortSignal): Promise<string[]> {
  return list((await callData('/prometheus/api/v1/label/__name__/values', { signal })).raw, (each) => text(each));
}

export interface MetricMetadata {
  type: string;
  help: string;
  unit: string;
}

export async function metadata(signal?: AbortSignal): Promise<Map<string, MetricMetadata>> {
  const { data } = await callData('/prometheus/api/v1/metadata', { params: { limit_per_metric: 1 }, signal });
  return new Map(
    Object.entries(data).map(([name, entries]) => {
      const first = object(Array.isArray(entries) ? entries[0] : null);
      return [name, { type: text(first['type'], 'unknown'), help: text(first['help']), unit: text(first['unit']) }];
    }),
  );
}

export interface RuleAlert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  state: 'pending' | 'firing' | 'inactive';
  activeAtMs: number | null;
  value: number;
}

export interface Rule {
  kind: 'alerting' | 'recording';
  name: string;
  query: string;
  /** Seconds. */
  forSeconds: number;
  keepFiringSeconds: number;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  alerts: RuleAlert[];
  health: 'ok' | 'err' | 'unknown';
  lastError: string;
  /** `inactive` for recording rules. */
  state: 'pending' | 'firing' | 'inactive';
  evaluationSeconds: number;
  lastEvaluationMs: number | null;
}

export interface RuleGroup {
  name: string;
  file: string;
  intervalSeconds: number;
  evaluationSeconds: number;
  lastEvaluationMs: number | null;
  placement: string;
  rules: Rule[];
}

export function decodeGroups(data: Json): RuleGroup[] {
  return list(data['groups'], (each) => {
    const group = object(each);
    return {
      name: text(group['name']),
      file: text(group['file']),
      intervalSeconds: number(group['interval']),
      evaluationSeconds: number(group['evaluationTime']),
      lastEvaluationMs: time(group['lastEvaluation']),
      placement: text(group['placement'], 'metrics'),
      rules: list(group['rules'], decodeRule),
    };
  });
}

const ruleStates = ['pending', 'firing', 'inactive'] as const;

function decodeRule(value: unknown): Rule {
  const rule = object(value);
  return {
    kind: oneOf(rule['type'], ['alerting', 'recording'] as const, 'alerting'),
    name: text(rule['name']),
    query: text(rule['query']),
    forSeconds: number(rule['duration']),
    keepFiringSeconds: number(rule['keepFiringFor']),
    labels: labels(rule['labels']),
    annotations: labels(rule['annotations']),
    alerts: list(rule['alerts'], (each) => {
      const alert = object(each);
      return {
        labels: labels(alert['labels']),
        annotations: labels(alert['annotations']),
        state: oneOf(alert['state'], ruleStates, 'inactive'),
        activeAtMs: time(alert['activeAt']),
        value: number(alert['value'], NaN),
      };
    }),
    health: oneOf(rule['health'], ['ok', 'err', 'unknown'] as const, 'unknown'),
    lastError: text(rule['lastError']),
    state: oneOf(rule['state'], ruleStates, 'inactive'),
    evaluationSeconds: number(rule['evaluationTime']),
    lastEvaluationMs: time(rule['lastEvaluation']),
  };
}
