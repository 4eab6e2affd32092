import { useLocation } from 'react-router';
import { LinkTabs } from '../../components/Page';

const tabs: [string, string][] = [
  ['/alerting', 'Alerts'],
  ['/alerting/rules', 'Rules'],
  ['/alerting/silences', 'Silences'],
  ['/alerting/notifications', 'Notifications'],
];

export function AlertingTabs() {
  const { pathname } = useLocation();
  return <LinkTabs label="Alerting" items={tabs.map(([to, name]) => ({ to, name, on: pathname.replace(/(.)\/$/, '$1') === to }))} />;
}
