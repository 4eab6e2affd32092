import { Severity, severityRank, StateMark } from '../../components/StateMark';
import { Time } from '../../components/Time';
import { Empty, Failed, Skeleton } from '../../components/Views';
import { PageLink } from '../../components/Page';
import { AlertsElsewhere } from '../../components/AlertsElsewhere';
import { count } from '../../format/number';
import { labelsKey } from '../../format/labels';
import { navPages } from '../../shell/pages';
import { useAlerts, useMe } from '../../shell/queries';

const shownMax = 8;

export function FiringNow() {
  const { data, error, refetch } = useAlerts();
  const elsewhere = useMe().data?.alertmanagers ?? '';
  const linked = navPages.some((each) => each.under === '/alerting');
  const firing = (data ?? [])
    .filter((each) => each.state !== 'suppressed')
    .sort((a, b) => severityRank(a.labels['severity']) - severityRank(b.labels['severity']) || (a.startsAtMs ?? 0) - (b.startsAtMs ?? 0));
  const silenced = (data ?? []).filter((each) => each.silencedBy.length > 0).length;
  const inhibited = (data ?? []).filter((each) => each.inhibitedBy.length > 0).length;
  return (
    <section className="panel" data-testid="firing-now">
      <div className="panel-head">
        Firing now
        <span className="grow" />
        {linked && data !== undefined && data.length > 0 && <PageLink to="/alerting">All {count(data.length, 'alert')}</PageLink>}
      </div>
      {data === undefined && error === null && <Skeleton rows={3} />}
      {error !== null && data === undefined && <Failed error={error} what="The alerts could not be loaded." onRetry={() => void refetch()} />}
      {data !== undefined && data.length === 0 && elsewhere !== '' && <AlertsElsewhere to={elsewhere} />}
      {data !== undefined && firing.length === 0 && (data.length > 0 || elsewhere === '') && (
        <Empty title="No alert is firing.">
          <p>{data.length === 0 ? 'The router holds no alerts.' : `${count(data.length, 'alert is', 'alerts are')} silenced or inhibited.`}</p>
        </Empty>
      )}
      {firing.length > 0 && (
        <table className="table items">
          <tbody>
            {firing.slice(0, shownMax).map((alert) => (
              <tr key={alert.fingerprint} data-testid="alert-row">
                <td>
                  <Severity value={alert.labels['severity']} />
                </td>
                <td className="slack">
                  {linked ? <PageLink to={`/alerting/explain?labels=${encodeURIComponent(labelsKey(alert.labels))}`}>{alert.labels['alertname']}</PageLink> : <b>{alert.labels['alertname']}</b>}
                  <span className="caption" style={{ display: 'block' }}>
                    {alert.annotations['summary'] ?? alert.annotations['message'] ?? ''}
                  </span>
                </td>
                <td className="num">
                  <Time ms={alert.startsAtMs} as="age" />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {(silenced > 0 || inhibited > 0 || firing.length > shownMax) && (
        <div className="row wrap" style={{ padding: '8px 12px', gap: 20, borderTop: '1px solid var(--ph-line-1)' }}>
          {firing.length > shownMax && <span className="caption">{firing.length - shownMax} more firing</span>}
          {inhibited > 0 && <StateMark state="inhibited" word={`${inhibited} inhibited`} />}
          {silenced > 0 && <StateMark state="silenced" word={`${silenced} silenced`} />}
        </div>
      )}
    </section>
  );
}
