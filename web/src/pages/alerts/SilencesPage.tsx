import './alerts.css';

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { IconPlus } from '@tabler/icons-react';
import { useEffect, useMemo, useState } from 'react';
import { expireSilence, saveSilence, silences as loadSilences, type RoutedAlert, type Silence } from '../../api/alertmanager';
import { Chip } from '../../components/Chips';
import { LinkTabs, Page } from '../../components/Page';
import { StateMark } from '../../components/StateMark';
import { Time } from '../../components/Time';
import { Empty, Failed, Skeleton } from '../../components/Views';
import { matches } from '../../format/labels';
import { count, grouped } from '../../format/number';
import { useAlerts } from '../../shell/queries';
import { useRefreshMs, useTime } from '../../state/time';
import { useChangeParams, useParam } from '../../state/url';
import { sayDuration } from '../../time/duration';
import { AlertingTabs } from './AlertingTabs';
import { SilenceForm } from './SilenceForm';

const states = ['active', 'pending', 'expired'] as const;

export function affected(silence: Pick<Silence, 'matchers'>, alerts: readonly RoutedAlert[]): RoutedAlert[] {
  return alerts.filter((alert) => silence.matchers.every((m) => matches(m, alert.labels)));
}

export function SilencesPage() {
  const time = useTime();
  const every = useRefreshMs(10_000);
  const change = useChangeParams();
  const [shownParam] = useParam('state', 'active');
  const [text, setText] = useParam('filter');
  const [creating] = useParam('new');
  const [id] = useParam('id');
  const queries = useQueryClient();
  const { data, error, refetch, isPending } = useQuery({ queryKey: ['silences', time.tick], queryFn: ({ signal }) => loadSilences(signal), refetchInterval: every });
  const alerts = useAlerts();
  const again = () => Promise.all([queries.invalidateQueries({ queryKey: ['silences'] }), queries.invalidateQueries({ queryKey: ['alerts'] }), queries.invalidateQueries({ queryKey: ['alert-groups'] })]);
  const expire = useMutation({ mutationFn: expireSilence, onSettled: again });
  const extend = useMutation({ mutationFn: (silence: Silence) => saveSilence({ ...silence, startsAtMs: silence.startsAtMs, endsAtMs: Math.max(silence.endsAtMs, Date.now()) + 3_600_000 }), onSettled: again });

  const linked = data?.find((each) => each.id === id);
  const shown = linked?.state ?? states.find((each) => each === shownParam) ?? 'active';
  const words = text.toLowerCase();
  const rows = useMemo(
    () =>
      (data ?? [])
        .filter((each) => each.state === shown)
        .filter((each) => words === '' || `${each.createdBy} ${each.comment} ${each.matchers.map((m) => `${m.name} ${m.value}`).join(' ')}`.toLowerCase().includes(words))
        .sort((a, b) => (shown === 'expired' ? b.endsAtMs - a.endsAtMs : a.endsAtMs - b.endsAtMs)),
    [data, shown, words],
  );
  const of = (state: Silence['state']) => (data ?? []).filter((each) => each.state === state).length;
  const held = (alerts.data ?? []).filter((each) => each.silencedBy.length > 0).length;
  const finding = data === undefined ? (error === null ? ' ' : 'The silences are unknown.') : of('active') === 0 ? 'Nothing is silenced.' : `${count(of('active'), 'silence holds', 'silences hold')} back ${count(held, 'alert')}.`;

  return (
    <Page
      title="Silences"
      caption="Alerting"
      finding={finding}
      wide
      actions={
        <button type="button" className="button primary" onClick={() => change({ new: '1', id: null })} data-testid="new-silence">
          <IconPlus size={16} stroke={1.75} aria-hidden />
          New silence
        </button>
      }
    >
      <AlertingTabs />
      <div className="toolbar">
        <input className="field" placeholder="Filter by matcher, author or comment" value={text} onChange={(event) => setText(event.target.value, true)} aria-label="Filter the silences" data-filter />
      </div>
      <LinkTabs label="State" items={states.map((state) => ({ to: `/alerting/silences${state === 'active' ? '' : `?state=${state}`}`, name: `${state[0]?.toUpperCase()}${state.slice(1)} ${grouped(of(state))}`, on: shown === state }))} />
      {expire.error !== null && <Failed error={expire.error} what="The silence could not be expired." />}
      {extend.error !== null && <Failed error={extend.error} what="The silence could not be extended." />}
      <div className="panel">
        {isPending && error === null && <Skeleton rows={5} />}
        {error !== null && <Failed error={error} what="The silences could not be loaded." onRetry={() => void refetch()} />}
        {data !== undefined && rows.length === 0 && (
          <Empty title={words === '' ? `No silence is ${shown}.` : 'No silence matches the filter.'}>
            <p>{words === '' ? 'A silence keeps matching alerts from notifying until it ends; they stay visible.' : `${grouped(of(shown))} are hidden by the filter.`}</p>
          </Empty>
        )}
        {rows.length > 0 && (
          <div className="table-wrap">
            <table className="table items" data-testid="silence-table">
              <thead>
                <tr>
                  <th>State</th>
                  <th>Matchers</th>
                  <th className="num">Holds back</th>
                  <th>{shown === 'expired' ? 'Ended' : shown === 'pending' ? 'Starts' : 'Ends'}</th>
                  <th>By</th>
                  <th>Comment</th>
                  <th className="actions">
                    <span className="visually-hidden">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {rows.map((silence) => (
                  <tr key={silence.id} className={silence.id === id ? 'selected' : ''} data-testid="silence-row" data-silence={silence.id}>
                    <td>
                      <StateMark state={silence.state === 'active' ? 'silenced' : silence.state === 'pending' ? 'pending' : 'nodata'} word={silence.state === 'active' ? 'Active' : silence.state === 'pending' ? 'Pending' : 'Expired'} />
                    </td>
                    <td className="slack">
                      <span className="chips">
                        {silence.matchers.map((m) => (
                          <Chip key={`${m.name} ${m.value}`} name={m.name} value={m.value} operator={m.isEqual ? (m.isRegex ? '=~' : '=') : m.isRegex ? '!~' : '!='} />
                        ))}
                      </span>
                    </td>
                    <td className="num">{shown === 'expired' ? <span className="t3">–</span> : count(affected(silence, alerts.data ?? []).length, 'alert')}</td>
                    <td className="nowrap">
                      <Time ms={shown === 'pending' ? silence.startsAtMs : silence.endsAtMs} as="ago" />
                    </td>
                    <td>{silence.createdBy}</td>
                    <td style={{ minWidth: 160 }}>{silence.comment}</td>
                    <td className="actions">
                      {silence.state === 'active' && (
                        <button type="button" className="button quiet" disabled={extend.isPending} onClick={() => extend.mutate(silence)} title={`Ends ${sayDuration(3_600_000)} later`}>
                          +1 h
                        </button>
                      )}
                      {silence.state === 'expired' ? (
                        <button type="button" className="button quiet" onClick={() => change({ new: '1', id: silence.id })}>
                          Use again
                        </button>
                      ) : (
                        <ExpireButton busy={expire.isPending} onExpire={() => expire.mutate(silence.id)} />
                      )}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </div>
      {creating !== '' && (
        <SilenceForm
          key={`${creating} ${id}`}
          from={creating === '1' ? (linked?.matchers ?? null) : creating}
          alerts={alerts.data ?? []}
          onClose={() => change({ new: null, id: null }, true)}
          onSaved={(made) => {
            void again();
            change({ new: null, id: made, state: null });
          }}
        />
      )}
    </Page>
  );
}

/** Two presses: the second within four seconds expires. */
function ExpireButton({ busy, onExpire }: { busy: boolean; onExpire: () => void }) {
  const [asked, setAsked] = useState(false);
  useEffect(() => {
    if (!asked) return undefined;
    const timer = window.setTimeout(() => setAsked(false), 4_000);
    return () => window.clearTimeout(timer);
  }, [asked]);
  return (
    <button
      type="button"
      className={asked ? 'button danger' : 'button quiet'}
      disabled={busy}
      data-testid="expire-silence"
      onClick={() => {
        if (asked) onExpire();
        setAsked(!asked);
      }}
    >
      {asked ? 'Expire now?' : 'Expire'}
    </button>
  );
}
