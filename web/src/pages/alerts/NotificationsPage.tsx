import './alerts.css';

import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { notifications, type Notification } from '../../api/pharos';
import { Chips } from '../../components/Chips';
import { Drawer } from '../../components/Drawer';
import { Page, PageLink } from '../../components/Page';
import { StateMark } from '../../components/StateMark';
import { Time } from '../../components/Time';
import { CopyButton, Empty, Failed, Skeleton } from '../../components/Views';
import { VirtualRows } from '../../components/VirtualRows';
import { commonLabels, labelsKey, withoutLabels } from '../../format/labels';
import { count, grouped } from '../../format/number';
import { useRefreshMs, useTime } from '../../state/time';
import { useChangeParams, useParam } from '../../state/url';
import { sayAgo } from '../../time/duration';
import { AlertingTabs } from './AlertingTabs';
import { parseFilter, passes } from './filter';

const limit = 200;

function idOf(each: Notification): string {
  return `${each.atMs} ${each.receiver} ${each.integration} ${each.groupKey}`;
}

function names(each: Notification): string {
  return [...new Set(each.alerts.map((alert) => alert.labels['alertname'] ?? 'alert'))].join(', ');
}

/** Every notification that was tried, newest first, with what was sent and what came of it. */
export function NotificationsPage() {
  const time = useTime();
  const every = useRefreshMs(5_000);
  const change = useChangeParams();
  const [text, setText] = useParam('filter');
  const [shown] = useParam('state');
  const [picked] = useParam('open');
  const { data, error, refetch, isPending } = useQuery({ queryKey: ['notifications', time.tick], queryFn: ({ signal }) => notifications(limit, signal), refetchInterval: every });
  const filter = useMemo(() => parseFilter(text), [text]);
  const found = useMemo(
    () =>
      [...(data ?? [])]
        .sort((a, b) => b.atMs - a.atMs)
        .filter((each) => passes({ ...filter, matchers: [] }, {}, [each.receiver, each.integration, each.reason, each.groupKey, each.error ?? '', ...each.alerts.map((alert) => JSON.stringify(alert.labels))]) && (filter.matchers.length === 0 || each.alerts.some((alert) => passes({ ...filter, words: [] }, { ...alert.labels, receiver: each.receiver, integration: each.integration })))),
    [data, filter],
  );
  const rows = found.filter((each) => shown === '' || (shown === 'failed' ? !each.delivered : each.delivered && each.status === shown));
  const open = found.find((each) => idOf(each) === picked);
  const failed = (data ?? []).filter((each) => !each.delivered);
  const last = data?.reduce((newest, each) => Math.max(newest, each.atMs), 0) ?? 0;
  const finding =
    data === undefined
      ? error === null
        ? ' '
        : 'The notifications are unknown.'
      : data.length === 0
        ? 'Nothing was sent yet.'
        : failed.length === 0
          ? `${data.length >= limit ? `The last ${grouped(limit)} notifications were all` : count(data.length, 'notification was', 'notifications were all')} delivered, the last ${sayAgo(last, Date.now())}.`
          : `${count(failed.length, 'notification')} of ${grouped(data.length)} could not be delivered.`;
  const states: [string, string, number][] = [
    ['', 'All', found.length],
    ['firing', 'Firing', found.filter((each) => each.delivered && each.status === 'firing').length],
    ['resolved', 'Resolved', found.filter((each) => each.delivered && each.status === 'resolved').length],
    ['failed', 'Failed', found.filter((each) => !each.delivered).length],
  ];
  return (
    <Page title="Notifications" caption="Alerting" finding={finding} wide>
      <AlertingTabs />
      <div className="toolbar">
        <input className="field" placeholder={'Filter: receiver="pager", alertname="X" or words'} value={text} onChange={(event) => setText(event.target.value, true)} aria-label="Filter the notifications" data-filter />
        <span className="joined" role="group" aria-label="Kinds">
          {states.map(([value, name, number]) => (
            <button type="button" key={value} className={shown === value ? 'button on' : 'button'} aria-pressed={shown === value} onClick={() => change({ state: value })}>
              {name} {grouped(number)}
            </button>
          ))}
        </span>
      </div>
      <div className="panel">
        {isPending && error === null && <Skeleton rows={8} />}
        {error !== null && <Failed error={error} what="The notifications could not be loaded." onRetry={() => void refetch()} />}
        {data !== undefined && rows.length === 0 && (
          <Empty title={data.length === 0 ? 'No notification was sent yet.' : 'No notification matches the filter.'} action={data.length === 0 ? <PageLink to="/alerting" className="button">See the alerts</PageLink> : <button type="button" className="button" onClick={() => change({ filter: null, state: null })}>Show all {grouped(data.length)}</button>}>
            <p>{data.length === 0 ? 'When an alert fires and its group is due, what was sent stands here with its body and the answer.' : `The filter hides ${count(data.length, 'notification')}.`}</p>
          </Empty>
        )}
        {rows.length > 0 && (
          <VirtualRows
            label="Notifications"
            testId="notification-table"
            columns={6}
            count={rows.length}
            rowHeight={33}
            rowKey={(index) => (rows[index] === undefined ? String(index) : `${idOf(rows[index])} ${index}`)}
            head={
              <tr>
                <th>Delivery</th>
                <th>Time</th>
                <th>Receiver</th>
                <th>Says</th>
                <th>Alerts</th>
                <th className="phone-hide">Because</th>
              </tr>
            }
            row={(index, props) => {
              const each = rows[index];
              if (each === undefined) return null;
              const id = idOf(each);
              return (
                <tr key={`${id} ${index}`} {...props} className={id === picked ? 'selected' : ''} data-testid="notification-row" data-receiver={each.receiver} data-status={each.status} data-delivered={each.delivered}>
                  <td>
                    <StateMark state={each.delivered ? 'ok' : 'error'} word={each.delivered ? 'Delivered' : 'Failed'} reason={each.error ?? ''} />
                  </td>
                  <td>
                    <Time ms={each.atMs} />
                  </td>
                  <td>
                    <button type="button" className="link-button" onClick={() => change({ open: id === picked ? null : id })} data-testid="open-notification">
                      {each.receiver}
                    </button>{' '}
                    <span className="t3">{each.integration}</span>
                  </td>
                  <td>{each.status === 'firing' ? <StateMark state="firing" /> : <StateMark state="ok" word="Resolved" />}</td>
                  <td className="slack">
                    <span className="t1">{names(each)}</span> <span className="t3">{each.alerts.length > 1 ? count(each.alerts.length, 'alert') : ''}</span>
                  </td>
                  <td className="t3 phone-hide" style={{ minWidth: 200 }}>{each.error ?? each.reason}</td>
                </tr>
              );
            }}
          />
        )}
      </div>
      {open !== undefined && <NotificationDrawer each={open} onClose={() => change({ open: null })} />}
    </Page>
  );
}

