/** What a log line says: its level, its message, its fields. Lines are hostile text and stay text. */

import type { LogLine } from '../../api/loki';
import type { FieldKind } from '../../editor/logql';

export type Level = 'error' | 'warn' | 'info' | 'debug' | 'unknown';

export const levels: readonly Level[] = ['error', 'warn', 'info', 'debug', 'unknown'];

export const levelColor: Record<Level, string> = {
  error: 'var(--ph-firing)',
  warn: 'var(--ph-pending)',
  info: 'var(--ph-series-1)',
  debug: 'var(--ph-text-3)',
  unknown: 'var(--ph-text-3)',
};

const levelWords: Record<string, Level> = {
  error: 'error', err: 'error', eror: 'error', fatal: 'error', critical: 'error', crit: 'error', panic: 'error', alert: 'error', emerg: 'error', emergency: 'error', severe: 'error', failure: 'error',
  warn: 'warn', warning: 'warn', wrn: 'warn',
  info: 'info', information: 'info', informational: 'info', notice: 'info', inf: 'info',
  debug: 'debug', dbg: 'debug', trace: 'debug', verbose: 'debug', trc: 'debug',
};

/** The level that a word names. */
export function levelOfWord(word: string | undefined): Level | null {
  return word === undefined ? null : (levelWords[word.toLowerCase()] ?? null);
}

const levelNames = ['level', 'detected_level', 'severity', 'lvl', 'loglevel', 'severity_text'];

/** From the labels, else from a level field in the line, else from a level word near its start. */
export function levelOf(line: LogLine): Level {
  for (const name of levelNames) {
    const found = levelOfWord(line.labels[name] ?? line.metadata[name]);
    if (found !== null) return found;
  }
  const start = line.line.slice(0, 300);
  const field = /"?(?:level|lvl|severity|loglevel)"?\s*[=:]\s*"?([A-Za-z]+)/i.exec(start);
  const found = levelOfWord(field?.[1]);
  if (found !== null) return found;
  const word = /\b(ERROR|ERR|FATAL|CRITICAL|PANIC|WARN|WARNING|INFO|NOTICE|DEBUG|TRACE)\b/.exec(start.slice(0, 120));
  return levelOfWord(word?.[1]) ?? 'unknown';
}

// Terminal colours and cursor moves; a terminal's language, noise here.
const ansi = /\u001b\[[0-9;?]*[ -/]*[@-~]/g;

/** The line without terminal control sequences, other control characters made visible. */
export function plainText(text: string): string {
  return text.replace(ansi, '').replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, (c) => String.fromCharCode(0x2400 + (c === '\u007f' ? 0x21 : c.charCodeAt(0))));
}

/** Longest line from which fields are read; beyond, the line is text only. */
const parsedMax = 16_384;

/** Fields of a JSON object (nested names joined with `_`) or of logfmt pairs; empty for plain text. */
export function parseFields(text: string): Record<string, string> {
  if (text.length > parsedMax) return {};
  const trimmed = text.trim();
  if (trimmed.startsWith('{')) {
    try {
      const fields: Record<string, string> = {};
      flatten(JSON.parse(trimmed) as unknown, '', fields, 0);
      return fields;
    } catch {
      return {};
    }
  }
  return parseLogfmt(trimmed);
}

function flatten(value: unknown, prefix: string, into: Record<string, string>, depth: number): void {
  if (typeof value !== 'object' || value === null) {
    if (prefix !== '' && value !== null) into[prefix] = String(value);
    return;
  }
  if (Array.isArray(value) || depth > 4) {
    into[prefix] = JSON.stringify(value);
    return;
  }
  for (const [name, each] of Object.entries(value)) flatten(each, prefix === '' ? name : `${prefix}_${name}`, into, depth + 1);
}

function parseLogfmt(text: string): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const pair of text.matchAll(/(?:^|\s)([A-Za-z_][\w.-]*)=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*))/g)) {
    fields[pair[1] ?? ''] = pair[2] === undefined ? (pair[3] ?? '') : pair[2].replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c === 't' ? '\t' : c));
  }
  return fields;
}

const messageNames = ['msg', 'message', 'Message', '@m', '@mt', 'log', 'body'];
const quietNames = new Set([...messageNames, ...levelNames, 'time', 'ts', 'timestamp', '@t', 't', 'caller']);

export interface ShownLine {
  level: Level;
  /** The message itself. */
  message: string;
  /** Its other fields in one dim text. */
  rest: string;
  fields: Record<string, string>;
}

const shown = new WeakMap<LogLine, ShownLine>();

