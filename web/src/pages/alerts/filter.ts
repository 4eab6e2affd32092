/** The filter field of the alerting lists: matchers, `state:` and `health:` words, and plain words. */

import { matches, parseMatcher, quote, type Labels, type Matcher } from '../../format/labels';

export interface Filter {
  matchers: Matcher[];
  /** `state:firing`, `health:err`, `placement:logs`. */
  keys: { key: string; value: string }[];
  words: string[];
}

/** Parts of the text, split at commas, braces and spaces outside quotes. */
export function splitFilter(text: string): string[] {
  const parts: string[] = [];
  let part = '';
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const c = text.charAt(at);
    if (c === '\\' && quoted) {
      part += c + text.charAt(at + 1);
      at += 1;
      continue;
    }
    if (c === '"') quoted = !quoted;
    if (!quoted && ', {}'.includes(c)) {
      // Space around an operator belongs to its matcher.
      if (c === ' ' && part !== '' && (/[=~]$/.test(part) || /^\s*(=|!=|!~)/.test(text.slice(at)))) continue;
      if (part !== '') parts.push(part);
      part = '';
    } else part += c;
  }
  if (part !== '') parts.push(part);
  return parts;
}

export function parseFilter(text: string): Filter {
  const filter: Filter = { matchers: [], keys: [], words: [] };
  for (const part of splitFilter(text)) {
    const key = /^([a-z]+):([\w"*.-]+)$/.exec(part);
    if (key !== null) {
      filter.keys.push({ key: key[1] ?? '', value: (key[2] ?? '').replaceAll('"', '').toLowerCase() });
      continue;
    }
    const matcher = parseMatcher(part);
    if (matcher !== null) filter.matchers.push(matcher);
    else filter.words.push(part.replaceAll('"', '').toLowerCase());
  }
  return filter;
}

/** Whether labels and the other searched text satisfy matchers and words; keys are the list's own matter. */
export function passes(filter: Filter, labels: Labels, texts: readonly string[] = []): boolean {
  if (!filter.matchers.every((m) => matches(m, labels))) return false;
  if (filter.words.length === 0) return true;
  const all = `${Object.entries(labels).map(([name, value]) => `${name}=${value}`).join(' ')} ${texts.join(' ')}`.toLowerCase();
  return filter.words.every((word) => all.includes(word));
}

/** The filter text with one more matcher; the same one again takes it away. */
export function withFilter(text: string, name: string, value: string, equal: boolean): string {
  const added = `${name}${equal ? '=' : '!='}${quote(value)}`;
  const parts = splitFilter(text);
  return (parts.includes(added) ? parts.filter((each) => each !== added) : [...parts.filter((each) => !each.startsWith(`${name}=`) || !equal), added]).join(', ');
}