function NotificationDrawer({ each, onClose }: { each: Notification; onClose: () => void }) {
  const common = commonLabels(each.alerts.map((alert) => alert.labels));
  return (
    <Drawer caption={`${each.receiver}, ${each.integration}`} title={names(each) || 'Notification'} onClose={onClose} testId="notification-drawer">
      <StateMark state={each.delivered ? 'ok' : 'error'} word={each.delivered ? 'Delivered' : 'Failed'} soft />
      {each.error !== null && <pre className="server-text">{each.error}</pre>}
      <dl className="facts">
        <dt>Sent</dt>
        <dd>
          <Time ms={each.atMs} />
        </dd>
        <dt>Says</dt>
        <dd>{each.status}</dd>
        <dt>Because</dt>
        <dd>{each.reason}</dd>
        <dt>Group</dt>
        <dd className="mono" style={{ overflowWrap: 'anywhere' }}>{each.groupKey}</dd>
      </dl>
      <section>
        <h3>The message as sent</h3>
        {each.body === '' ? (
          <p>No body was kept.</p>
        ) : (
          <div className="copy-line">
            <pre className="well" style={{ maxHeight: 360 }} data-testid="notification-body">{pretty(each.body)}</pre>
            <CopyButton value={each.body} label="Copy the message" />
          </div>
        )}
      </section>
      <section>
        <h3>{count(each.alerts.length, 'alert')}</h3>
        {Object.keys(common).length > 0 && (
          <div className="row wrap" style={{ marginBottom: 4 }}>
            <span className="caption">Common to all:</span>
            <Chips labels={common} hide={[]} />
          </div>
        )}
        <ul className="stack" style={{ gap: 8 }}>
          {each.alerts.slice(0, 50).map((alert, at) => (
            <li key={at}>
              <PageLink to={`/alerting/explain?labels=${encodeURIComponent(labelsKey(alert.labels))}`}>{alert.labels['alertname'] ?? 'alert'}</PageLink> <span className="t3">{alert.status}</span>
              <Chips labels={withoutLabels(alert.labels, common)} />
              {alert.annotations['summary'] !== undefined && <p className="caption">{alert.annotations['summary']}</p>}
            </li>
          ))}
        </ul>
      </section>
    </Drawer>
  );
}

function pretty(body: string): string {
  if (!/^\s*[[{]/.test(body)) return body;
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}