/** The message apart from its fields; computed once per line. */
export function showLine(line: LogLine): ShownLine {
  const known = shown.get(line);
  if (known !== undefined) return known;
  const text = plainText(line.line);
  const fields = parseFields(text);
  const name = messageNames.find((each) => fields[each] !== undefined && fields[each] !== '');
  const result: ShownLine = {
    level: levelOf(line),
    fields,
    message: name === undefined ? text : plainText(fields[name] ?? ''),
    rest:
      name === undefined
        ? ''
        : Object.entries(fields)
            .filter(([each]) => !quietNames.has(each))
            .map(([each, value]) => `${each}=${plainText(value)}`)
            .join(' '),
  };
  shown.set(line, result);
  return result;
}

/** How the fields in a line's text are written. */
export function textKind(text: string): 'json' | 'logfmt' {
  return text.trimStart().startsWith('{') ? 'json' : 'logfmt';
}

export interface FieldSummary {
  name: string;
  kind: FieldKind;
  /** Lines that have it. */
  lines: number;
  /** Distinct values among the lines looked at. */
  distinct: number;
  top: { value: string; share: number }[];
}

/** The fields of the loaded lines with their most frequent values; those that tell nothing are left out. */
export function summarise(lines: readonly LogLine[], isStream: (name: string) => boolean, topMax = 5): FieldSummary[] {
  const counts = new Map<string, { kind: FieldKind; values: Map<string, number>; lines: number }>();
  const add = (name: string, value: string, kind: FieldKind) => {
    let field = counts.get(name);
    if (field === undefined) counts.set(name, (field = { kind, values: new Map(), lines: 0 }));
    field.lines += 1;
    if (field.values.size < 1_000 || field.values.has(value)) field.values.set(value, (field.values.get(value) ?? 0) + 1);
  };
  for (const line of lines) {
    const { fields } = showLine(line);
    for (const [name, value] of Object.entries(line.labels)) add(name, value, isStream(name) ? 'stream' : 'metadata');
    for (const [name, value] of Object.entries(line.metadata)) if (line.labels[name] === undefined) add(name, value, 'metadata');
    const kind = textKind(line.line);
    for (const [name, value] of Object.entries(fields)) if (line.labels[name] === undefined && line.metadata[name] === undefined && !messageNames.includes(name) && name !== 'ts' && name !== 'time' && name !== 'timestamp') add(name, value, kind);
  }
  const rank = (name: string) => (levelNames.includes(name) ? 0 : 1);
  return [...counts]
    .map(([name, field]) => ({
      name,
      kind: field.kind,
      lines: field.lines,
      distinct: field.values.size,
      top: [...field.values]
        .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
        .slice(0, topMax)
        .map(([value, count]) => ({ value, share: count / field.lines })),
    }))
    .filter((field) => field.lines >= Math.max(2, lines.length * 0.01) || field.kind === 'stream')
    // A field that differs in every line (an id) says nothing as a summary.
    .filter((field) => field.kind === 'stream' || field.distinct < Math.max(4, field.lines * 0.8))
    .sort((a, b) => rank(a.name) - rank(b.name) || b.lines - a.lines || (a.name < b.name ? -1 : 1));
}

export interface Piece {
  text: string;
  hit: boolean;
}

/** The text cut where the searched texts occur. */
export function highlight(text: string, searched: readonly string[]): Piece[] {
  const wanted = searched.filter((each) => each !== '');
  if (wanted.length === 0) return [{ text, hit: false }];
  const pattern = new RegExp(wanted.map((each) => each.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|'), 'g');
  const pieces: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > from) pieces.push({ text: text.slice(from, match.index), hit: false });
    pieces.push({ text: match[0], hit: true });
    from = match.index + match[0].length;
  }
  if (from < text.length) pieces.push({ text: text.slice(from), hit: false });
  return pieces;
}

/** The page's answer in a sentence: how many lines, and what most of them are. */
export function findingOf(total: number, byLevel: ReadonlyMap<Level, number>, say: (value: number) => string): string {
  if (total === 0) return 'No line matches in this range.';
  const [level, most] = [...byLevel].sort((a, b) => b[1] - a[1])[0] ?? ['unknown' as Level, 0];
  const lines = total === 1 ? '1 line' : `${say(total)} lines`;
  if (level === 'unknown' || most === 0) return `${lines} in this range.`;
  const share = Math.round((most / total) * 100);
  const words: Record<Level, string> = { error: 'errors', warn: 'warnings', info: 'informational', debug: 'debug output', unknown: '' };
  return share >= 100 ? `${lines}, all ${words[level]}.` : `${share}\u00a0% of ${lines} are ${words[level]}.`;
}
