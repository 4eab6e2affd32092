/** The Loki query API, below /loki. Times in requests are Unix nanoseconds, as text. */

import { callData, headers, queryString } from './client';
import { labels, list, number, object, text, type Json } from './decode';
import { decodeResult, type QueryResult } from './prometheus';

const root = '/loki/api/v1';

export interface LogLine {
  /** Same for the same line of the same stream, whenever it is read. */
  key: string;
  /** Unix nanoseconds, 19 digits. */
  ns: string;
  ms: number;
  /** Labels of the stream, with what the pipeline added. */
  labels: Record<string, string>;
  /** Structured metadata that came apart from the labels. */
  metadata: Record<string, string>;
  line: string;
}

export interface LogStats {
  bytes: number;
  lines: number;
  seconds: number;
}

export interface LogPage {
  lines: LogLine[];
  streams: number;
  stats: LogStats;
}

export function toNs(ms: number): string {
  return `${Math.floor(ms)}000000`;
}

/** A 32-bit FNV-1a hash as text, to tell lines of the same nanosecond apart. */
export function hash(value: string): string {
  let h = 0x811c9dc5;
  for (let at = 0; at < value.length; at += 1) {
    h ^= value.charCodeAt(at);
    h = Math.imul(h, 0x01000193);
  }
  return (h >>> 0).toString(36);
}

export function decodeStreams(value: unknown): LogLine[] {
  return list(value, (each) => {
    const stream = object(each);
    const own = labels(stream['stream']);
    const id = JSON.stringify(own);
    return list(stream['values'], (entry): LogLine => {
      const items = Array.isArray(entry) ? (entry as unknown[]) : [];
      const ns = text(items[0], '0');
      const line = text(items[1]);
      const extra = object(items[2]);
      const metadata = labels('structuredMetadata' in extra || 'parsed' in extra ? { ...object(extra['structuredMetadata']), ...object(extra['parsed']) } : extra);
      return { key: `${ns}-${hash(`${id}\n${line}`)}`, ns, ms: Number(ns.slice(0, -6)) || 0, labels: own, metadata, line };
    });
  }).flat();
}

/** Newest or oldest first; equal times keep the server's order. */
export function sortLines(lines: LogLine[], newestFirst: boolean): LogLine[] {
  const sign = newestFirst ? -1 : 1;
  return lines.sort((a, b) => (a.ns === b.ns ? 0 : (a.ns.length - b.ns.length || (a.ns < b.ns ? -1 : 1)) * sign));
}

export async function queryLogs(query: string, startNs: string, endNs: string, limit: number, direction: 'backward' | 'forward', signal?: AbortSignal): Promise<LogPage> {
  const { data } = await callData(`${root}/query_range`, { params: { query, start: startNs, end: endNs, limit, direction }, signal });
  const lines = sortLines(decodeStreams(data['result']), direction === 'backward');
  return { lines, streams: Array.isArray(data['result']) ? data['result'].length : 0, stats: statsOf(data) };
}

function statsOf(data: Json): LogStats {
  const summary = object(object(data['stats'])['summary']);
  return { bytes: number(summary['totalBytesProcessed']), lines: number(summary['totalLinesProcessed']), seconds: number(summary['execTime']) };
}

export async function queryMatrix(query: string, startMs: number, endMs: number, stepSeconds: number, signal?: AbortSignal): Promise<QueryResult> {
  const { data, warnings } = await callData(`${root}/query_range`, { params: { query, start: toNs(startMs), end: toNs(endMs), step: `${stepSeconds}s` }, signal });
  return decodeResult(data, warnings);
}

const remembered = new Map<string, { at: number; value: Promise<string[]> }>();

/** Answers for completion are kept for a minute. */
function remember(key: string, load: () => Promise<string[]>): Promise<string[]> {
  const known = remembered.get(key);
  if (known !== undefined && Date.now() - known.at < 60_000) return known.value;
  const value = load();
  remembered.set(key, { at: Date.now(), value });
  value.catch(() => remembered.delete(key));
  return value;
}

export function labelNames(): Promise<string[]> {
  return remember(`names ${JSON.stringify(headers())}`, async () => list((await callData(`${root}/labels`)).raw, (each) => text(each)));
}

export function labelValues(name: string, matchers: string): Promise<string[]> {
  return remember(`values ${name} ${matchers} ${JSON.stringify(headers())}`, async () => list((await callData(`${root}/label/${encodeURIComponent(name)}/values`, { params: { query: matchers } })).raw, (each) => text(each)));
}

export interface TailHandlers {
  onLines: (lines: LogLine[], dropped: number) => void;
  /** The server's words, empty where it gave none. */
  onClose: (reason: string) => void;
}

/** Follows new lines until the result is called. Browsers cannot set headers on a WebSocket: the tenant goes in the address. */
export function tail(query: string, startNs: string, handlers: TailHandlers): () => void {
  const address = `${window.location.protocol === 'https:' ? 'wss' : 'ws'}://${window.location.host}${root}/tail?${queryString({ query, start: startNs, limit: 100, ...headers() })}`;
  const socket = new WebSocket(address);
  let stopped = false;
  socket.onmessage = (event: MessageEvent<unknown>) => {
    if (typeof event.data !== 'string') return;
    const frame = object(JSON.parse(event.data));
    handlers.onLines(decodeStreams(frame['streams']), Array.isArray(frame['dropped_entries']) ? frame['dropped_entries'].length : 0);
  };
  socket.onclose = (event) => {
    if (!stopped) handlers.onClose(event.reason);
  };
  return () => {
    stopped = true;
    socket.close();
  };
}
