import { sayAgo, sayDuration } from '../time/duration';
import { fullTime, timeOrDate } from '../time/clock';
import { useNow, useZone } from '../state/time';

interface Props {
  ms: number | null;
  /** `clock` is the time of day, `ago` the distance from now, `age` the same without "ago". */
  as?: 'clock' | 'ago' | 'age';
}

/** A point in time; hover gives the complete time and its distance from now. */
export function Time({ ms, as = 'clock' }: Props) {
  const now = useNow(as === 'clock' ? 60_000 : 5_000);
  const zone = useZone();
  if (ms === null || ms === 0) return <span className="t3">never</span>;
  const present = Math.max(now, Date.now() - 5_000);
  const shown = as === 'clock' ? timeOrDate(ms, present, zone) : as === 'ago' ? sayAgo(ms, present) : sayDuration(Math.max(0, present - ms));
  return (
    <time dateTime={new Date(ms).toISOString()} title={`${fullTime(ms, zone)}, ${sayAgo(ms, present)}`} className="nowrap">
      {shown}
    </time>
  );
}
