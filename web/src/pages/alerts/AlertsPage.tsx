import './alerts.css';

import { useQuery } from '@tanstack/react-query';
import { IconBellOff } from '@tabler/icons-react';
import { useMemo } from 'react';
import { alertGroups, silences as loadSilences, type RoutedAlert } from '../../api/alertmanager';
import { AlertsElsewhere } from '../../components/AlertsElsewhere';
import { Chips } from '../../components/Chips';
import { Page, PageLink } from '../../components/Page';
import { Severity, severityRank, StateIcon, StateMark } from '../../components/StateMark';
import { Time } from '../../components/Time';
import { Empty, Failed, Progress, Skeleton } from '../../components/Views';
import { VirtualRows } from '../../components/VirtualRows';
import { labelsKey, withoutLabels, type Labels } from '../../format/labels';
import { count, grouped } from '../../format/number';
import { useMe } from '../../shell/queries';
import { useRefreshMs, useTime } from '../../state/time';
import { useChangeParams, useParam } from '../../state/url';
import { timeOrDate } from '../../time/clock';
import { alertWords, looks, outcome, wordOf, type AlertWord } from './alertState';
import { AlertingTabs } from './AlertingTabs';
import { parseFilter, passes, withFilter } from './filter';

type Row = { kind: 'group'; key: string; labels: Labels; receiver: string; count: number } | { kind: 'alert'; key: string; alert: RoutedAlert; common: Labels };

