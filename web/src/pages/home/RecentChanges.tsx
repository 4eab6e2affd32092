import { IconAdjustmentsHorizontal, IconAlertOctagonFilled, IconBell, IconBellOff, IconRocket } from '@tabler/icons-react';
import type { Change, ChangeKind } from '../../api/pharos';
import { Time } from '../../components/Time';
import { Empty, Skeleton } from '../../components/Views';
import { useNow, useTime } from '../../state/time';
import { hourMinute, timeOrDate } from '../../time/clock';
import { sayRange } from '../../time/range';

const kinds: Record<ChangeKind, { icon: typeof IconBell; tone: string; word: string }> = {
  config: { icon: IconAdjustmentsHorizontal, tone: 'var(--ph-accent)', word: 'Configuration' },
  rollout: { icon: IconRocket, tone: 'var(--ph-accent)', word: 'Rollout' },
  silence: { icon: IconBellOff, tone: 'var(--ph-silenced)', word: 'Silence' },
  alert: { icon: IconAlertOctagonFilled, tone: 'var(--ph-firing)', word: 'Alert' },
  notification: { icon: IconBell, tone: 'var(--ph-text-2)', word: 'Notification' },
};

const listedMax = 12;

/** What changed within the picked range: a rail in true time, and the same as a list, newest first. */
export function RecentChanges({ changes, unknown }: { changes: readonly Change[] | null; unknown: boolean }) {
  const time = useTime();
  useNow(5_000);
  const { fromMs, toMs } = time.resolve();
  const within = (changes ?? []).filter((each) => each.atMs >= fromMs && each.atMs <= toMs + 5_000).sort((a, b) => b.atMs - a.atMs);
  const place = (at: number) => `${Math.min(100, Math.max(0, ((at - fromMs) / (toMs - fromMs)) * 100))}%`;
  const ends = time.range.to === 'now';
  return (
    <section className="panel" data-testid="recent-changes">
      <div className="panel-head">
        Recent changes
        <span className="caption">{sayRange(time.range, time.zone).toLowerCase()}</span>
      </div>
      {changes === null && (unknown ? <Empty title="What changed is unknown."><p>It comes with the map, which could not be loaded.</p></Empty> : <Skeleton rows={3} />)}
      {changes !== null && within.length === 0 && (
        <Empty title="Nothing changed in this range.">
          <p>{changes.length === 0 ? 'No configuration, rollout, silence or notification is recorded yet.' : `The newest change is older: ${timeOrDate(Math.max(...changes.map((each) => each.atMs)), Date.now(), time.zone)}.`}</p>
        </Empty>
      )}
      {within.length > 0 && (
        <>
          <div className="rail" aria-hidden>
            <div className="axis" />
            {[0, 0.25, 0.5, 0.75].map((share) => (
              <span key={share} className="tick" style={{ left: `${share * 100}%`, ...(share === 0 ? { transform: 'none' } : {}) }}>
                {hourMinute(fromMs + (toMs - fromMs) * share, time.zone)}
              </span>
            ))}
            <span className="tick last" style={{ left: '100%' }}>
              {ends ? 'now ' : ''}
              {hourMinute(toMs, time.zone)}
            </span>
            {within.map((each, at) => {
              const look = kinds[each.kind];
              return (
                <span key={`${each.atMs} ${at}`} className="mark" style={{ left: place(each.atMs), color: look.tone }}>
                  <look.icon size={16} stroke={1.75} />
                </span>
              );
            })}
            {ends && <span className="now" style={{ left: '100%' }} />}
          </div>
          <ul className="change-list">
            {within.slice(0, listedMax).map((each, at) => {
              const look = kinds[each.kind];
              return (
                <li key={`${each.atMs} ${at}`}>
                  <span className="caption">
                    <Time ms={each.atMs} />
                  </span>
                  <span style={{ color: look.tone }}>
                    <look.icon size={16} stroke={1.75} aria-hidden />
                    <span className="visually-hidden">{look.word}</span>
                  </span>
                  <span>{each.text}</span>
                </li>
              );
            })}
          </ul>
          {within.length > listedMax && <p className="caption" style={{ padding: '0 12px 8px' }}>{listedMax} of {within.length} shown; pick a shorter range to see the rest.</p>}
        </>
      )}
    </section>
  );
}
