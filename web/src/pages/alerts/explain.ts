/** The story of one alert, read from its journal: the last time it rose, and the seven steps from sample to notification. */

import type { JournalEvent, JournalStep, State } from '../../api/pharos';
import { clockTime } from '../../time/clock';
import { sayDuration } from '../../time/duration';
import type { Zone } from '../../time/range';

export interface Episode {
  /** When the condition first held. */
  startMs: number;
  firingMs: number | null;
  resolvedMs: number | null;
  /** Oldest first, from the start on. */
  events: JournalEvent[];
}

/** The newest rise of the alert; null when the journal has none. */
export function lastEpisode(events: readonly JournalEvent[]): Episode | null {
  let start = -1;
  let calm = true;
  events.forEach((event, at) => {
    const rises = event.step === 'pending' || event.step === 'firing' || (event.step === 'received' && !/resolved/.test(event.because));
    if (rises && calm) {
      start = at;
      calm = false;
    } else if (event.step === 'resolved') calm = true;
  });
  const first = events[start];
  if (first === undefined) return null;
  // The evaluation that raised it may be written just before.
  const from = events.findIndex((event, at) => at <= start && event.atMs >= first.atMs - 1_000 && event.step === 'evaluated');
  const own = events.slice(from >= 0 ? from : start);
  return {
    startMs: first.atMs,
    firingMs: own.find((event) => event.step === 'firing')?.atMs ?? null,
    resolvedMs: own.find((event) => event.step === 'resolved')?.atMs ?? null,
    events: own,
  };
}

export type StepTone = 'plain' | 'pending' | 'firing' | 'accent' | 'error' | 'silenced' | 'inhibited' | 'missing';

export interface ExplainStep {
  name: string;
  atMs: number | null;
  /** What happened. */
  what: string;
  /** Why; in the server's words. */
  because: string;
  tone: StepTone;
}

/** What may have kept it from notifying, newest first counts. */
const held: Partial<Record<JournalStep, { tone: StepTone; word: string }>> = {
  inhibited: { tone: 'inhibited', word: 'Inhibited' },
  silenced: { tone: 'silenced', word: 'Silenced' },
  muted: { tone: 'silenced', word: 'Muted' },
  deduplicated: { tone: 'plain', word: 'Not sent again' },
};

function find(events: readonly JournalEvent[], ...steps: JournalStep[]): JournalEvent | undefined {
  return events.find((event) => steps.includes(event.step));
}

function all(events: readonly JournalEvent[], ...steps: JournalStep[]): JournalEvent[] {
  return events.filter((event) => steps.includes(event.step));
}

function receiverOf(event: JournalEvent): string {
  return [event.detail['receiver'], event.detail['integration']].filter((each) => each !== undefined && each !== '').join(', ');
}

const missing = (name: string, because: string): ExplainStep => ({ name, atMs: null, what: 'not yet', because, tone: 'missing' });

