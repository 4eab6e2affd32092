/** Label sets: order, cutting, what is common, and the selectors they turn into. */

export type Labels = Readonly<Record<string, string>>;

export interface LabelPair {
  name: string;
  value: string;
}

/** Longest `key=value` a chip shows whole. */
export const chipLength = 28;

/** Cuts in the middle, keeping the start and the tail that tells two apart: `checkout-7c9…x4k2`. */
export function cutMiddle(text: string, max: number): string {
  const letters = Array.from(text);
  if (letters.length <= max) return text;
  const room = Math.max(max - 1, 2);
  const tail = Math.min(4, Math.floor(room / 2));
  return `${letters.slice(0, room - tail).join('')}…${letters.slice(letters.length - tail).join('')}`;
}

/** The value as a chip shows it; the key is never cut. */
export function chipValue(name: string, value: string): string {
  return cutMiddle(value, Math.max(chipLength - name.length - 1, 9));
}

const first = ['severity', 'service', 'service_name'];

/** Severity, service, then alphabetic; the metric's or alert's own name is left out, as it stands beside. */
export function orderLabels(labels: Labels, hide: readonly string[] = ['__name__', 'alertname']): LabelPair[] {
  const rank = (name: string) => {
    const at = first.indexOf(name);
    return at < 0 ? first.length : at;
  };
  return Object.entries(labels)
    .filter(([name]) => !hide.includes(name))
    .map(([name, value]) => ({ name, value }))
    .sort((a, b) => rank(a.name) - rank(b.name) || (a.name < b.name ? -1 : 1));
}

/** The labels that every set has with the same value. */
export function commonLabels(sets: readonly Labels[]): Record<string, string> {
  const [head, ...rest] = sets;
  if (head === undefined || rest.length === 0) return {};
  return Object.fromEntries(Object.entries(head).filter(([name, value]) => rest.every((each) => each[name] === value)));
}

export function withoutLabels(labels: Labels, drop: Labels): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).filter(([name, value]) => drop[name] !== value));
}

export function sameLabels(a: Labels, b: Labels): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

/** One text per label set, the same whatever the order: a key for maps and for the address bar. */
export function labelsKey(labels: Labels): string {
  return JSON.stringify(Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))));
}

/** A string as PromQL and LogQL quote it. */
export function quote(value: string): string {
  return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}

const plainName = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

function matcher(name: string, value: string): string {
  return `${plainName.test(name) ? name : quote(name)}=${quote(value)}`;
}

/** `{app="checkout", cluster="eu"}`; labels in double underscores never select, so they are left out. */
export function selector(labels: Labels): string {
  const pairs = Object.entries(labels)
    .filter(([name]) => !name.startsWith('__'))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${pairs.map(([name, value]) => matcher(name, value)).join(', ')}}`;
}

/** A series as PromQL writes it: `http_requests_total{code="500"}`. */
export function seriesName(labels: Labels): string {
  const name = labels['__name__'] ?? '';
  const rest = selector(labels);
  if (rest === '{}' && name !== '') return name;
  return `${plainMetric(name) ? name : ''}${plainMetric(name) || name === '' ? rest : `{${quote(name)}${rest === '{}' ? '' : `, ${rest.slice(1, -1)}`}}`}`;
}

function plainMetric(name: string): boolean {
  return /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name);
}

/** Parses an Alertmanager-style matcher such as `team=~"a|b"`; null when it is none. */
export interface Matcher {
  name: string;
  value: string;
  isRegex: boolean;
  isEqual: boolean;
}

export function parseMatcher(text: string): Matcher | null {
  const match = /^\s*([\p{L}_:][\p{L}\p{N}_:.-]*|"(?:[^"\\]|\\.)*")\s*(=~|!~|!=|=)\s*(.*?)\s*$/su.exec(text);
  if (match === null) return null;
  const operator = match[2] ?? '=';
  const raw = match[3] ?? '';
  let value = raw;
  if (raw.startsWith('"')) {
    if (raw.length < 2 || !raw.endsWith('"')) return null;
    value = raw.slice(1, -1).replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c));
  }
  const name = (match[1] ?? '').replace(/^"|"$/g, '');
  return { name, value, isRegex: operator.endsWith('~'), isEqual: operator.startsWith('=') };
}

export function matcherText(m: Matcher): string {
  const operator = m.isEqual ? (m.isRegex ? '=~' : '=') : m.isRegex ? '!~' : '!=';
  return `${m.name}${operator}${quote(m.value)}`;
}

/** Whether the labels satisfy the matcher; a missing label counts as empty, a regular expression is anchored. */
export function matches(m: Matcher, labels: Labels): boolean {
  const value = labels[m.name] ?? '';
  let hit: boolean;
  if (m.isRegex) {
    try {
      hit = new RegExp(`^(?:${m.value})$`, 'su').test(value);
    } catch {
      return false;
    }
  } else {
    hit = value === m.value;
  }
  return hit === m.isEqual;
}
