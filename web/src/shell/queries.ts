import { useQuery } from '@tanstack/react-query';
import { alerts } from '../api/alertmanager';
import { me } from '../api/pharos';
import { useRefreshMs } from '../state/time';

export function useMe() {
  return useQuery({ queryKey: ['me'], queryFn: ({ signal }) => me(signal), staleTime: 60_000, refetchInterval: 30_000 });
}

/** All alerts the router holds; shared by the nav's count, Home and the list. */
export function useAlerts(filter: readonly string[] = [], receiver = '') {
  const every = useRefreshMs(10_000);
  return useQuery({ queryKey: ['alerts', filter, receiver], queryFn: ({ signal }) => alerts(filter, receiver, signal), refetchInterval: every });
}
