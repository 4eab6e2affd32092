/** Reading unknown JSON: a missing or odd field becomes its plain default, never an exception in the middle of a page. */

export type Json = Record<string, unknown>;

export function object(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

export function list<T>(value: unknown, each: (item: unknown) => T): T[] {
  return Array.isArray(value) ? value.map(each) : [];
}

export function text(value: unknown, otherwise = ''): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : otherwise;
}

/** A number, also from a string as Prometheus writes sample values (`+Inf`, `NaN`). */
export function number(value: unknown, otherwise = 0): number {
  return numberOrNull(value) ?? otherwise;
}

export function numberOrNull(value: unknown): number | null {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || value === '') return null;
  if (value === '+Inf' || value === 'Inf') return Infinity;
  if (value === '-Inf') return -Infinity;
  if (value === 'NaN') return NaN;
  const parsed = Number(value);
  return Number.isNaN(parsed) ? null : parsed;
}

export function flag(value: unknown): boolean {
  return value === true;
}

/** Unix milliseconds of an ISO time; null for none and for the zero time that Go writes. */
export function time(value: unknown): number | null {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || value === '' || value.startsWith('0001-')) return null;
  const parsed = Date.parse(value);
  return Number.isNaN(parsed) ? null : parsed;
}

export function labels(value: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(object(value)).map(([name, each]) => [name, text(each)]));
}

export function oneOf<T extends string>(value: unknown, known: readonly T[], otherwise: T): T {
  return known.find((each) => each === value) ?? otherwise;
}
