import { createBrowserRouter, Navigate, useLocation, useRouteError } from 'react-router';
import { Empty, Failed, Skeleton } from './components/Views';
import { Page, PageLink } from './components/Page';
import { Shell } from './shell/Shell';

function Moved({ to }: { to: string }) {
  const { search } = useLocation();
  return <Navigate to={`${to}${search}`} replace />;
}

function Unknown() {
  const { pathname } = useLocation();
  return (
    <Page title="Not found" caption="Pharos" finding="There is no such page.">
      <div className="panel">
        <Empty title={pathname} action={<PageLink to="/" className="button">Go to Home</PageLink>}>
          <p>The address may be mistyped or belong to a part that this server does not have.</p>
        </Empty>
      </div>
    </Page>
  );
}

/** A fault inside a page leaves the shell alive. */
function Broken() {
  const error = useRouteError();
  return (
    <div className="page" style={{ paddingTop: 16 }}>
      <div className="panel">
        <Failed error={error} what="This page stopped." onRetry={() => window.location.reload()} />
      </div>
    </div>
  );
}

/** Each page is a file of its own, fetched when it is first opened. */
export function makeRouter() {
  return createBrowserRouter([
    {
      path: '/',
      element: <Shell />,
      errorElement: <Broken />,
      hydrateFallbackElement: <Skeleton />,
      children: [
        {
          errorElement: <Broken />,
          children: [
            { index: true, lazy: async () => ({ Component: (await import('./pages/home/HomePage')).HomePage }) },
            { path: 'explore', element: <Moved to="/explore/metrics" /> },
            { path: 'explore/metrics', lazy: async () => ({ Component: (await import('./pages/metrics/MetricsPage')).MetricsPage }) },
            { path: 'explore/logs', lazy: async () => ({ Component: (await import('./pages/logs/LogsPage')).LogsPage }) },
            { path: 'alerting', lazy: async () => ({ Component: (await import('./pages/alerts/AlertsPage')).AlertsPage }) },
            { path: 'alerting/rules', lazy: async () => ({ Component: (await import('./pages/alerts/RulesPage')).RulesPage }) },
            { path: 'alerting/silences', lazy: async () => ({ Component: (await import('./pages/alerts/SilencesPage')).SilencesPage }) },
            { path: 'alerting/notifications', lazy: async () => ({ Component: (await import('./pages/alerts/NotificationsPage')).NotificationsPage }) },
            { path: 'alerting/explain', lazy: async () => ({ Component: (await import('./pages/alerts/ExplainPage')).ExplainPage }) },
            { path: 'fleet', lazy: async () => ({ Component: (await import('./pages/fleet/FleetPage')).FleetPage }) },
            { path: 'fleet/pipelines', lazy: async () => ({ Component: (await import('./pages/fleet/PipelinesPage')).PipelinesPage }) },
            { path: '*', element: <Unknown /> },
          ],
        },
      ],
    },
  ]);
}
