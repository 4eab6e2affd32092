/** A silence while it is written: rows of matchers, and what is wrong with them. */

import { labels as readLabels } from '../../api/decode';
import type { Matcher } from '../../format/labels';
import { parseDuration } from '../../time/duration';

export type Operator = '=' | '!=' | '=~' | '!~';

export interface MatcherDraft {
  name: string;
  operator: Operator;
  value: string;
}

export const emptyRow: MatcherDraft = { name: '', operator: '=', value: '' };

export function toDraft(m: Matcher): MatcherDraft {
  return { name: m.name, value: m.value, operator: m.isEqual ? (m.isRegex ? '=~' : '=') : m.isRegex ? '!~' : '!=' };
}

export function toMatcher(row: MatcherDraft): Matcher {
  return { name: row.name.trim(), value: row.value, isRegex: row.operator.endsWith('~'), isEqual: row.operator.startsWith('=') };
}

/** One row per label of an alert, from the address bar's JSON. */
export function draftFromLabels(json: string): MatcherDraft[] {
  try {
    return Object.entries(readLabels(JSON.parse(json))).map(([name, value]) => ({ name, operator: '=' as const, value }));
  } catch {
    return [];
  }
}

/** What keeps the matchers from being saved; null when nothing does. */
export function matcherProblem(rows: readonly MatcherDraft[]): string | null {
  const used = rows.filter((row) => row.name.trim() !== '' || row.value !== '');
  if (used.length === 0) return 'Write at least one matcher: a silence without any would hold back everything.';
  for (const row of used) {
    if (row.name.trim() === '') return `The matcher with value "${row.value}" has no label.`;
    if (row.operator.endsWith('~')) {
      try {
        new RegExp(row.value, 'u');
      } catch {
        return `"${row.value}" is no regular expression.`;
      }
    }
  }
  const narrows = used.some((row) => {
    const m = toMatcher(row);
    const empty = m.isRegex ? new RegExp(`^(?:${m.value})$`, 'u').test('') : m.value === '';
    return empty !== m.isEqual;
  });
  return narrows ? null : 'At least one matcher must ask for a label that is there; these would also match alerts without any of the labels.';
}

/** End of the silence in Unix milliseconds, from `2h`, `1d12h`; null when it is no length of time. */
export function endOf(length: string, startMs: number): number | null {
  const ms = parseDuration(length);
  return ms === null || ms <= 0 ? null : startMs + ms;
}
