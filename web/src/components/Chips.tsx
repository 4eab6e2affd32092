import { useState } from 'react';
import { chipValue, orderLabels, type Labels } from '../format/labels';

interface ChipProps {
  name: string;
  value: string;
  operator?: string;
  failed?: boolean;
  /** Click picks the label with `=`, Alt-click with `!=`. */
  onPick?: ((name: string, value: string, equal: boolean) => void) | undefined;
}

export function Chip({ name, value, operator = '=', failed = false, onPick }: ChipProps) {
  const full = `${name}${operator}${value}`;
  const shown = chipValue(name, value);
  const content = (
    <>
      <i>
        {name}
        {operator}
      </i>
      <span aria-hidden={shown === value ? undefined : true}>{shown}</span>
      {shown !== value && <span className="visually-hidden">{value}</span>}
    </>
  );
  const className = failed ? 'chip fail' : 'chip';
  if (onPick === undefined) {
    return (
      <span className={className} title={full}>
        {content}
      </span>
    );
  }
  return (
    <button type="button" className={className} title={`${full}\nClick to filter, Alt-click to exclude`} onClick={(event) => onPick(name, value, !event.altKey)}>
      {content}
    </button>
  );
}

interface ChipsProps {
  labels: Labels;
  /** Most chips shown before `+n`. */
  max?: number;
  hide?: readonly string[];
  onPick?: ((name: string, value: string, equal: boolean) => void) | undefined;
}

/** A label set as chips, the ones past `max` behind a `+n` that opens. */
export function Chips({ labels, max = 6, hide, onPick }: ChipsProps) {
  const [open, setOpen] = useState(false);
  const pairs = orderLabels(labels, hide);
  const shown = open ? pairs : pairs.slice(0, pairs.length === max + 1 ? max + 1 : max);
  const rest = pairs.length - shown.length;
  return (
    <span className="chips">
      {shown.map((pair) => (
        <Chip key={pair.name} name={pair.name} value={pair.value} onPick={onPick} />
      ))}
      {rest > 0 && (
        <button type="button" className="chip-more" aria-label={`Show ${rest} more labels`} onClick={() => setOpen(true)}>
          +{rest}
        </button>
      )}
    </span>
  );
}
