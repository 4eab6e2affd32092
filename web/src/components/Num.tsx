import { figure, grouped } from '../format/number';

/** A number with its unit in text-3; unknown is a dash, never a zero. */
export function Num({ value, unit = '', strong = false }: { value: number | null | undefined; unit?: string; strong?: boolean }) {
  if (value === null || value === undefined) return <span className="t3" aria-label="unknown">–</span>;
  const shown = figure(value, unit);
  const full = grouped(value);
  return (
    <span className="nowrap" title={full === shown.text ? undefined : `${full} ${unit}`}>
      {strong ? <b>{shown.text}</b> : shown.text}
      {shown.unit !== '' && <span className="unit">{`\u00a0${shown.unit}`}</span>}
    </span>
  );
}
