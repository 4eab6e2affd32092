import { PageLink } from './Page';
import { Empty } from './Views';

/** In the place of alerts, where rules send theirs to other Alertmanagers. */
export function AlertsElsewhere({ to }: { to: string }) {
  return (
    <Empty
      title="Alerts of rules go to other Alertmanagers."
      action={
        <PageLink to="/alerting/rules" className="button">
          See the rules that fire
        </PageLink>
      }
    >
      <p>{to} takes them; the router here holds none.</p>
    </Empty>
  );
}