/** Sample, evaluations, pending, firing, group, route, notification: always seven, missing ones said to be missing. */
export function stepsOf(episode: Episode, waitSeconds: number | null): ExplainStep[] {
  const { events } = episode;
  const pending = find(events, 'pending');
  const firing = find(events, 'firing');
  const raised = pending ?? firing;
  const evaluated = find(events, 'evaluated');
  const grouped = find(events, 'grouped');
  const routed = find(events, 'routed');
  const ruled = raised ?? evaluated ?? find(events, 'sent');
  const steps: ExplainStep[] = [];

  steps.push(
    raised === undefined
      ? { name: 'Sample', atMs: episode.startMs, what: 'came from another system', because: 'its rule runs elsewhere, so its samples are not here', tone: 'missing' }
      : { name: 'Sample', atMs: raised.atMs, what: raised.detail['value'] === undefined || raised.detail['value'] === '' ? 'the expression gave a result' : `value ${raised.detail['value']}`, because: 'the first that met the condition', tone: 'plain' },
  );
  steps.push(
    ruled === undefined
      ? missing('Evaluations', 'no evaluation of it is recorded here')
      : {
          name: 'Evaluations',
          atMs: (evaluated ?? ruled).atMs,
          what: [ruled.detail['placement'] === undefined ? '' : `${ruled.detail['placement']} ruler`, ruled.detail['rule_group'] ?? ruled.detail['group'] ?? ''].filter((each) => each !== '').join(', ') || 'evaluated',
          because: evaluated?.because ?? '',
          tone: 'plain',
        },
  );
  const wait = pending?.detail['for'] ?? firing?.detail['for'] ?? (waitSeconds === null || waitSeconds === 0 ? undefined : sayDuration(waitSeconds * 1_000));
  steps.push(
    pending !== undefined
      ? { name: 'Pending', atMs: pending.atMs, what: wait === undefined ? 'waits' : `waits ${wait}`, because: pending.because, tone: 'pending' }
      : firing !== undefined
        ? { name: 'Pending', atMs: firing.atMs, what: 'skipped', because: 'the rule has no waiting time', tone: 'plain' }
        : missing('Pending', 'no rule of this server raised it'),
  );
  steps.push(
    firing !== undefined
      ? { name: 'Firing', atMs: firing.atMs, what: firing.detail['value'] === undefined ? 'fires' : `fires at ${firing.detail['value']}`, because: firing.because, tone: 'firing' }
      : find(events, 'received') !== undefined
        ? { name: 'Firing', atMs: find(events, 'received')?.atMs ?? null, what: 'received as firing', because: find(events, 'received')?.because ?? '', tone: 'firing' }
        : missing('Firing', episode.resolvedMs === null ? 'it still waits' : 'it went away before it fired'),
  );
  steps.push(grouped === undefined ? missing('Group', 'the router has not grouped it') : { name: 'Group', atMs: grouped.atMs, what: grouped.detail['group_key'] ?? grouped.detail['group'] ?? 'grouped', because: grouped.because, tone: 'plain' });
  steps.push(
    routed === undefined
      ? missing('Route', 'the router has not taken it')
      : { name: 'Route', atMs: routed.atMs, what: `to ${[...new Set(all(events, 'routed').map((event) => event.detail['receiver'] ?? ''))].filter((each) => each !== '').join(', ') || 'a receiver'}`, because: routed.because, tone: 'plain' },
  );
  const sent = all(events, 'notified');
  const failed = find(events, 'notifyFailed');
  const kept = all(events, 'inhibited', 'silenced', 'muted', 'deduplicated').at(-1);
  const look = kept === undefined ? undefined : held[kept.step];
  if (sent[0] !== undefined) steps.push({ name: 'Notification', atMs: sent[0].atMs, what: [...new Set(sent.map(receiverOf))].filter((each) => each !== '').join('; ') || 'sent', because: sent[0].because, tone: 'accent' });
  else if (failed !== undefined) steps.push({ name: 'Notification', atMs: failed.atMs, what: 'failed', because: failed.because, tone: 'error' });
  else if (kept !== undefined && look !== undefined) steps.push({ name: 'Notification', atMs: kept.atMs, what: look.word, because: kept.because, tone: look.tone });
  else steps.push(missing('Notification', grouped === undefined ? 'nothing was sent' : 'its group has not been flushed yet'));
  return steps;
}

