import { Popover } from '@mantine/core';
import { IconAlertOctagonFilled, IconBellOff, IconCircleCheck, IconCircleDashed, IconCircleHalf2, IconPlugX, IconShieldHalf } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { State } from '../api/pharos';

const looks: Record<State, { icon: typeof IconCircleCheck; word: string }> = {
  firing: { icon: IconAlertOctagonFilled, word: 'Firing' },
  pending: { icon: IconCircleHalf2, word: 'Pending' },
  ok: { icon: IconCircleCheck, word: 'OK' },
  nodata: { icon: IconCircleDashed, word: 'No data' },
  silenced: { icon: IconBellOff, word: 'Silenced' },
  inhibited: { icon: IconShieldHalf, word: 'Inhibited' },
  error: { icon: IconPlugX, word: 'Error' },
};

export function StateIcon({ state, size = 16 }: { state: State; size?: number }) {
  const Icon = looks[state].icon;
  return <Icon size={size} stroke={size > 16 ? 1.5 : 1.75} aria-hidden />;
}

export function stateWord(state: State): string {
  return looks[state].word;
}

interface Props {
  state: State;
  /** Instead of the state's own word. */
  word?: ReactNode;
  since?: ReactNode;
  /** Why it is so; opens on click. */
  reason?: string;
  soft?: boolean;
  size?: number;
}

/** Shape, colour and word of a state; with a reason it opens to say why. */
export function StateMark({ state, word, since, reason, soft = false, size = 16 }: Props) {
  const className = `state ${state}${soft ? ' soft' : ''}`;
  const content = (
    <>
      <StateIcon state={state} size={size} />
      <span className="word">{word ?? looks[state].word}</span>
      {since !== undefined && <span className="since">{since}</span>}
    </>
  );
  if (reason === undefined || reason === '') return <span className={className}>{content}</span>;
  return (
    <Popover position="bottom-start" shadow="none" withinPortal>
      <Popover.Target>
        <button type="button" className={className} aria-label={`${looks[state].word}: why`}>
          {content}
        </button>
      </Popover.Target>
      <Popover.Dropdown className="popover">
        <p style={{ maxWidth: 360 }}>{reason}</p>
      </Popover.Dropdown>
    </Popover>
  );
}

const bars: Record<string, number> = { critical: 3, page: 3, error: 3, warning: 2, warn: 2, info: 1, none: 0 };

/** Severity has no hue: filled bars and the word. */
export function Severity({ value }: { value: string | undefined }) {
  if (value === undefined || value === '') return <span className="t3">no severity</span>;
  const filled = bars[value.toLowerCase()] ?? 1;
  return (
    <span className="severity">
      <span className="bars" aria-hidden>
        {[1, 2, 3].map((each) => (
          <i key={each} className={each <= filled ? 'on' : ''} />
        ))}
      </span>
      {value}
    </span>
  );
}

/** For sorting: critical first. */
export function severityRank(value: string | undefined): number {
  return 3 - (bars[(value ?? '').toLowerCase()] ?? 0);
}
