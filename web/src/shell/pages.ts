import { IconBell, IconCompass, IconHome, IconServer2 } from '@tabler/icons-react';

export interface NavPage {
  to: string;
  name: string;
  icon: typeof IconHome;
  /** Address prefix that marks it as the current one. */
  under: string;
  /** The second key after `g`. */
  key: string;
  showFiring?: boolean;
}

/** Every page there is; what is not built is not listed. */
export const navPages: NavPage[] = [
  { to: '/', name: 'Home', icon: IconHome, under: '/', key: 'h' },
  { to: '/explore/metrics', name: 'Explore', icon: IconCompass, under: '/explore', key: 'e' },
  { to: '/alerting', name: 'Alerting', icon: IconBell, under: '/alerting', key: 'a', showFiring: true },
  { to: '/fleet', name: 'Fleet', icon: IconServer2, under: '/fleet', key: 'f' },
];

export function isCurrent(page: NavPage, path: string): boolean {
  return page.under === '/' ? path === '/' : path.startsWith(page.under);
}

/** The way to a page, for the top bar. */
export function crumbs(path: string): { name: string; to?: string }[] {
  const names: Record<string, { name: string; to?: string }[]> = {
    '/': [{ name: 'Home' }],
    '/explore/metrics': [{ name: 'Explore', to: '/explore/metrics' }, { name: 'Metrics' }],
    '/explore/logs': [{ name: 'Explore', to: '/explore/metrics' }, { name: 'Logs' }],
    '/alerting': [{ name: 'Alerting', to: '/alerting' }, { name: 'Alerts' }],
    '/alerting/explain': [{ name: 'Alerting', to: '/alerting' }, { name: 'Alerts', to: '/alerting' }, { name: 'Explain' }],
    '/alerting/rules': [{ name: 'Alerting', to: '/alerting' }, { name: 'Rules' }],
    '/alerting/silences': [{ name: 'Alerting', to: '/alerting' }, { name: 'Silences' }],
    '/alerting/notifications': [{ name: 'Alerting', to: '/alerting' }, { name: 'Notifications' }],
    '/fleet': [{ name: 'Fleet', to: '/fleet' }, { name: 'Collectors' }],
    '/fleet/pipelines': [{ name: 'Fleet', to: '/fleet' }, { name: 'Pipelines' }],
  };
  return names[path.replace(/(.)\/$/, '$1')] ?? [{ name: 'Pharos' }];
}