/** The reason without the expression and the time of day, which stand elsewhere on the page. */
export function shortReason(because: string): string {
  const text = because
    .replace(/^`[^`]*` holds with value ([^;]+); /, 'the value was $1 and ')
    .replace(/, since \d{4}-\d\d-\d\dT[\d:]+Z/, '')
    .replace(/[.\s]+$/, '');
  return text === '' ? 'it fires' : text;
}

export interface Answer {
  state: State;
  word: string;
  sentence: string;
  sinceMs: number | null;
}

/** The page's one sentence: who was told and why, or what holds it back. */
export function answerOf(episode: Episode | null, zone: Zone): Answer {
  if (episode === null) return { state: 'nodata', word: 'No record', sentence: 'No step of this alert is recorded here.', sinceMs: null };
  const { events } = episode;
  const sent = all(events, 'notified');
  const failed = all(events, 'notifyFailed').at(-1);
  const kept = all(events, 'inhibited', 'silenced', 'muted').at(-1);
  const receivers = [...new Set(sent.map((event) => event.detail['receiver'] ?? event.detail['integration'] ?? ''))].filter((each) => each !== '');
  const told = receivers.length === 0 ? 'A receiver was told' : `${receivers.join(' and ')} ${receivers.length === 1 ? 'was' : 'were'} told`;
  if (episode.resolvedMs !== null) {
    return { state: 'ok', word: 'Resolved', sentence: sent.length > 0 ? `It has resolved; ${told.charAt(0).toLowerCase()}${told.slice(1)} while it fired.` : 'It has resolved; nobody was told.', sinceMs: episode.resolvedMs };
  }
  const firing = find(events, 'firing') ?? find(events, 'received');
  if (firing === undefined) {
    const pending = find(events, 'pending');
    return { state: 'pending', word: 'Pending', sentence: `Nobody is told yet: it waits${pending?.detail['for'] === undefined ? '' : ` ${pending.detail['for']}`} before it fires.`, sinceMs: episode.startMs };
  }
  const since = episode.firingMs ?? firing.atMs;
  if (kept !== undefined && (sent.at(-1)?.atMs ?? 0) < kept.atMs) {
    const look = held[kept.step];
    return { state: kept.step === 'inhibited' ? 'inhibited' : 'silenced', word: look?.word ?? 'Held back', sentence: `Nobody is told: ${kept.because}.`, sinceMs: since };
  }
  if (sent[0] !== undefined) return { state: 'firing', word: 'Firing', sentence: `${told} at ${clockTime(sent[0].atMs, zone)} because ${shortReason(firing.because)}.`, sinceMs: since };
  if (failed !== undefined) return { state: 'error', word: 'Not delivered', sentence: `It fires, but nobody could be told: ${failed.because}.`, sinceMs: since };
  return { state: 'firing', word: 'Firing', sentence: 'It fires; its group has not been sent yet.', sinceMs: since };
}

export interface Comparison {
  /** What is compared: the value worth drawing. */
  value: string;
  operator: string;
  threshold: number;
}

/** `expr > 0.5` apart; of `a > 1 and b > 2` the first. Null where nothing is compared with a plain number. */
export function splitComparison(expr: string): Comparison | null {
  let text = expr.trim();
  while (text.startsWith('(') && closing(text, 0) === text.length - 1) text = text.slice(1, -1).trim();
  let depth = 0;
  let quoted = '';
  let at = -1;
  let operator = '';
  let end = text.length;
  for (let i = 0; i < text.length; i += 1) {
    const c = text.charAt(i);
    if (quoted !== '') {
      if (c === '\\' && quoted !== '`') i += 1;
      else if (c === quoted) quoted = '';
      continue;
    }
    if (c === '"' || c === "'" || c === '`') quoted = c;
    else if ('([{'.includes(c)) depth += 1;
    else if (')]}'.includes(c)) depth -= 1;
    else if (depth === 0) {
      const word = /^\b(and|or|unless)\b/i.exec(text.slice(i));
      if (word !== null && /[\s)\]}]/.test(text.charAt(i - 1))) {
        if (word[1]?.toLowerCase() === 'or') return null;
        end = i;
        break;
      }
      const found = /^(>=|<=|==|!=|>|<)/.exec(text.slice(i));
      if (found !== null) {
        at = i;
        operator = found[1] ?? '';
        i += operator.length - 1;
      }
    }
  }
  if (at < 0) return at < 0 && end < text.length ? splitComparison(text.slice(0, end)) : null;
  const threshold = product(text.slice(at + operator.length, end).replace(/^\s*bool\b/, ''));
  const value = text.slice(0, at).trim();
  return threshold === null || value === '' ? null : { value, operator, threshold };
}

function closing(text: string, open: number): number {
  let depth = 0;
  for (let i = open; i < text.length; i += 1) {
    if (text.charAt(i) === '(') depth += 1;
    else if (text.charAt(i) === ')' && (depth -= 1) === 0) return i;
  }
  return -1;
}

/** `14.4 * 0.001`: numbers multiplied and divided; null for anything else. */
function product(text: string): number | null {
  const parts = text.replace(/[()]/g, ' ').trim().split(/\s*([*/])\s*/);
  let result = Number(parts[0]);
  if ((parts[0] ?? '') === '') return null;
  for (let at = 1; at < parts.length; at += 2) {
    const next = Number(parts[at + 1]);
    result = parts[at] === '*' ? result * next : result / next;
  }
  return Number.isFinite(result) ? result : null;
}