export function AlertsPage() {
  const time = useTime();
  const every = useRefreshMs(10_000);
  const change = useChangeParams();
  const [text, setText] = useParam('filter');
  const [shownState] = useParam('state');
  const [receiver] = useParam('receiver');
  const groups = useQuery({ queryKey: ['alert-groups', receiver, time.tick], queryFn: ({ signal }) => alertGroups([], receiver, signal), refetchInterval: every });
  const known = useQuery({ queryKey: ['silences', time.tick], queryFn: ({ signal }) => loadSilences(signal), refetchInterval: every });

  const elsewhere = useMe().data?.alertmanagers ?? '';
  const filter = useMemo(() => parseFilter(text), [text]);
  const found = useMemo(
    () =>
      (groups.data ?? [])
        .map((group) => ({ ...group, alerts: group.alerts.filter((alert) => passes(filter, alert.labels, Object.values(alert.annotations))) }))
        .filter((group) => group.alerts.length > 0),
    [groups.data, filter],
  );
  // An alert in several groups counts once.
  const distinct = useMemo(() => new Map(found.flatMap((group) => group.alerts).map((alert) => [alert.fingerprint, alert])), [found]);
  const everything = useMemo(() => new Map((groups.data ?? []).flatMap((group) => group.alerts).map((alert) => [alert.fingerprint, alert])), [groups.data]);
  const counts = useMemo(() => {
    const counted = new Map<AlertWord, number>();
    distinct.forEach((alert) => counted.set(wordOf(alert), (counted.get(wordOf(alert)) ?? 0) + 1));
    return counted;
  }, [distinct]);
  const rows = useMemo<Row[]>(
    () =>
      found
        .map((group) => ({ ...group, alerts: group.alerts.filter((alert) => shownState === '' || wordOf(alert) === shownState).sort((a, b) => alertWords.indexOf(wordOf(a)) - alertWords.indexOf(wordOf(b)) || severityRank(a.labels['severity']) - severityRank(b.labels['severity']) || (a.startsAtMs ?? 0) - (b.startsAtMs ?? 0)) }))
        .filter((group) => group.alerts.length > 0)
        .sort((a, b) => alertWords.indexOf(wordOf(a.alerts[0] as RoutedAlert)) - alertWords.indexOf(wordOf(b.alerts[0] as RoutedAlert)) || severityRank(a.alerts[0]?.labels['severity']) - severityRank(b.alerts[0]?.labels['severity']))
        .flatMap((group): Row[] => {
          const key = `${group.receiver} ${labelsKey(group.labels)}`;
          return [
            { kind: 'group', key, labels: group.labels, receiver: group.receiver, count: group.alerts.length },
            ...group.alerts.map((alert): Row => ({ kind: 'alert', key: `${key} ${alert.fingerprint}`, alert, common: group.labels })),
          ];
        }),
    [found, shownState],
  );

  const pick = (name: string, value: string, equal: boolean) => setText(withFilter(text, name, value, equal));
  const firing = [...everything.values()].filter((alert) => wordOf(alert) === 'firing');
  const critical = firing.filter((alert) => severityRank(alert.labels['severity']) === 0).length;
  const finding =
    groups.data === undefined
      ? groups.error === null
        ? ' '
        : 'The state of the alerts is unknown.'
      : firing.length === 0
        ? everything.size === 0
          ? elsewhere === ''
            ? 'No alert is firing.'
            : 'Alerts are routed elsewhere.'
          : `No alert notifies anyone; ${count(everything.size, 'is', 'are')} held back.`
        : `${count(firing.length, 'alert fires', 'alerts fire')}${critical > 0 ? `, ${grouped(critical)} critical` : ''}${everything.size > firing.length ? `; ${grouped(everything.size - firing.length)} held back` : ''}.`;

  return (
    <Page title="Alerts" caption="Alerting" finding={finding} wide actions={<PageLink to="/alerting/silences?new=1" className="button"><IconBellOff size={16} stroke={1.75} aria-hidden />New silence</PageLink>}>
      <AlertingTabs />
      <div className="toolbar">
        <input className="field" placeholder={'Filter: severity="critical", team=~"a|b" or words'} value={text} onChange={(event) => setText(event.target.value, true)} aria-label="Filter the alerts" data-filter data-testid="alert-filter" />
        <span className="joined" role="group" aria-label="States">
          <button type="button" className={shownState === '' ? 'button on' : 'button'} aria-pressed={shownState === ''} onClick={() => change({ state: null })}>
            All {grouped(distinct.size)}
          </button>
          {alertWords
            .filter((word) => (counts.get(word) ?? 0) > 0 || shownState === word)
            .map((word) => (
              <button type="button" key={word} className={shownState === word ? 'button on' : 'button'} aria-pressed={shownState === word} onClick={() => change({ state: shownState === word ? null : word })} data-testid={`state-${word}`}>
                <span className={`state ${looks[word].state}`}>
                  <StateIcon state={looks[word].state} />
                </span>
                <span className="hide-phone">{looks[word].word}</span> {grouped(counts.get(word) ?? 0)}
              </button>
            ))}
        </span>
        {receiver !== '' && (
          <button type="button" className="button on" onClick={() => change({ receiver: null })}>
            receiver {receiver} ×
          </button>
        )}
      </div>
      <div className="panel reloading">
        {groups.isPending && groups.error === null && <Skeleton rows={10} />}
        {groups.isFetching && groups.isPending && <Progress />}
        {groups.error !== null && <Failed error={groups.error} what="The alerts could not be loaded." onRetry={() => void groups.refetch()} />}
        {groups.data !== undefined &&
          (everything.size === 0 && elsewhere !== '' ? (
            <AlertsElsewhere to={elsewhere} />
          ) : rows.length === 0 ? (
            <Empty
              title={everything.size === 0 ? 'The router holds no alerts.' : 'No alert matches the filter.'}
              action={
                everything.size === 0 ? (
                  <PageLink to="/alerting/rules" className="button">
                    See the rules
                  </PageLink>
                ) : (
                  <button type="button" className="button" onClick={() => change({ filter: null, state: null, receiver: null })}>
                    Show all {grouped(everything.size)}
                  </button>
                )
              }
            >
              <p>{everything.size === 0 ? 'Rules send alerts here when they fire.' : `The filter hides ${count(everything.size, 'alert')}.`}</p>
            </Empty>
          ) : (
            <VirtualRows
              label="Alerts"
              testId="alert-table"
              columns={6}
              count={rows.length}
              rowHeight={33}
              rowKey={(index) => rows[index]?.key ?? String(index)}
              head={
                <tr>
                  <th>State</th>
                  <th>Severity</th>
                  <th>Alert</th>
                  <th className="phone-hide">Labels</th>
                  <th>Outcome</th>
                  <th className="num">Since</th>
                </tr>
              }
              row={(index, props) => {
                const row = rows[index];
                if (row === undefined) return null;
                if (row.kind === 'group') {
                  return (
                    <tr key={row.key} className="group" {...props} data-testid="alert-group">
                      <td colSpan={6} className="slack">
                        <span className="row wrap">
                          {Object.keys(row.labels).length === 0 ? <span>All together</span> : <Chips labels={row.labels} hide={[]} onPick={pick} />}
                          <span className="caption">
                            to {row.receiver}, {count(row.count, 'alert')}
                          </span>
                        </span>
                      </td>
                    </tr>
                  );
                }
                const { alert } = row;
                const word = wordOf(alert);
                return (
                  <tr key={row.key} {...props} data-testid="alert-row" data-alertname={alert.labels['alertname']} data-state={word}>
                    <td>
                      <StateMark state={looks[word].state} word={looks[word].word} />
                    </td>
                    <td>
                      <Severity value={alert.labels['severity']} />
                    </td>
                    <td>
                      <PageLink to={`/alerting/explain?labels=${encodeURIComponent(labelsKey(alert.labels))}`} data-testid="explain-link">
                        {alert.labels['alertname'] ?? 'alert'}
                      </PageLink>
                      <span className="caption" style={{ display: 'block' }}>{alert.annotations['summary'] ?? ''}</span>
                    </td>
                    <td className="slack phone-hide">
                      <Chips labels={withoutLabels(alert.labels, row.common)} hide={['alertname', 'severity']} max={4} onPick={pick} />
                    </td>
                    <td className="t2">{outcome(alert, known.data ?? [], everything, (ms) => timeOrDate(ms, Date.now(), time.zone))}</td>
                    <td className="num">
                      <Time ms={alert.startsAtMs} as="age" />
                    </td>
                  </tr>
                );
              }}
            />
          ))}
      </div>
    </Page>
  );
}
