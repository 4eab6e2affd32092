/** Numbers as text: grouped, scaled, with their unit after a no-break space and a true minus. */

const nbsp = '\u00a0';
const thin = '\u202f';
const minus = '\u2212';

/** `1 204`, `−3.5`: every digit, grouped. */
export function grouped(value: number, decimals?: number): string {
  if (!Number.isFinite(value)) return special(value);
  const text = decimals === undefined ? trim(Math.abs(value)) : Math.abs(value).toFixed(decimals);
  const [whole = '0', fraction] = text.split('.');
  const parted = whole.replace(/\B(?=(\d{3})+(?!\d))/g, thin);
  return `${value < 0 ? minus : ''}${parted}${fraction === undefined ? '' : `.${fraction}`}`;
}

function trim(abs: number): string {
  if (abs !== 0 && (abs < 1e-4 || abs >= 1e15)) return abs.toExponential(2);
  return String(Number(abs.toPrecision(12)));
}

function special(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : `${minus}Inf`;
}

/** At most three significant digits, as key figures have: 0.42, 4.2, 214, 21 840. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return special(value);
  const abs = Math.abs(value);
  if (abs === 0) return '0';
  if (abs >= 100) return grouped(Math.round(value));
  if (abs < 0.001) return grouped(value).replace('-', minus);
  return grouped(Number(value.toPrecision(abs < 1 ? 2 : 3)));
}

export interface Figure {
  /** Digits, with the scale letter joined on: `214 k`. */
  text: string;
  unit: string;
}

const decimalScale: [number, string][] = [[1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e3, 'k']];
const binaryScale: [number, string][] = [[2 ** 50, 'PiB'], [2 ** 40, 'TiB'], [2 ** 30, 'GiB'], [2 ** 20, 'MiB'], [2 ** 10, 'KiB']];

/** `12 k`, `4.2 M`; below ten thousand all digits. */
export function compact(value: number): string {
  if (!Number.isFinite(value)) return special(value);
  const abs = Math.abs(value);
  if (abs < 10_000) return short(value);
  for (const [size, letter] of decimalScale) {
    if (abs >= size * 0.9995) return `${short(value / size)}${nbsp}${letter}`;
  }
  return short(value);
}

/** A value with its unit, scaled the way the unit wants: bytes by 1024, seconds to ms and min, the rest by 1000. */
export function figure(value: number, unit = ''): Figure {
  switch (unit) {
    case 'bytes':
    case 'B':
    case 'By':
    case 'bytes/s':
    case 'B/s': {
      const rate = unit.endsWith('/s') ? '/s' : '';
      for (const [size, name] of binaryScale) {
        if (Math.abs(value) >= size) return { text: short(value / size), unit: name + rate };
      }
      return { text: short(value), unit: `B${rate}` };
    }
    case 's':
    case 'seconds': {
      const abs = Math.abs(value);
      if (abs !== 0 && abs < 1e-3) return { text: short(value * 1e6), unit: 'µs' };
      if (abs !== 0 && abs < 0.1) return { text: short(value * 1e3), unit: 'ms' };
      if (abs >= 7_200) return { text: short(value / 3_600), unit: 'h' };
      if (abs >= 120) return { text: short(value / 60), unit: 'min' };
      return { text: short(value), unit: 's' };
    }
    case 'percentunit':
    case 'ratio':
      return { text: short(value * 100), unit: '%' };
    case 'percent':
      return { text: short(value), unit: '%' };
    default:
      return { text: compact(value), unit };
  }
}

/** `214 k samples/s`, one string. */
export function withUnit(value: number, unit = ''): string {
  const { text, unit: shown } = figure(value, unit);
  return shown === '' ? text : `${text}${nbsp}${shown}`;
}

/** A sample value for tables and tooltips: six significant digits. */
export function sampleValue(value: number): string {
  if (!Number.isFinite(value)) return special(value);
  return grouped(Number(value.toPrecision(6)));
}

/** `1 alert`, `3 alerts`. */
export function count(value: number, one: string, many = `${one}s`): string {
  return `${grouped(value)}${nbsp}${value === 1 ? one : many}`;
}
