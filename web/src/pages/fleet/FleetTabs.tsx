import { useLocation } from 'react-router';
import { LinkTabs } from '../../components/Page';

export function FleetTabs() {
  const { pathname } = useLocation();
  return (
    <LinkTabs
      label="Fleet"
      items={[
        { to: '/fleet', name: 'Collectors', on: !pathname.startsWith('/fleet/pipelines') },
        { to: '/fleet/pipelines', name: 'Pipelines', on: pathname.startsWith('/fleet/pipelines') },
      ]}
    />
  );
}
